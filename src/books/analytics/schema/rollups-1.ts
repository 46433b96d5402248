import { SETTINGS } from './table.ts';

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
