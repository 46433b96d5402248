-- What schema 3 made: SHOW CREATE TABLE of each of its tables and views. Never changed: tests upgrade from it.

CREATE TABLE sluice.blocks (
  `time` DateTime64(3, 'UTC') COMMENT 'when it was found',
  `hash` String COMMENT 'hex, as explorers show it',
  `node` LowCardinality(String),
  `height` UInt32,
  `job_id` String,
  `account` String,
  `worker` String,
  `reward_sats` UInt64,
  `network_difficulty` Float64,
  `share_difficulty` Float64,
  `status` LowCardinality(String) COMMENT 'accepted, orphaned, rejected or unknown',
  `reason` String,
  `revision` UInt64 COMMENT 'the greatest of a hash holds: read with FINAL',
  `job_variant` UInt32 COMMENT 'this and the next five: of the share, as in shares; its header is of no other',
  `extranonce1` String COMMENT 'hex; empty if the version that found the block did not record its share',
  `extranonce2` String,
  `ntime` UInt32,
  `nonce` UInt32,
  `version` UInt32
) ENGINE = ReplacingMergeTree(revision) ORDER BY hash SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE sluice.deliveries (
  `log` String COMMENT 'what wrote them: the id of a journal, and of one of its boots',
  `last` SimpleAggregateFunction(max, UInt64) COMMENT 'the last batch of the share log that is in',
  `rows_total` SimpleAggregateFunction(max, UInt64) COMMENT 'rows of that journal up to it',
  `jobs` SimpleAggregateFunction(sum, Int64) COMMENT 'rows that were delivered to the table of that name',
  `shares` SimpleAggregateFunction(sum, Int64),
  `blocks` SimpleAggregateFunction(sum, Int64)
) ENGINE = AggregatingMergeTree ORDER BY log SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE sluice.hashrate_1h (
  `time` DateTime('UTC'),
  `account` String,
  `worker` String,
  `accepted` SimpleAggregateFunction(sum, UInt64),
  `rejected` SimpleAggregateFunction(sum, UInt64),
  `work` SimpleAggregateFunction(sum, UInt128),
  `best_difficulty` SimpleAggregateFunction(max, Float64)
) ENGINE = AggregatingMergeTree PARTITION BY toYear(time) ORDER BY (time, account, worker) SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE sluice.hashrate_1m (
  `time` DateTime('UTC'),
  `account` String,
  `worker` String,
  `accepted` SimpleAggregateFunction(sum, UInt64),
  `rejected` SimpleAggregateFunction(sum, UInt64),
  `work` SimpleAggregateFunction(sum, UInt128),
  `best_difficulty` SimpleAggregateFunction(max, Float64)
) ENGINE = AggregatingMergeTree PARTITION BY toYYYYMM(time) ORDER BY (time, account, worker) SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE sluice.jobs (
  `job_id` String,
  `time` DateTime64(3, 'UTC') COMMENT 'when the job was made',
  `node` LowCardinality(String),
  `height` UInt32,
  `version` UInt32 COMMENT 'before any rolling',
  `previous_hash` String COMMENT 'hex, as explorers show it',
  `nbits` UInt32 COMMENT 'compact network target',
  `min_time` UInt32 COMMENT 'earliest ntime, UNIX s',
  `cur_time` UInt32 COMMENT 'ntime of the notify, UNIX s',
  `coinb1` String COMMENT 'hex; coinbase = coinb1 extranonce1 extranonce2 coinb2, with job_variant in the last two bytes of coinb1',
  `coinb2` String COMMENT 'hex',
  `merkle_branch` Array(String) COMMENT 'hex, in the order and byte order of mining.notify',
  `reward_sats` UInt64 COMMENT 'what the coinbase pays in all',
  `network_difficulty` Float64,
  `transactions` UInt32 COMMENT 'beside the coinbase',
  `clean` Bool COMMENT 'the tip had changed'
) ENGINE = MergeTree PARTITION BY toYYYYMM(time) ORDER BY (job_id, node) SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE sluice.pools (
  `node` String COMMENT 'a name in the column node of the other tables',
  `folder` String COMMENT 'the data folder that has the name',
  `since` DateTime64(3, 'UTC') DEFAULT now64(3)
) ENGINE = MergeTree ORDER BY node SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE sluice.schema_migrations (
  `version` UInt32,
  `applied` DateTime('UTC') DEFAULT now()
) ENGINE = ReplacingMergeTree ORDER BY version;

CREATE TABLE sluice.shares (
  `time` DateTime64(3, 'UTC') COMMENT 'when the line arrived',
  `node` LowCardinality(String) COMMENT 'which pool of several',
  `account` String COMMENT 'payable address; empty where nobody was authorised under that name',
  `worker` String COMMENT 'what follows the address; the whole name as sent where account is empty',
  `session` UInt64,
  `job_id` String COMMENT 'of table jobs; as sent where the job is not known',
  `height` UInt32,
  `difficulty` Float64 COMMENT 'of the job, as promised to the session; the network\'s for a block that falls short of that',
  `work` UInt128 COMMENT 'expected hashes of a share at that difficulty',
  `share_difficulty` Float64 COMMENT 'achieved; 0 where nothing was hashed',
  `verdict` LowCardinality(String) COMMENT 'accepted, or why not',
  `block` Bool COMMENT 'the hash also meets the network target',
  `extranonce1` String COMMENT 'hex',
  `extranonce2` String COMMENT 'hex',
  `ntime` UInt32 COMMENT 'UNIX s, of the header',
  `nonce` UInt32,
  `version` UInt32 COMMENT 'of the header, with the rolled bits',
  `job_variant` UInt32 COMMENT 'stands in the last two bytes of coinb1; 0 unless the job was handed out again',
  `remote_ip` String,
  `user_agent` LowCardinality(String),
  `latency_us` UInt32 COMMENT 'from the line to the verdict'
) ENGINE = MergeTree PARTITION BY toYYYYMM(time) ORDER BY (toStartOfHour(time), account, worker, time) SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW sluice.hashrate_1h_view TO sluice.hashrate_1h (
  `time` DateTime,
  `account` String,
  `worker` String,
  `accepted` UInt64,
  `rejected` UInt64,
  `work` UInt128,
  `best_difficulty` Float64) AS SELECT toStartOfHour(s.time) AS time, s.account AS account, s.worker AS worker, countIf(s.verdict = 'accepted') AS accepted, countIf(s.verdict != 'accepted') AS rejected, sumIf(s.work, s.verdict = 'accepted') AS work, maxIf(s.share_difficulty, s.verdict = 'accepted') AS best_difficulty FROM sluice.shares AS s GROUP BY time, account, worker;

CREATE MATERIALIZED VIEW sluice.hashrate_1m_view TO sluice.hashrate_1m (
  `time` DateTime,
  `account` String,
  `worker` String,
  `accepted` UInt64,
  `rejected` UInt64,
  `work` UInt128,
  `best_difficulty` Float64) AS SELECT toStartOfMinute(s.time) AS time, s.account AS account, s.worker AS worker, countIf(s.verdict = 'accepted') AS accepted, countIf(s.verdict != 'accepted') AS rejected, sumIf(s.work, s.verdict = 'accepted') AS work, maxIf(s.share_difficulty, s.verdict = 'accepted') AS best_difficulty FROM sluice.shares AS s GROUP BY time, account, worker;
