import { z } from 'zod';
import { networkNames } from '#base/bitcoin/address';
import { limits } from '#base/limits';
import { isZmqEndpoint } from './endpoint.ts';
import * as leaf from './leaf.ts';

/** Highest difficulty that a double holds exactly enough and that no single miner reaches. */
const DIFFICULTY_MAX = 1e15;
/** 21 million bitcoin. */
const MONEY_MAX_SATS = 21e14;
/** Header version bits that a miner may ever be given: BIP320, widened by the draft BIP323. */
const VERSION_MASK_WIDEST = 0x1fffffe0;

/** Bitcoin nodes of one pool. */
const NODES_MAX = 16;

/** More than any machine has or does. */
const RATE_MAX = 1e9;

/** Bytes left in a coinbase's script beside height, serial and extranonces. */
const COINBASE_TAG_BYTES_MAX = 64;
/** Between two payouts. */
const INTERVAL_MS_MIN = 1_000;
const INTERVAL_MS_MAX = 90 * 86_400_000;
/** Bitcoin Core's wallet refuses more than 0.1 BTC for a transaction; this is 0.01 BTC for one of 1,000 vbytes. */
const FEE_RATE_MAX = 1_000;

const count = () => leaf.integer(1, RATE_MAX);
const difficulty = () => leaf.number({ above: 0 }, DIFFICULTY_MAX);
const sats = () => leaf.integer(0, MONEY_MAX_SATS);
const percent = () => leaf.percent();
const feeRate = () => leaf.number({ above: 0 }, FEE_RATE_MAX);
const token = () =>
  leaf.secret(
    `must be ${limits.adminTokenCharsMin} to 4096 printable ASCII characters without blanks, such as \`openssl rand -hex 32\` prints`,
    (value) => /^[!-~]+$/.test(value) && value.length >= limits.adminTokenCharsMin,
  );
const bitcoinAddress = () => leaf.text('must be a Bitcoin address', (value) => value !== '');
const niceHashPart = () => leaf.secret('must be a text that is not empty', (value) => value !== '');

/**
 * Every key of the config, as written in TOML. Tables and keys are optional. resolve.ts sets the defaults, and checks keys that depend
 * on each other.
 */
export const schema = z.strictObject({
  network: leaf.oneOf(...networkNames).optional(),
  name: leaf
    .text('must be 1 to 64 letters, digits, dots and dashes', (value) => /^[A-Za-z0-9.-]{1,64}$/.test(value))
    .optional(),
  data: leaf.path().optional(),
  node: z
    .strictObject({
      rpc: leaf
        .httpServices(NODES_MAX, `must be a list of 1 to ${NODES_MAX} URLs such as "http://user:pass@127.0.0.1:8332"`)
        .optional(),
      cookie: leaf
        .oneOrMore(NODES_MAX, 'must be a path, or a list with one for each URL of node.rpc', leaf.isPath)
        .optional(),
      zmq: leaf
        .oneOrMore(NODES_MAX, 'must be tcp://host:port or ipc://path, or a list of these', isZmqEndpoint)
        .optional(),
      'refresh-seconds': leaf.number({ from: 0.1 }, 600).optional(),
      'simulated-block-difficulty': difficulty().optional(),
      'simulated-transactions': leaf.integer(0, 10_000).optional(),
    })
    .optional(),
  stratum: z
    .strictObject({
      tcp: leaf.hostPortOrOff().optional(),
      websocket: leaf.hostPortOrOff().optional(),
      'websocket-origins': leaf
        .texts(64, 'must be a list of sites such as "https://example.org", or "*" for all', isOrigin)
        .optional(),
      tls: z.strictObject({ listen: leaf.hostPort().optional(), cert: leaf.path(), key: leaf.path() }).optional(),
      gateways: leaf.integer(0, 256).optional(),
      'proxy-protocol': leaf.boolean().optional(),
      'proxy-from': leaf.ranges().optional(),
      'version-mask': leaf
        .text(
          'must be up to 8 hex digits within "1fffffe0", such as "1fffe000"',
          (value) => parseVersionMask(value) !== undefined,
        )
        .optional(),
      authorization: leaf.oneOf('address', 'accounts', 'open').optional(),
      accounts: leaf
        .named(
          z.strictObject({
            'password-hash': leaf.secret('must be what `sluice account hash` prints', (value) =>
              /^scrypt(\$[\w-]+){5}$/.test(value),
            ),
            address: bitcoinAddress(),
          }),
        )
        .optional(),
      profiles: leaf
        .named(
          z.strictObject({
            match: leaf.texts(64, 'must be a list of 1 to 64 parts of user agents', (part) => part.trim() !== ''),
            'difficulty-min': difficulty().optional(),
            'difficulty-start': difficulty().optional(),
            'clean-on-raise': leaf.boolean().optional(),
            'coinbase-bytes': leaf.integer(100, 100_000).optional(),
            ping: leaf.boolean().optional(),
          }),
        )
        .optional(),
      nicehash: z.strictObject({ key: niceHashPart(), secret: niceHashPart() }).optional(),
      'idle-minutes': leaf.number({ from: 5 }, 10_080).optional(),
      'outage-grace-seconds': leaf.number({ from: 5 }, 86_400).optional(),
      difficulty: z
        .strictObject({
          start: difficulty().optional(),
          min: difficulty().optional(),
          max: difficulty().optional(),
          vardiff: leaf.boolean().optional(),
          'shares-per-minute': leaf.number({ above: 0 }, 6000).optional(),
        })
        .optional(),
      limits: z
        .strictObject({
          connections: count().optional(),
          'connections-per-address': count().optional(),
          'connections-per-subnet': count().optional(),
          'handshakes-per-second': count().optional(),
          'handshakes-per-second-per-address': count().optional(),
          'handshakes-per-second-per-subnet': count().optional(),
          'lines-per-second': count().optional(),
          'bytes-per-second': leaf.integer(limits.lineBytesMax, RATE_MAX).optional(),
          'submits-per-second': count().optional(),
          exempt: leaf.ranges().optional(),
        })
        .optional(),
      bans: z
        .strictObject({
          enabled: leaf.boolean().optional(),
          allow: leaf.ranges().optional(),
          deny: leaf.ranges().optional(),
        })
        .optional(),
    })
    .optional(),
  verify: z.strictObject({ threads: leaf.integer(0, 256).optional() }).optional(),
  payout: z
    .strictObject({
      scheme: leaf.oneOf('pplns', 'prop', 'pps', 'fpps', 'solo').optional(),
      address: bitcoinAddress().optional(),
      'fee-percent': percent().optional(),
      'donation-percent': percent().optional(),
      'donation-address': bitcoinAddress().optional(),
      accounts: leaf
        .named(z.strictObject({ 'fee-percent': percent().optional(), 'minimum-sats': sats().optional() }))
        .optional(),
      'minimum-sats': sats().optional(),
      method: leaf.oneOf('wallet', 'psbt', 'coinbase').optional(),
      wallet: leaf.text('must be the name of a wallet that bitcoind has loaded', leaf.isPath).optional(),
      tag: leaf.text(`must be a text of up to ${COINBASE_TAG_BYTES_MAX} bytes on one line`, isTag).optional(),
      window: leaf.number({ from: 0.01 }, 1000).optional(),
      maturity: leaf.integer(1, 100_000).optional(),
      confirmations: leaf.integer(1, 100_000).optional(),
      interval: leaf.interval(INTERVAL_MS_MIN, INTERVAL_MS_MAX).optional(),
      'network-fee': leaf.oneOf('pool', 'miners').optional(),
      'fee-rate-min': feeRate().optional(),
      'fee-rate-max': feeRate().optional(),
    })
    .optional(),
  clickhouse: z
    .strictObject({
      url: leaf
        .httpService(
          'must be a URL such as "http://default@127.0.0.1:8123/sluice"',
          ({ url }) => databaseOf(url) !== undefined,
        )
        .optional(),
    })
    .optional(),
  http: z
    .strictObject({
      listen: leaf.hostPort().optional(),
      origins: leaf
        .texts(64, 'must be a list of sites such as "https://example.org", or "*" for all', isOrigin)
        .optional(),
      'admin-token': token().optional(),
      'sql-token': token().optional(),
    })
    .optional(),
  log: z.strictObject({ level: leaf.oneOf('debug', 'info', 'warn', 'error').optional() }).optional(),
});

/** What the schema lets through: keys as written, endpoints and URLs already taken apart. */
export type Given = z.output<typeof schema>;

/** The database that a ClickHouse URL names by its path; empty if it names none, undefined if it is no identifier. */
export function databaseOf(url: string): string | undefined {
  return /^https?:\/\/[^/]+\/?([A-Za-z_][A-Za-z0-9_]{0,63})?$/
    .exec(url)
    ?.slice(1, 2)
    .map((name) => name ?? '')[0];
}

/** A site as a browser names it: scheme, host and port, and nothing else. */
function isOrigin(text: string): boolean {
  if (text === '*' || text === 'null') return true;
  return /^[a-z][a-z0-9+.-]*:\/\/[^/?#@\s]+$/i.test(text);
}

/** A text for the coinbase: block explorers show it on one line. */
function isTag(text: string): boolean {
  return Buffer.byteLength(text) <= COINBASE_TAG_BYTES_MAX && !/[\p{C}\p{Zl}\p{Zp}]/u.test(text);
}

/** `version-mask` as a number, u32; undefined if it is none. */
export function parseVersionMask(hex: string): number | undefined {
  if (!/^(0x)?[0-9a-fA-F]{1,8}$/.test(hex)) return undefined;
  const mask = Number.parseInt(hex.replace(/^0x/, ''), 16);
  return (mask & ~VERSION_MASK_WIDEST) === 0 ? mask : undefined;
}
