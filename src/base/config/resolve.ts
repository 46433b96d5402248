import type { Network } from '#base/bitcoin/address';
import { limits } from '#base/limits';
import { resolveAccounts, resolveProfiles } from './clients.ts';
import type {
  ClickHouseConfig,
  Config,
  DifficultyConfig,
  LimitsConfig,
  NodeConfig,
  RpcEndpoint,
  StratumConfig,
} from './config.ts';
import {
  difficultyDefaults,
  LOOPBACK,
  listenDefaults,
  NEVER_BANNED,
  OUTAGE_GRACE_SECONDS_DEFAULT,
  REFRESH_SECONDS_DEFAULT,
  SIMULATED_BLOCK_DIFFICULTY_DEFAULT,
  VERSION_MASK_DEFAULT,
} from './defaults.ts';
import { collide, formatHostPort, type HostPort, type HttpService } from './endpoint.ts';
import { resolvePayout } from './payout.ts';
import { type Complain, type ConfigProblem, showValue } from './problem.ts';
import { databaseOf, type Given, parseVersionMask } from './schema.ts';

type Resolved =
  | { readonly config: Config }
  | { readonly config: undefined; readonly problems: readonly ConfigProblem[] };

/** Puts defaults where nothing was given, and checks what several keys say together. Nothing given is changed. */
export function resolve(given: Given): Resolved {
  const problems: ConfigProblem[] = [];
  const complain: Complain = (key, value, bound) =>
    problems.push({ key, value: value === undefined ? undefined : showValue(value), bound });
  const network = given.network ?? 'regtest';
  const node = resolveNode(given, network, complain);
  const config: Config = {
    network,
    name: given.name,
    data: given.data ?? './sluice-data',
    node,
    stratum: resolveStratum(given, network, complain),
    verify: { threads: given.verify?.threads ?? 1 },
    payout: resolvePayout(given, network, node.kind, complain),
    clickhouse: resolveClickHouse(given),
    http: {
      listen: given.http?.listen ?? listenDefaults.http,
      adminToken: given.http?.['admin-token'],
      origins: (given.http?.origins ?? ['*']).map((origin) => origin.toLowerCase()),
      sqlToken: given.http?.['sql-token'],
    },
    log: { level: given.log?.level ?? 'info' },
    warnings: unheeded(given),
  };
  checkListeners(config, complain);
  return problems.length === 0 ? { config } : { config: undefined, problems };
}

/** What was asked for together with something that makes it void. */
function unheeded({ payout, stratum }: Given): string[] {
  return payout?.method === 'coinbase' && stratum?.authorization === 'open'
    ? ['payout.method = "coinbase" pays nobody: with stratum.authorization = "open" no name is an account']
    : [];
}

function resolveNode({ node = {} }: Given, network: Network, complain: Complain): NodeConfig {
  const { rpc, cookie, zmq } = node;
  const { 'simulated-block-difficulty': blockDifficulty, 'simulated-transactions': transactions } = node;
  const refreshMs = Math.round((node['refresh-seconds'] ?? REFRESH_SECONDS_DEFAULT) * 1000);
  if (rpc === undefined) {
    const needsRpc = 'is for a real node, which node.rpc must name';
    if (cookie !== undefined) complain('node.cookie', cookie, needsRpc);
    if (zmq !== undefined) complain('node.zmq', zmq, needsRpc);
    if (network !== 'regtest')
      complain('network', network, 'needs a Bitcoin node, which node.rpc must name; only regtest is simulated');
    const difficulty = blockDifficulty ?? SIMULATED_BLOCK_DIFFICULTY_DEFAULT;
    return { kind: 'simulated', blockDifficulty: difficulty, transactions, refreshMs };
  }
  const forSimulated = 'is for the simulated node, but node.rpc names a real node: set only one';
  if (blockDifficulty !== undefined) complain('node.simulated-block-difficulty', blockDifficulty, forSimulated);
  if (transactions !== undefined) complain('node.simulated-transactions', transactions, forSimulated);
  return { kind: 'rpc', endpoints: resolveEndpoints(rpc, cookie, complain), zmq: zmq ?? [], refreshMs };
}

/** One cookie is for every URL without a user; several are for the URLs in their order. */
function resolveEndpoints(
  rpc: readonly HttpService[],
  cookies: readonly string[] | undefined,
  complain: Complain,
): RpcEndpoint[] {
  const isNamed = ({ username, password }: HttpService): boolean => username !== undefined || password !== undefined;
  if (cookies !== undefined && cookies.length > 1 && cookies.length !== rpc.length) {
    complain('node.cookie', cookies, `must be one path, or one for each of the ${rpc.length} URLs of node.rpc`);
  }
  const several = cookies !== undefined && cookies.length > 1;
  return rpc.flatMap((service, index): RpcEndpoint[] => {
    const { url, username, password } = service;
    const key = `node.rpc.${index}`;
    const cookie = several ? cookies[index] : cookies?.[0];
    if (isNamed(service) && (several || (cookie !== undefined && rpc.every(isNamed))))
      complain(key, undefined, 'names a user, but node.cookie is set too: set only one');
    else if (username !== undefined && password !== undefined) return [{ url, login: { username, password } }];
    else if (cookie !== undefined && !isNamed(service)) return [{ url, login: { cookie } }];
    else complain(key, undefined, 'needs user:pass@ in it, or else node.cookie');
    return [];
  });
}

function resolveStratum({ stratum = {} }: Given, network: Network, complain: Complain): StratumConfig {
  const listen = (value: HostPort | null | undefined, otherwise: HostPort): HostPort | undefined =>
    value === undefined ? otherwise : (value ?? undefined);
  const tcp = listen(stratum.tcp, listenDefaults.tcp);
  const websocket = listen(stratum.websocket, listenDefaults.websocket);
  if (tcp === undefined && websocket === undefined && stratum.tls === undefined) {
    complain(
      'stratum.tcp',
      false,
      'is off, and so are stratum.websocket and stratum.tls: turn one on, so that miners can connect',
    );
  }
  return {
    tcp,
    websocket,
    websocketOrigins: (stratum['websocket-origins'] ?? []).map((origin) => origin.toLowerCase()),
    tls: stratum.tls && { ...stratum.tls, listen: stratum.tls.listen ?? listenDefaults.tls },
    gateways: stratum.gateways ?? 1,
    proxyProtocol: stratum['proxy-protocol'] ?? false,
    proxyFrom: resolveProxies(stratum, complain),
    versionMask: parseVersionMask(stratum['version-mask'] ?? '') ?? VERSION_MASK_DEFAULT,
    authorization: stratum.authorization ?? 'address',
    accounts: resolveAccounts(stratum, network, complain),
    profiles: resolveProfiles(stratum),
    niceHash: stratum.nicehash,
    idleMsMax: (stratum['idle-minutes'] ?? limits.idleMsMax / 60_000) * 60_000,
    outageGraceMs: Math.round((stratum['outage-grace-seconds'] ?? OUTAGE_GRACE_SECONDS_DEFAULT) * 1000),
    difficulty: resolveDifficulty(stratum.difficulty ?? {}, network, complain),
    limits: resolveLimits(stratum.limits ?? {}, complain),
    bans: {
      enabled: stratum.bans?.enabled ?? true,
      allow: stratum.bans?.allow ?? NEVER_BANNED,
      deny: stratum.bans?.deny ?? [],
    },
  };
}

type GivenStratum = NonNullable<Given['stratum']>;

function resolveProxies(stratum: GivenStratum, complain: Complain): readonly string[] {
  const from = stratum['proxy-from'];
  const on = stratum['proxy-protocol'] ?? false;
  if (from !== undefined && !on) {
    complain('stratum.proxy-from', from, 'names proxies, but stratum.proxy-protocol is off: set it to true');
  } else if (on && from?.length === 0) {
    complain('stratum.proxy-from', from, 'must name a proxy, since stratum.proxy-protocol is on');
  }
  return from ?? LOOPBACK;
}

type LimitKey = Exclude<keyof NonNullable<GivenStratum['limits']>, 'exempt'>;
type GivenLimits = NonNullable<GivenStratum['limits']>;

/**
 * Limits of ever fewer parties, each at most the one before. One that was given moves the defaults around it out of its
 * way; two that were given must not contradict each other.
 */
function descending(given: GivenLimits, chain: readonly (readonly [LimitKey, number])[], complain: Complain): number[] {
  const values: number[] = [];
  let bound: { key: LimitKey; value: number } | undefined;
  for (const [i, [key, usual]] of chain.entries()) {
    const value = given[key];
    const below = chain.slice(i + 1).map(([narrower]) => given[narrower] ?? 0);
    if (value !== undefined && bound !== undefined && value > bound.value) {
      const limit = `stratum.limits.${bound.key}`;
      complain(`stratum.limits.${key}`, value, `must be at most ${limit}, which is ${bound.value}`);
    }
    if (value !== undefined) bound = { key, value };
    values.push(value ?? Math.min(Math.max(usual, ...below), values[i - 1] ?? Number.POSITIVE_INFINITY));
  }
  return values;
}

function resolveLimits(given: GivenLimits, complain: Complain): LimitsConfig {
  const l = limits;
  const [connections = 0, connectionsPerSubnet = 0, connectionsPerAddress = 0] = descending(
    given,
    [
      ['connections', l.connectionsMax],
      ['connections-per-subnet', l.connectionsPerSubnetMax],
      ['connections-per-address', l.connectionsPerAddressMax],
    ],
    complain,
  );
  const [handshakes = 0, handshakesPerSubnet = 0, handshakesPerAddress = 0] = descending(
    given,
    [
      ['handshakes-per-second', l.handshakesPerSecondMax],
      ['handshakes-per-second-per-subnet', l.handshakesPerSubnetMax],
      ['handshakes-per-second-per-address', l.handshakesPerAddressMax],
    ],
    complain,
  );
  return {
    connections,
    connectionsPerAddress,
    connectionsPerSubnet,
    handshakes,
    handshakesPerAddress,
    handshakesPerSubnet,
    lines: given['lines-per-second'] ?? l.linesPerSecondMax,
    bytes: given['bytes-per-second'] ?? l.bytesPerSecondMax,
    submits: given['submits-per-second'] ?? l.submitsPerSecondMax,
    exempt: given.exempt ?? LOOPBACK,
  };
}

type GivenDifficulty = NonNullable<GivenStratum['difficulty']>;

/** A start that was given moves a default bound out of its way; a bound that was given moves a default start. */
function resolveDifficulty(given: GivenDifficulty, network: Network, complain: Complain): DifficultyConfig {
  const usual = difficultyDefaults[network];
  const within = Math.min(Math.max(usual.start, given.min ?? 0), given.max ?? Number.POSITIVE_INFINITY);
  const start = given.start ?? within;
  const min = given.min ?? Math.min(usual.min, start);
  const max = given.max ?? Math.max(usual.max, start);
  const key = 'stratum.difficulty';
  if (min > max) complain(`${key}.min`, min, `must be at most ${key}.max, which is ${max}`);
  else if (start < min) complain(`${key}.start`, start, `must be at least ${key}.min, which is ${min}`);
  else if (start > max) complain(`${key}.start`, start, `must be at most ${key}.max, which is ${max}`);
  return { start, min, max, vardiff: given.vardiff ?? true, sharesPerMinute: given['shares-per-minute'] ?? 12 };
}

function resolveClickHouse({ clickhouse }: Given): ClickHouseConfig | undefined {
  const service = clickhouse?.url;
  if (service === undefined) return undefined;
  return {
    url: new URL(service.url).origin,
    username: service.username ?? 'default',
    password: service.password ?? '',
    database: databaseOf(service.url) || 'sluice',
  };
}

function checkListeners({ stratum, http }: Config, complain: Complain): void {
  const listeners = [
    ['stratum.tcp', stratum.tcp],
    ['stratum.websocket', stratum.websocket],
    ['stratum.tls.listen', stratum.tls?.listen],
    ['http.listen', http.listen],
  ] as const;
  for (const [index, [key, address]] of listeners.entries()) {
    for (const [other, taken] of listeners.slice(0, index)) {
      if (address === undefined || taken === undefined || !collide(address, taken)) continue;
      complain(key, formatHostPort(address), `is already used by ${other}, which listens on ${formatHostPort(taken)}`);
    }
  }
}
