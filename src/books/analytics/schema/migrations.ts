import { factsOf6 } from './fact-tables.ts';
import { knownColumns } from './known-columns.ts';
import { rollupsOf5 } from './rollups.ts';
import { rollup } from './rollups-1.ts';
import { SETTINGS } from './table.ts';
import { type Before, inUtc } from './utc-tables.ts';
import { createView } from './view.ts';
import { views } from './views.ts';

/** One step of the schema: statements that may each be run again, should the step be cut short. */
export interface Migration {
  readonly version: number;
  readonly statements: (before: Before) => readonly string[];
}

/** Every step, in order. A released step is never changed; a new one is added. */
export const migrations: readonly Migration[] = [
  {
    version: 1,
    statements: ({ database }) => [
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
  {
    version: 2,
    statements: (before) => [
      ...inUtc(before),
      `CREATE TABLE IF NOT EXISTS ${before.database}.deliveries (
        log String COMMENT 'what wrote them: the id of a journal, and of one of its boots',
        last SimpleAggregateFunction(max, UInt64) COMMENT 'the last batch of the share log that is in',
        rows_total SimpleAggregateFunction(max, UInt64) COMMENT 'rows of that journal up to it',
        jobs SimpleAggregateFunction(sum, Int64) COMMENT 'rows that were delivered to the table of that name',
        shares SimpleAggregateFunction(sum, Int64),
        blocks SimpleAggregateFunction(sum, Int64)
      ) ENGINE = AggregatingMergeTree ORDER BY log SETTINGS ${SETTINGS}`,
      // The rows that are there before anything is booked.
      `INSERT INTO ${before.database}.deliveries (log, jobs, shares)
      SELECT 'before', (SELECT count() FROM ${before.database}.jobs) AS j, (SELECT count() FROM ${before.database}.shares)
      WHERE (SELECT count() FROM ${before.database}.deliveries) = 0`,
      `CREATE TABLE IF NOT EXISTS ${before.database}.pools (
        node String COMMENT 'a name in the column node of the other tables',
        folder String COMMENT 'the data folder that has the name',
        since DateTime64(3, 'UTC') DEFAULT now64(3)
      ) ENGINE = MergeTree ORDER BY node SETTINGS ${SETTINGS}`,
    ],
  },
  {
    version: 3,
    statements: ({ database }) => [
      `ALTER TABLE ${database}.blocks
        ADD COLUMN IF NOT EXISTS job_variant UInt32 COMMENT 'this and the next five: of the share, as in shares; its header is of no other',
        ADD COLUMN IF NOT EXISTS extranonce1 String COMMENT 'hex; empty if the version that found the block did not record its share',
        ADD COLUMN IF NOT EXISTS extranonce2 String,
        ADD COLUMN IF NOT EXISTS ntime UInt32,
        ADD COLUMN IF NOT EXISTS nonce UInt32,
        ADD COLUMN IF NOT EXISTS version UInt32`,
    ],
  },
  {
    version: 4,
    statements: ({ database }) => [
      `ALTER TABLE ${database}.shares
        ADD COLUMN IF NOT EXISTS coinb2 String COMMENT 'hex; the coinbase that was mined ends in this; empty: in the coinb2 of its job'`,
      `ALTER TABLE ${database}.jobs
        ADD COLUMN IF NOT EXISTS window_end String COMMENT 'the coinbase pays accounts by the window that ends with the slice of this job; empty: it does not'`,
      `ALTER TABLE ${database}.blocks ADD COLUMN IF NOT EXISTS coinb2 String COMMENT 'as in shares'`,
    ],
  },
  {
    version: 5,
    statements: ({ database, empty }) => [...knownColumns(database), ...rollupsOf5(database, empty)],
  },
  { version: 6, statements: ({ database }) => factsOf6(database) },
  { version: 7, statements: ({ database }) => views.map((view) => createView(database, view)) },
];
