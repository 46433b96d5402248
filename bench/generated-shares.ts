/**
 * Shares and jobs such as a pool has them, made by ClickHouse itself: the same numbers give the same rows. Workers of six kinds
 * send about 12 shares a minute each, whose difficulty vardiff moves once an hour; most count extranonce2 up, some take it at
 * random; 1.5 % of the shares are rejected, stale ones most of all; latency has a long tail. A job comes every 30 s.
 */
export interface GeneratedShares {
  /** Numbers of the first share, and of how many. */
  readonly from: number;
  readonly count: number;
  /** When share 0 arrived, UNIX ms: the start of a job. */
  readonly startMs: number;
  readonly workers: number;
}

export const SHARES_PER_WORKER_MINUTE = 12;
export const WORKERS_PER_ACCOUNT = 5;
export const JOB_SECONDS = 30;
export const NODE = 'pool-1';
/** Expected hashes of a block are 2^32 times as many. */
export const NETWORK_DIFFICULTY = 1e12;
const BOOT = 'a1b2c3d4';

/** Milliseconds between two shares of the pool. */
export function shareEveryMs(workers: number): number {
  return 60_000 / (workers * SHARES_PER_WORKER_MINUTE);
}

const account = (index: string): string => `concat('bc1q', substring(lower(hex(SHA256(toString(${index})))), 1, 38))`;
const jobId = (seconds: string): string =>
  `concat(lower(leftPad(hex(toUInt32(intDiv(${seconds}, ${JOB_SECONDS}))), 10, '0')), '${BOOT}')`;
const AGENTS = [
  ...['cgminer/4.12.0', 'bitaxe/BM1370/v2.4.0', 'bosminer-plus-tuner 0.2.0', 'NerdMinerV2', 'whatsminer/v1.0'],
  'luxminer 2025.4.22',
];

/** The rows of `shares`, in the order of its columns in `SHARE_COLUMNS`. */
export function sharesSelect({ from, count, startMs, workers }: GeneratedShares): string {
  const everyMs = shareEveryMs(workers);
  return `
  SELECT t AS time, '${NODE}' AS node, ${account(`intDiv(w, ${WORKERS_PER_ACCOUNT})`)} AS account,
    concat('rig', toString(w % ${WORKERS_PER_ACCOUNT})) AS worker,
    toUInt64(4503599627370496 + w * 7 + 100000 * intDiv(s, 43200)) AS session,
    ${jobId('s')} AS job_id, toUInt32(900000 + intDiv(s - ${Math.floor(startMs / 1000)}, 600)) AS height,
    d AS difficulty, toUInt128(d * 4294967296) AS work,
    if(verdict IN ('stale', 'job-not-found'), 0, d / (1 - toFloat64(h1) / 18446744073709551616.)) AS share_difficulty,
    multiIf(h3 % 1000 < 985, 'accepted', h3 % 1000 < 993, 'stale', h3 % 1000 < 996, 'low-difficulty',
      h3 % 1000 < 998, 'duplicate', 'job-not-found') AS verdict,
    false AS block, lower(leftPad(hex(toUInt32(session * 2654435761)), 8, '0')) AS extranonce1,
    lower(leftPad(hex(if(w % 5 = 0, h2, toUInt64((s % ${JOB_SECONDS}) * 8 + h2 % 8))), 16, '0')) AS extranonce2,
    toUInt32(if(w % 4 = 0, s, intDiv(s, ${JOB_SECONDS}) * ${JOB_SECONDS})) AS ntime, toUInt32(h3) AS nonce,
    toUInt32(536870912 + (toUInt32(h2) % 65536) * 8192) AS version,
    if(h1 % 10 = 0, toUInt32(w * 31 % 65536), 0) AS job_variant,
    concat('10.', toString(w % 7), '.', toString(w % 251), '.', toString(w % 13)) AS remote_ip,
    [${AGENTS.map((agent) => `'${agent}'`).join(', ')}][w % ${AGENTS.length} + 1] AS user_agent,
    toUInt32(300 + exp((h1 % 1000) / 250) * 20 + h2 % 100) AS latency_us
  FROM (
    SELECT cityHash64(number) AS h1, cityHash64(number, 1) AS h2, cityHash64(number, 2) AS h3,
      cityHash64(number, 3) % ${workers} AS w,
      fromUnixTimestamp64Milli(toInt64(${startMs} + floor(number * ${everyMs}) + h1 % ${Math.max(1, Math.floor(everyMs))}), 'UTC') AS t,
      toUnixTimestamp(t) AS s,
      pow(2, 10 + w % 7) * (1 + (cityHash64(w, intDiv(s, 3600)) % 100) / 100) AS d
    FROM numbers(${from}, ${count})
  )`;
}

export const SHARE_COLUMNS =
  'time, node, account, worker, session, job_id, height, difficulty, work, share_difficulty, verdict, block, extranonce1, ' +
  'extranonce2, ntime, nonce, version, job_variant, remote_ip, user_agent, latency_us';

/** The statement that inserts them; a token makes a second try do nothing. */
export function insertShares(database: string, shares: GeneratedShares, settings = ''): string {
  return `INSERT INTO ${database}.shares (${SHARE_COLUMNS}) SETTINGS max_partitions_per_insert_block = 0${settings && `, ${settings}`}
  ${sharesSelect(shares)}`;
}

/** The statement that inserts the jobs of a span of time, each with what a coinbase and a branch of 4,000 transactions have. */
export function insertJobs(database: string, startMs: number, endMs: number): string {
  const first = Math.floor(startMs / 1000 / JOB_SECONDS);
  const count = Math.ceil(endMs / 1000 / JOB_SECONDS) - first;
  return `INSERT INTO ${database}.jobs (job_id, time, node, height, version, previous_hash, nbits, min_time, cur_time, coinb1,
    coinb2, merkle_branch, reward_sats, network_difficulty, transactions, clean)
  SELECT ${jobId('s')}, fromUnixTimestamp64Milli(toInt64(s * 1000), 'UTC'), '${NODE}',
    toUInt32(900000 + intDiv(s - ${Math.floor(startMs / 1000)}, 600)) AS h, 536870912, lower(hex(SHA256(toString(h)))), 386000000,
    toUInt32(s - 3000), toUInt32(s), lower(hex(SHA256(concat('1', toString(s))))), lower(hex(SHA256(concat('2', toString(s))))),
    arrayMap(i -> lower(hex(SHA256(concat(toString(i), toString(s))))), range(12)), 312500000 + s % 10000000, ${NETWORK_DIFFICULTY},
    toUInt32(3000 + s % 1000), s % 600 < ${JOB_SECONDS}
  FROM (SELECT (number + ${first}) * ${JOB_SECONDS} AS s FROM numbers(${count}))`;
}
