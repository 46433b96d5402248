/**
 * The queues that have series of their own: `sluice_queue_…{queue="…"}`. Shares and the share log have older ones, with a
 * histogram of the wait: `sluice_shares_in_flight`, `sluice_shares_total{verdict="overloaded"}` and
 * `sluice_share_verdict_seconds`; `sluice_share_log_depth_rows`, `sluice_share_log_dropped_rows_total` and
 * `sluice_share_log_commit_seconds`.
 */
export const queues = {
  'node-calls': 'calls of Bitcoin nodes',
  'node-urgent-calls': 'calls that a solved block needs',
  blocks: 'block candidates that are with the node or wait for its verdict',
  passwords: 'passwords that wait to be checked',
  http: 'HTTP requests that wait for their answer',
  sql: 'SQL queries that wait for their turn',
} as const;

export type QueueName = keyof typeof queues;

/** The series of each queue, with their help. */
export const queueSeries = {
  depth: ['sluice_queue_depth', 'Entries that wait in a queue now'],
  served: ['sluice_queue_served_total', 'Entries that left a queue and were served'],
  dropped: ['sluice_queue_dropped_total', 'Entries that a full queue refused, or that gave up waiting'],
  waitedSeconds: ['sluice_queue_wait_seconds_total', 'Sum of the waits of served entries'],
} as const;
