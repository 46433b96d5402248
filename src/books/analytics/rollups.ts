/**
 * Of every table. The window is how many tokens of shipments it remembers (see shipper.ts): a shipment is tried again until
 * it is in, and only then comes the next; but several pools may write to one server, each with a shipment under way. The
 * share log lets go what is in, so an insert is in when it is on the disk (not measurably slower, at an insert a second).
 */
export const SETTINGS = 'non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1';

/** A rollup and the view that keeps it, as version 1 made them. `work` and `accepted` count accepted shares only. */
export function rollup(database: string, name: string, start: string, partition: string): readonly string[] {
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
    rollupView(database, name, start),
  ];
}

/** The view that keeps a rollup. */
export function rollupView(database: string, name: string, start: string): string {
  return `CREATE MATERIALIZED VIEW IF NOT EXISTS ${database}.${name}_view TO ${database}.${name} AS
  SELECT
    ${start}(s.time) AS time,
    s.account AS account,
    s.worker AS worker,
    countIf(s.verdict = 'accepted') AS accepted,
    countIf(s.verdict != 'accepted') AS rejected,
    sumIf(s.work, s.verdict = 'accepted') AS work,
    maxIf(s.share_difficulty, s.verdict = 'accepted') AS best_difficulty
  FROM ${database}.shares AS s
  GROUP BY time, account, worker`;
}
