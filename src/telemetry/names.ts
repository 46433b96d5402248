/** Gauges: plain numbers, written by the pool, read at a scrape. Their Prometheus names and what they mean. */
export const gaugeNames = {
  sessions: ['sluice_sessions', 'Stratum sessions that have subscribed'],
  workers: ['sluice_workers', 'Workers authorised on open connections'],
  jobHeight: ['sluice_job_height', 'Block height of the current job'],
  jobAgeSeconds: ['sluice_job_age_seconds', 'Age of the current job'],
  jobTransactions: ['sluice_job_transactions', 'Transactions in the current job, without the coinbase'],
  networkDifficulty: ['sluice_network_difficulty', 'Difficulty of a block at the current job'],
  nodeReady: ['sluice_node_ready', '1 where a Bitcoin node serves templates, else 0'],
  sharesInFlight: ['sluice_shares_in_flight', 'Shares taken in and not answered yet'],
  shareLogDepthRows: ['sluice_share_log_depth_rows', 'Rows handed to the share log and not yet on disk'],
  shareLogBytes: ['sluice_share_log_bytes', 'Size of the share log on disk'],
  analyticsLagRows: ['sluice_analytics_lag_rows', 'Rows in the share log that ClickHouse does not have yet'],
  bans: ['sluice_bans', 'Addresses and ranges that are banned'],
  analyticsReady: ['sluice_analytics_ready', '1 where ClickHouse took the last shipment, else 0'],
} as const satisfies Record<string, readonly [name: string, help: string]>;

/** Counters without labels, that only ever rise. */
export const counterNames = {
  jobs: ['sluice_jobs_total', 'Jobs made'],
  cleanJobs: ['sluice_clean_jobs_total', 'Jobs made because the tip changed'],
  acceptedDifficulty: ['sluice_accepted_difficulty_total', 'Sum of the difficulty of accepted shares; × 2^32 = hashes'],
  connectionsRefused: ['sluice_connections_refused_total', 'Stratum connections refused at the door'],
  connectionsBanned: ['sluice_connections_banned_total', 'Of those, from addresses that are banned'],
  connectionsOverLimit: ['sluice_connections_over_limit_total', 'Of those, over a limit on connections or handshakes'],
  connectionsEvicted: ['sluice_connections_evicted_total', 'Connections closed because of a ban or their own conduct'],
  sessionsShed: ['sluice_sessions_shed_total', 'Noisy sessions closed because the event loop could not keep up'],
  protocolErrors: ['sluice_protocol_errors_total', 'Stratum lines that were no valid request'],
  analyticsRows: ['sluice_analytics_rows_total', 'Rows that ClickHouse took'],
} as const satisfies Record<string, readonly [name: string, help: string]>;

/** Seconds. A verdict within the process takes microseconds; behind a queue or a slow disk, up to seconds. */
export const latencyBoundsSeconds = [
  50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
] as const;
