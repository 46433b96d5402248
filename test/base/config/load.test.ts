import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'smol-toml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAddress } from '#base/bitcoin/address';
import type { Config } from '#base/config/config';
import { SIMULATED_PAYOUT_ADDRESS } from '#base/config/defaults';
import { keys } from '#base/config/keys';
import { loadConfig } from '#base/config/load';
import { ConfigError, type ConfigProblem } from '#base/config/problem';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-config-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Env = Record<string, string | undefined>;

function load(toml: string | Uint8Array, env: Env = {}): Config {
  const file = join(folder, 'sluice.toml');
  writeFileSync(file, toml);
  return loadConfig({ file, env });
}

function problems(toml: string | Uint8Array, env: Env = {}): readonly ConfigProblem[] {
  try {
    load(toml, env);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    if (error instanceof ConfigError) return error.problems;
  }
  throw new Error('the config was taken');
}

const mainAddress = 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4';

/** Every key of the contract, none at its default. */
const everything = `
network = "main"
name = "pool-7.example"
data = "/var/lib/sluice"
[node]
rpc = ["http://user:p%40ss@127.0.0.1:8332", "https://u2:p2@[::1]:8333/"]
zmq = "tcp://127.0.0.1:28332"
refresh-seconds = 12.5
[stratum]
tcp = "0.0.0.0:4333"
websocket = "[::1]:4334"
tls = { listen = "127.0.0.1:4335", cert = "cert.pem", key = "key.pem" }
gateways = 4
proxy-protocol = true
proxy-from = ["10.1.2.3/8", "2001:DB8::/32"]
websocket-origins = ["https://Farm.example:8443", "null"]
version-mask = "1fffffe0"
authorization = "open"
idle-minutes = 30
outage-grace-seconds = 90
nicehash = { key = "key", secret = "secret" }
[stratum.difficulty]
start = 1024.5
min = 2.0
max = 1e9
vardiff = false
shares-per-minute = 20
[stratum.limits]
connections = 100
connections-per-address = 10
connections-per-subnet = 20
handshakes-per-second = 50
handshakes-per-second-per-address = 5
handshakes-per-second-per-subnet = 7
lines-per-second = 500
bytes-per-second = 100000
submits-per-second = 400
exempt = []
[stratum.bans]
enabled = false
allow = ["192.0.2.1"]
deny = ["198.51.100.0/24"]
[verify]
threads = 2
[payout]
scheme = "solo"
address = "${mainAddress}"
fee-percent = 0.5
donation-percent = 0.25
donation-address = "${mainAddress.toUpperCase()}"
minimum-sats = 5000
method = "coinbase"
wallet = "pool"
tag = "/Pool 7 ⛏/"
window = 2.5
maturity = 120
confirmations = 6
interval = "off"
network-fee = "miners"
fee-rate-min = 0.5
fee-rate-max = 20
[clickhouse]
url = "http://writer:secret@ch.example:8123/pool"
[http]
listen = "localhost:9090"
admin-token = "a-long-admin-token"
origins = ["https://Page.example", "null"]
sql-token = "a-long-sql-token"
[log]
level = "debug"
`;

describe('loadConfig', () => {
  it('needs no file: everything embedded, on loopback', () => {
    expect(loadConfig({ env: {} })).toEqual({
      network: 'regtest',
      name: undefined,
      data: './sluice-data',
      node: { kind: 'simulated', blockDifficulty: 0.005, transactions: undefined, refreshMs: 30_000 },
      stratum: {
        tcp: { host: '127.0.0.1', port: 3333 },
        websocket: { host: '127.0.0.1', port: 3334 },
        websocketOrigins: [],
        tls: undefined,
        gateways: 1,
        proxyProtocol: false,
        proxyFrom: ['127.0.0.0/8', '::1'],
        versionMask: 0x1fffe000,
        authorization: 'address',
        accounts: [],
        profiles: [],
        niceHash: undefined,
        idleMsMax: 3_600_000,
        outageGraceMs: 60_000,
        difficulty: { start: 0.0002, min: 1e-9, max: 1e12, vardiff: true, sharesPerMinute: 12 },
        limits: {
          connections: 60_000,
          connectionsPerAddress: 16_384,
          connectionsPerSubnet: 32_768,
          handshakes: 5000,
          handshakesPerAddress: 1000,
          handshakesPerSubnet: 2000,
          lines: 10_000,
          bytes: 4_194_304,
          submits: 6000,
          exempt: ['127.0.0.0/8', '::1'],
        },
        bans: { enabled: true, allow: ['127.0.0.1', '::1'], deny: [] },
      },
      verify: { threads: 1 },
      payout: {
        scheme: 'pplns',
        address: SIMULATED_PAYOUT_ADDRESS,
        feeBasisPoints: 100,
        donationBasisPoints: 0,
        donationAddress: undefined,
        accounts: [],
        minimumSats: 100_000n,
        method: 'wallet',
        wallet: undefined,
        tag: '/Sluice/',
        window: 8,
        maturity: 10,
        confirmations: 3,
        intervalMs: 3_600_000,
        networkFee: 'pool',
        feeRateMin: 1,
        feeRateMax: 100,
      },
      clickhouse: undefined,
      http: {
        listen: { host: '127.0.0.1', port: 8080 },
        adminToken: undefined,
        sqlToken: undefined,
        origins: ['*'],
      },
      log: { level: 'info' },
      warnings: [],
    });
  });

  it('takes every key', () => {
    expect(load(everything)).toMatchObject({
      network: 'main',
      name: 'pool-7.example',
      data: '/var/lib/sluice',
      node: {
        kind: 'rpc',
        endpoints: [
          { url: 'http://127.0.0.1:8332/', login: { username: 'user', password: 'p@ss' } },
          { url: 'https://[::1]:8333/', login: { username: 'u2', password: 'p2' } },
        ],
        zmq: ['tcp://127.0.0.1:28332'],
        refreshMs: 12_500,
      },
      stratum: {
        tcp: { host: '0.0.0.0', port: 4333 },
        websocket: { host: '::1', port: 4334 },
        websocketOrigins: ['https://farm.example:8443', 'null'],
        tls: { listen: { host: '127.0.0.1', port: 4335 }, cert: 'cert.pem', key: 'key.pem' },
        gateways: 4,
        proxyProtocol: true,
        proxyFrom: ['10.0.0.0/8', '2001:db8::/32'],
        versionMask: 0x1fffffe0,
        authorization: 'open',
        niceHash: { key: 'key', secret: 'secret' },
        idleMsMax: 1_800_000,
        outageGraceMs: 90_000,
        difficulty: { start: 1024.5, min: 2, max: 1e9, vardiff: false, sharesPerMinute: 20 },
        limits: {
          connections: 100,
          connectionsPerAddress: 10,
          connectionsPerSubnet: 20,
          handshakes: 50,
          handshakesPerAddress: 5,
          handshakesPerSubnet: 7,
          lines: 500,
          bytes: 100_000,
          submits: 400,
          exempt: [],
        },
        bans: { enabled: false, allow: ['192.0.2.1'], deny: ['198.51.100.0/24'] },
      },
      verify: { threads: 2 },
      payout: {
        scheme: 'solo',
        address: mainAddress,
        feeBasisPoints: 50,
        donationBasisPoints: 25,
        donationAddress: mainAddress,
        minimumSats: 5000n,
        method: 'coinbase',
        wallet: 'pool',
        tag: '/Pool 7 ⛏/',
        window: 2.5,
        maturity: 120,
        confirmations: 6,
        intervalMs: undefined,
        networkFee: 'miners',
        feeRateMin: 0.5,
        feeRateMax: 20,
      },
      clickhouse: { url: 'http://ch.example:8123', username: 'writer', password: 'secret', database: 'pool' },
      http: {
        listen: { host: 'localhost', port: 9090 },
        adminToken: 'a-long-admin-token',
        origins: ['https://page.example', 'null'],
        sqlToken: 'a-long-sql-token',
      },
      log: { level: 'debug' },
    });
  });

  it('takes every key from the environment as from the file', () => {
    const table = parse(everything);
    const env: Env = {};
    for (const { path, env: variable } of keys) {
      let value: unknown = table;
      for (const part of path)
        value = typeof value === 'object' && value !== null ? Reflect.get(value, part) : undefined;
      if (value !== undefined && variable !== undefined) env[variable] = String(value);
    }
    expect(Object.keys(env)).toHaveLength(keys.filter(({ env: name }) => name !== undefined).length - 3); // all but node.cookie and the simulated node's
    expect(env['SLUICE_STRATUM__DIFFICULTY__SHARES_PER_MINUTE']).toBe('20');
    expect(loadConfig({ env })).toEqual(load(everything));
  });

  it('lets the environment go before the file, key by key', () => {
    const env = {
      SLUICE_STRATUM__TCP: '127.0.0.1:0',
      SLUICE_STRATUM__DIFFICULTY__START: '4',
      HOME: '/',
      SLUICE_DATA: undefined,
    };
    const config = load(everything, env);
    expect(config.stratum.tcp).toEqual({ host: '127.0.0.1', port: 0 });
    expect(config.stratum.difficulty).toMatchObject({ start: 4, min: 2 });
    expect(config.data).toBe('/var/lib/sluice');
  });

  it('returns a frozen config and does not change its input', () => {
    const env = Object.freeze({ SLUICE_STRATUM__TCP: '127.0.0.1:1' });
    const config = load(everything, env);
    const frozen = (value: unknown): boolean =>
      typeof value !== 'object' || value === null || (Object.isFrozen(value) && Object.values(value).every(frozen));
    expect(frozen(config)).toBe(true);
    expect(frozen(loadConfig({ env: {} }))).toBe(true);
    expect(loadConfig({ env: {} }).stratum.tcp).toEqual({ host: '127.0.0.1', port: 3333 });
  });

  it.each([
    ['tcp = false', { tcp: undefined, websocket: { host: '127.0.0.1', port: 3334 } }],
    ['tcp = ""', { tcp: undefined }],
    [
      'tcp = false\nwebsocket = false\ntls = { cert = "c", key = "k" }',
      { tcp: undefined, websocket: undefined, tls: { listen: { host: '127.0.0.1', port: 3335 }, cert: 'c', key: 'k' } },
    ],
    ['websocket = false', { tcp: { host: '127.0.0.1', port: 3333 }, websocket: undefined }],
  ])('switches a listener off by %s', (line, stratum) => {
    expect(load(`[stratum]\n${line}`).stratum).toMatchObject(stratum);
  });

  it('switches a listener off by the environment', () => {
    expect(load('', { SLUICE_STRATUM__WEBSOCKET: '' }).stratum.websocket).toBeUndefined();
    expect(load('', { SLUICE_STRATUM__TCP: 'false' }).stratum.tcp).toBeUndefined();
  });

  it('pays simulated blocks to an address that regtest takes and no other network does', () => {
    expect(parseAddress(SIMULATED_PAYOUT_ADDRESS, 'regtest').ok).toBe(true);
    for (const network of ['main', 'testnet4', 'signet'] as const) {
      expect(parseAddress(SIMULATED_PAYOUT_ADDRESS, network).ok).toBe(false);
    }
  });

  it('reads a cookie instead of names', () => {
    const config = load(
      '[node]\nrpc = ["http://127.0.0.1:18443"]\ncookie = ".cookie"\n[payout]\naddress = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"',
    );
    expect(config.node).toEqual({
      kind: 'rpc',
      endpoints: [{ url: 'http://127.0.0.1:18443/', login: { cookie: '.cookie' } }],
      zmq: [],
      refreshMs: 30_000,
    });
  });

  it('gives each node its own cookie and its own ZeroMQ endpoint, and keeps the path of a URL', () => {
    const config = load(
      [
        '[node]',
        'rpc = ["http://h:1/wallet/pool", "http://h:2"]',
        'cookie = ["a/.cookie", "b/.cookie"]',
        'zmq = ["tcp://h:3", "ipc:///run/h"]',
        '[payout]\naddress = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"',
      ].join('\n'),
    );
    expect(config.node).toMatchObject({
      endpoints: [
        { url: 'http://h:1/wallet/pool', login: { cookie: 'a/.cookie' } },
        { url: 'http://h:2/', login: { cookie: 'b/.cookie' } },
      ],
      zmq: ['tcp://h:3', 'ipc:///run/h'],
    });
  });

  it('takes one cookie for the URLs without a user', () => {
    const config = load(
      '[node]\nrpc = ["http://u:p@h:1", "http://h:2"]\ncookie = "c"\n[payout]\naddress = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"',
    );
    expect(config.node).toMatchObject({
      endpoints: [{ login: { username: 'u', password: 'p' } }, { login: { cookie: 'c' } }],
    });
  });

  it('fills in the user and database of a ClickHouse URL', () => {
    expect(load('[clickhouse]\nurl = "http://127.0.0.1:8123"').clickhouse).toEqual({
      url: 'http://127.0.0.1:8123',
      username: 'default',
      password: '',
      database: 'sluice',
    });
  });

  it('warns of each thing asked for that has no effect, and of nothing else', () => {
    expect(load('[payout]\nmethod = "coinbase"').warnings).toEqual([]);
    expect(load('[stratum]\nauthorization = "open"\n[payout]\nmethod = "coinbase"').warnings).toEqual([
      expect.stringContaining('payout.method'),
    ]);
    expect(load('[payout]\nmethod = "wallet"\ninterval = "1h"\nnetwork-fee = "miners"').warnings).toEqual([]);
    expect(load('[stratum]\ngateways = 1\nproxy-protocol = false\n[stratum.bans]\nenabled = false').warnings).toEqual(
      [],
    );
  });
});

describe('limits', () => {
  const limits = (lines: string) => load(`[stratum.limits]\n${lines}`).stratum.limits;

  it('adapts a default to a configured limit', () => {
    expect(limits('connections = 1000')).toMatchObject({
      connections: 1000,
      connectionsPerSubnet: 1000,
      connectionsPerAddress: 1000,
    });
    expect(limits('connections-per-address = 40000')).toMatchObject({
      connections: 60_000,
      connectionsPerSubnet: 40_000,
      connectionsPerAddress: 40_000,
    });
  });

  it('refuses two that contradict each other', () => {
    expect(problems('[stratum.limits]\nconnections = 10\nconnections-per-address = 11')).toEqual([
      {
        key: 'stratum.limits.connections-per-address',
        value: '11',
        bound: 'must be at most stratum.limits.connections, which is 10',
      },
    ]);
    expect(
      problems('[stratum.limits]\nhandshakes-per-second-per-subnet = 1\nhandshakes-per-second-per-address = 2'),
    ).toHaveLength(1);
  });

  it.each([
    'connections = 0',
    'lines-per-second = 1.5',
    'bytes-per-second = 10',
    'exempt = ["10.0.0.0/33"]',
    'exempt = "::1"',
  ])('refuses %s', (line) => {
    expect(problems(`[stratum.limits]\n${line}`)[0]?.key).toMatch(/^stratum\.limits\./);
  });
});

describe('lists of addresses', () => {
  it('are written once in each spelling, and read from variables too', () => {
    expect(load('[stratum.bans]\ndeny = ["10.1.2.3/8", "::FFFF:192.0.2.1"]').stratum.bans.deny).toEqual([
      '10.0.0.0/8',
      '192.0.2.1',
    ]);
    const env = { SLUICE_STRATUM__BANS__ALLOW: '', SLUICE_STRATUM__BANS__DENY: '192.0.2.1, 2001:db8::/32' };
    expect(loadConfig({ env }).stratum.bans).toEqual({
      enabled: true,
      allow: [],
      deny: ['192.0.2.1', '2001:db8::/32'],
    });
  });

  it('name the bad one', () => {
    expect(problems('[stratum.bans]\nallow = ["10.0.0.1", "localhost"]')).toEqual([
      {
        key: 'stratum.bans.allow.1',
        value: '"localhost"',
        bound: 'must be a list of up to 4096 addresses or ranges such as "203.0.113.0/24"',
      },
    ]);
  });

  it('name proxies only with stratum.proxy-protocol', () => {
    expect(problems('[stratum]\nproxy-from = ["10.0.0.1"]')[0]?.key).toBe('stratum.proxy-from');
    expect(problems('[stratum]\nproxy-protocol = true\nproxy-from = []')[0]?.key).toBe('stratum.proxy-from');
  });
});

describe('difficulty', () => {
  const difficulty = (lines: string, network = 'regtest') =>
    load(
      `network = "${network}"\n${network === 'regtest' ? '' : `[node]\nrpc = ["http://u:p@h:1"]\n[payout]\naddress = "${network === 'main' ? mainAddress : 'tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx'}"`}\n[stratum.difficulty]\n${lines}`,
    ).stratum.difficulty;

  it.each(['main', 'testnet4', 'signet'])('suits machines on %s', (network) => {
    expect(difficulty('', network)).toMatchObject({ start: 65_536, min: 1, max: 1e12 });
  });

  it.each([
    ['start = 0.5', { start: 0.5, min: 1e-9, max: 1e12 }],
    ['start = 1e-12', { start: 1e-12, min: 1e-12, max: 1e12 }],
    ['start = 1e13', { start: 1e13, min: 1e-9, max: 1e13 }],
    ['min = 5', { start: 5, min: 5, max: 1e12 }],
    ['max = 1e-5', { start: 1e-5, min: 1e-9, max: 1e-5 }],
    ['max = 1e-10', { start: 1e-10, min: 1e-10, max: 1e-10 }],
  ])('makes room around %s', (lines, expected) => {
    expect(difficulty(lines)).toMatchObject(expected);
  });

  it.each([
    ['start = 1\nmin = 2', 'stratum.difficulty.start', 'must be at least stratum.difficulty.min, which is 2'],
    ['start = 3\nmax = 2', 'stratum.difficulty.start', 'must be at most stratum.difficulty.max, which is 2'],
    ['min = 3\nmax = 2', 'stratum.difficulty.min', 'must be at most stratum.difficulty.max, which is 2'],
  ])('refuses %j', (lines, key, bound) => {
    expect(problems(`[stratum.difficulty]\n${lines}`)).toMatchObject([{ key, bound }]);
  });
});

describe('a config that is wrong', () => {
  const clickhouseUrl = 'must be a URL such as "http://default@127.0.0.1:8123/sluice"';
  const port = 'must be host:port, such as "127.0.0.1:3333" or "[::1]:3333", with a port from 0 to 65535';
  it.each([
    ['stratum.gateways', '[stratum]\ngateways = 1.5', '1.5', 'must be an integer from 0 to 256'],
    ['stratum.gateways', '[stratum]\ngateways = -1', '-1', 'must be an integer from 0 to 256'],
    ['stratum.gateways', '[stratum]\ngateways = "2"', '"2"', 'must be an integer from 0 to 256'],
    ['verify.threads', '[verify]\nthreads = 257', '257', 'must be an integer from 0 to 256'],
    [
      'stratum.difficulty.start',
      '[stratum.difficulty]\nstart = 0',
      '0',
      'must be a number above 0 and at most 1000000000000000',
    ],
    [
      'stratum.difficulty.start',
      '[stratum.difficulty]\nstart = nan',
      'NaN',
      'must be a number above 0 and at most 1000000000000000',
    ],
    [
      'stratum.difficulty.max',
      '[stratum.difficulty]\nmax = inf',
      'Infinity',
      'must be a number above 0 and at most 1000000000000000',
    ],
    ['payout.minimum-sats', '[payout]\nminimum-sats = 0.5', '0.5', 'must be an integer from 0 to 2100000000000000'],
    ['http.listen', '[http]\nlisten = "8080"', '"8080"', port],
    ['http.listen', '[http]\nlisten = false', 'false', port],
    ['stratum.tcp', '[stratum]\ntcp = "127.0.0.1:65536"', '"127.0.0.1:65536"', `${port}; or false to switch it off`],
    ['stratum.tcp', '[stratum]\ntcp = true', 'true', `${port}; or false to switch it off`],
    ['network', 'network = "testnet3"', '"testnet3"', 'must be one of "main", "testnet4", "signet", "regtest"'],
    ['network', 'network = 1979-05-27', 'a date', 'must be one of "main", "testnet4", "signet", "regtest"'],
    ['stratum', 'stratum = 5', '5', 'must be a table'],
    ['stratum.bans', '[stratum]\nbans = true', 'true', 'must be a table'],
    ['stratum.tls.cert', '[stratum]\ntls = { key = "k" }', undefined, 'is missing: must be a path'],
    ['data', 'data = ""', '""', 'must be a path'],
    ['name', 'name = "two words"', '"two words"', 'must be 1 to 64 letters, digits, dots and dashes'],
    [
      'stratum.version-mask',
      '[stratum]\nversion-mask = "ffffffff"',
      '"ffffffff"',
      'must be up to 8 hex digits within "1fffffe0", such as "1fffe000"',
    ],
    ['clickhouse.url', '[clickhouse]\nurl = "localhost:8123"', '"localhost:8123"', clickhouseUrl],
    ['clickhouse.url', '[clickhouse]\nurl = "me:hunter2@localhost"', undefined, clickhouseUrl],
    [
      'node.rpc.0',
      '[node]\nrpc = ["localhost"]',
      '"localhost"',
      'must be a list of 1 to 16 URLs such as "http://user:pass@127.0.0.1:8332"',
    ],
    ['clickhouse.url', '[clickhouse]\nurl = "default:hunter2 127.0.0.1:8123"', undefined, clickhouseUrl],
    ['clickhouse.url', '[clickhouse]\nurl = "http://me:hunter2/127.0.0.1:8123"', undefined, clickhouseUrl],
    ['node', 'node = "http://me:hunter2@127.0.0.1:8332"', undefined, 'must be a table'],
    ['stratum.bans.enabled', '[stratum.bans]\nenabled = 1', '1', 'must be true or false'],
    ['log.level', '[log]\nlevel = "loud"', '"loud"', 'must be one of "debug", "info", "warn", "error"'],
  ])('names key, value and bound: %s in %j', (key, toml, value, bound) => {
    expect(problems(toml)).toEqual([{ key, value, bound }]);
  });

  it.each([
    ['SLUICE_STRATUM__GATEWAYS', '', '""', 'must be an integer from 0 to 256'],
    ['SLUICE_STRATUM__GATEWAYS', ' 1', '" 1"', 'must be an integer from 0 to 256'],
    ['SLUICE_STRATUM__GATEWAYS', '0x1', '"0x1"', 'must be an integer from 0 to 256'],
    ['SLUICE_STRATUM__DIFFICULTY__VARDIFF', 'yes', '"yes"', 'must be true or false'],
  ])('names the variable: %s=%j', (variable, value, shown, bound) => {
    expect(problems('', { [variable]: value })).toEqual([{ key: variable, value: shown, bound }]);
  });

  it.each([
    ['[stratum]\ntpc = "x"', 'stratum.tpc', 'did you mean stratum.tcp?'],
    ['[stratum]\nproxy_protocol = true', 'stratum.proxy_protocol', 'did you mean stratum.proxy-protocol?'],
    ['[stratums]\ntcp = "x"', 'stratums', 'did you mean stratum?'],
    ['vardiff = true', 'vardiff', 'did you mean stratum.difficulty.vardiff?'],
    ['[verify]\nzzzzzzzzzzzz = 1', 'verify.zzzzzzzzzzzz', 'known here: threads'],
  ])('hints at what was meant by %j', (toml, key, hint) => {
    expect(problems(toml)).toEqual([{ key, value: undefined, bound: `is an unknown key; ${hint}` }]);
  });

  it.each([
    ['SLUICE_STRATM__TCP', 'did you mean SLUICE_STRATUM__TCP?'],
    ['SLUICE_STRATUM_TCP', 'did you mean SLUICE_STRATUM__TCP?'],
    ['SLUICE___PROTO____X', '`sluice check --help` lists them all'],
  ])('refuses the variable %s', (variable, hint) => {
    expect(problems('', { [variable]: '1' })).toEqual([
      { key: variable, value: undefined, bound: `is an unknown variable; ${hint}` },
    ]);
  });

  it('lists everything at once', () => {
    const found = problems('nonsense = 1\n[verify]\nthreads = -1\n[http]\nlisten = ""', { SLUICE_X: '' });
    expect(found.map(({ key }) => key).sort()).toEqual(['SLUICE_X', 'http.listen', 'nonsense', 'verify.threads']);
  });

  it.each([
    ['network = "main"', 'network', 'needs a Bitcoin node, which node.rpc must name; only regtest is simulated'],
    ['[node]\nzmq = "tcp://127.0.0.1:1"', 'node.zmq', 'is for a real node, which node.rpc must name'],
    [
      '[stratum]\ntcp = false\nwebsocket = false',
      'stratum.tcp',
      'is off, and so are stratum.websocket and stratum.tls: turn one on, so that miners can connect',
    ],
    [
      '[http]\nlisten = "0.0.0.0:3333"',
      'http.listen',
      'is already used by stratum.tcp, which listens on 127.0.0.1:3333',
    ],
    [
      `[payout]\naddress = "${mainAddress}"`,
      'payout.address',
      'must be an address that can be paid on regtest: not an address of regtest',
    ],
    [
      '[node]\nrpc = ["http://u:p@h:1"]',
      'payout.address',
      'is missing: must be the address on regtest that blocks are paid to',
    ],
  ])('sees keys together: %j', (toml, key, bound) => {
    expect(problems(toml)).toMatchObject([{ key, bound }]);
  });

  const payout = `[payout]\naddress = "${SIMULATED_PAYOUT_ADDRESS}"`;
  it.each([
    ['rpc = ["http://h:1"]', 'node.rpc.0', 'needs user:pass@ in it, or else node.cookie'],
    [
      'rpc = ["http://h:1"]\ncookie = ["a", "b"]',
      'node.cookie',
      'must be one path, or one for each of the 1 URLs of node.rpc',
    ],
    ['rpc = ["http://u:p@h:1", "http://u@h:1"]', 'node.rpc.1', 'needs user:pass@ in it, or else node.cookie'],
    ['rpc = ["http://u:p@h:1"]\ncookie = "c"', 'node.rpc.0', 'names a user, but node.cookie is set too: set only one'],
    ['rpc = []', 'node.rpc', 'must be a list of 1 to 16 URLs such as "http://user:pass@127.0.0.1:8332"'],
    [
      'rpc = ["ftp://u:p@h:1"]',
      'node.rpc.0',
      'must be a list of 1 to 16 URLs such as "http://user:pass@127.0.0.1:8332"',
    ],
    ['rpc = "http://u:p@h:1"', 'node.rpc', 'must be a list of 1 to 16 URLs such as "http://user:pass@127.0.0.1:8332"'],
    [
      'rpc = ["http://u:p@h:1"]\nzmq = "udp://h:1"',
      'node.zmq.0',
      'must be tcp://host:port or ipc://path, or a list of these',
    ],
    [
      'rpc = ["http://u:p@h:1"]\nsimulated-block-difficulty = 1',
      'node.simulated-block-difficulty',
      'is for the simulated node, but node.rpc names a real node: set only one',
    ],
    [
      'rpc = ["http://u:p@h:1"]\nsimulated-transactions = 1',
      'node.simulated-transactions',
      'is for the simulated node, but node.rpc names a real node: set only one',
    ],
    ['simulated-transactions = -1', 'node.simulated-transactions', 'must be an integer from 0 to 10000'],
  ])('checks [node] %j', (lines, key, bound) => {
    expect(problems(`[node]\n${lines}\n${payout}`)).toMatchObject([{ key, bound }]);
  });

  it.each(['t', 'fifteen-letters', 'with a blank in it'])('refuses the admin token %j', (token) => {
    expect(problems(`[http]\nadmin-token = "${token}"`)).toMatchObject([{ key: 'http.admin-token' }]);
  });

  it('shows no secret and lets no text break the line', () => {
    const secrets =
      '[node]\nrpc = ["http://user:hunter2@h:99999"]\n[http]\nadmin-token = "hunter2 hunter2"\n[clickhouse]\nurl = "ftp://hunter2@h"';
    const broken = 'data = "\\u0000\\nsluice ready\\u001b[2J"\n"a\\nb\\u202e" = 1';
    for (const toml of [secrets, broken, '[node]\nrpc = ["http://u:hunter2@h"', `x = "${'y'.repeat(9999)}"\nx=1`]) {
      try {
        load(toml);
        expect.unreachable();
      } catch (error) {
        const message = String(error);
        expect(message).not.toContain('hunter2');
        expect(message.split('\n').every((line) => line.length < 400)).toBe(true);
        expect(message.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
        if (error instanceof ConfigError) expect(message.split('\n')).toHaveLength(error.problems.length + 1);
      }
    }
  });

  it('tells why a file can not be read', () => {
    const reason = (file: string) => {
      try {
        loadConfig({ file, env: {} });
        return undefined;
      } catch (error) {
        return error instanceof ConfigError ? error.problems[0]?.bound : undefined;
      }
    };
    expect(reason(join(folder, 'none.toml'))).toBe('there is no such file');
    expect(reason(folder)).toBe('is a directory');
  });

  it('names the line of a TOML error', () => {
    expect(problems('a = 1\nb = \n')).toMatchObject([
      { bound: expect.stringMatching(/^is not valid TOML: line 2, column \d+: /) },
    ]);
    expect(problems(new Uint8Array([0xff, 0xfe]))).toMatchObject([{ bound: 'is not UTF-8 text' }]);
    expect(problems('#'.repeat(1024 * 1024 + 1))).toMatchObject([{ bound: 'is larger than 1048576 bytes' }]);
    expect(problems(`a = ${'['.repeat(5000)}`)).toHaveLength(1);
  });

  it('leaves no trace in Object.prototype', () => {
    expect(problems('[__proto__]\npolluted = 1\n[constructor.prototype]\npolluted = 1')).toHaveLength(2);
    expect(problems('[stratum]\n__proto__ = { gateways = 3 }')).toHaveLength(1);
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
  });

  it('takes the example of the README', () => {
    const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');
    const example = /```toml\n(.*?)```/s.exec(readme)?.[1] ?? '';
    expect(example).toContain('[node]');
    expect(load(example.replace('bc1q…', mainAddress))).toMatchObject({ network: 'main', warnings: [] });
  });

  it('round-trips through TOML', () => {
    expect(load(stringify(parse(everything)))).toEqual(load(everything));
  });
});
