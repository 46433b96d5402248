/** One step of the schema: statements that may each be run again, should the step be cut short. */
export interface Migration {
  readonly version: number;
  readonly statements: (database: string) => readonly string[];
}

/**
 * Of every table. The window is how many tokens of shipments it remembers (see shipper.ts): a shipment is tried again until
 * it is in, and only then comes the next; but several pools may write to one server, each with a shipment under way. The
 * share log lets go what is in, so an insert is in when it is on the disk (not measurably slower, at an insert a second).
 */
const SETTINGS = 'non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1';

/** A rollup and the view that keeps it. `work` and `accepted` count accepted shares only. */
function rollup(database: string, name: string, start: string, partition: string): readonly string[] {
  return [
    `CREATE TABLE IF NOT EXISTS ${database}.${name} (
      time DateTime,
      account String,
      worker String,
      accepted SimpleAggregateFunction(sum, UInt64),
      rejected SimpleAggregateFunction(sum, UInt64),
      work SimpleAggregateFunction(sum, UInt128),
      best_difficulty SimpleAggregateFunction(max, Float64)
    ) ENGINE = AggregatingMergeTree
    PARTITION BY ${partition} ORDER BY (time, account, worker) SETTINGS ${SETTINGS}`,
    `CREATE MATERIALIZED VIEW IF NOT EXISTS ${database}.${name}_view TO ${database}.${name} AS
    SELECT
      ${start}(s.time) AS time,
      s.account AS account,
      s.worker AS worker,
      countIf(s.verdict = 'accepted') AS accepted,
      countIf(s.verdict != 'accepted') AS rejected,
      sumIf(s.work, s.verdict = 'accepted') AS work,
      maxIf(s.share_difficulty, s.verdict = 'accepted') AS best_difficulty
    FROM ${database}.shares AS s
    GROUP BY time, account, worker`,
  ];
}

/** Every step, in order. A released step is never changed; a new one is added. */
export const migrations: readonly Migration[] = [
  {
    version: 1,
    statements: (database) => [
      `CREATE TABLE IF NOT EXISTS ${database}.shares (
        time DateTime64(3) COMMENT 'when the line arrived',
        node LowCardinality(String) COMMENT 'which pool of several',
        account String COMMENT 'payable address; empty where nobody was authorised under that name',
        worker String COMMENT 'what follows the address; the whole name as sent where account is empty',
        session UInt64,
        job_id String COMMENT 'of table jobs; as sent where the job is not known',
        height UInt32,
        difficulty Float64 COMMENT 'of the job, as promised to the session; the network''s for a block that falls short of that',
        work UInt128 COMMENT 'expected hashes of a share at that difficulty',
        share_difficulty Float64 COMMENT 'achieved; 0 where nothing was hashed',
        verdict LowCardinality(String) COMMENT 'accepted, or why not',
        block Bool COMMENT 'the hash also meets the network target',
        extranonce1 String COMMENT 'hex',
        extranonce2 String COMMENT 'hex',
        ntime UInt32 COMMENT 'UNIX s, of the header',
        nonce UInt32,
        version UInt32 COMMENT 'of the header, with the rolled bits',
        job_variant UInt32 COMMENT 'stands in the last two bytes of coinb1; 0 unless the job was handed out again',
        remote_ip String,
        user_agent LowCardinality(String),
        latency_us UInt32 COMMENT 'from the line to the verdict'
      ) ENGINE = MergeTree
      PARTITION BY toYYYYMM(time) ORDER BY (toStartOfHour(time), account, worker, time)
      SETTINGS ${SETTINGS}`,
      `CREATE TABLE IF NOT EXISTS ${database}.jobs (
        job_id String,
        time DateTime64(3) COMMENT 'when the job was made',
        node LowCardinality(String),
        height UInt32,
        version UInt32 COMMENT 'before any rolling',
        previous_hash String COMMENT 'hex, as explorers show it',
        nbits UInt32 COMMENT 'compact network target',
        min_time UInt32 COMMENT 'earliest ntime, UNIX s',
        cur_time UInt32 COMMENT 'ntime of the notify, UNIX s',
        coinb1 String COMMENT 'hex; coinbase = coinb1 extranonce1 extranonce2 coinb2, with job_variant in the last two bytes of coinb1',
        coinb2 String COMMENT 'hex',
        merkle_branch Array(String) COMMENT 'hex, in the order and byte order of mining.notify',
        reward_sats UInt64 COMMENT 'what the coinbase pays in all',
        network_difficulty Float64,
        transactions UInt32 COMMENT 'beside the coinbase',
        clean Bool COMMENT 'the tip had changed'
      ) ENGINE = MergeTree
      PARTITION BY toYYYYMM(time) ORDER BY (job_id, node)
      SETTINGS ${SETTINGS}`,
      `CREATE TABLE IF NOT EXISTS ${database}.blocks (
        time DateTime64(3) COMMENT 'when it was found',
        hash String COMMENT 'hex, as explorers show it',
        node LowCardinality(String),
        height UInt32,
        job_id String,
        account String,
        worker String,
        reward_sats UInt64,
        network_difficulty Float64,
        share_difficulty Float64,
        status LowCardinality(String) COMMENT 'accepted, orphaned, rejected or unknown',
        reason String,
        revision UInt64 COMMENT 'the greatest of a hash holds: read with FINAL'
      ) ENGINE = ReplacingMergeTree(revision)
      ORDER BY hash
      SETTINGS ${SETTINGS}`,
      ...rollup(database, 'hashrate_1m', 'toStartOfMinute', 'toYYYYMM(time)'),
      ...rollup(database, 'hashrate_1h', 'toStartOfHour', 'toYear(time)'),
    ],
  },
];
