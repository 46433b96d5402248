/** Gauges: plain numbers, written by the pool, read at a scrape. Their Prometheus names and what they mean. */
export const gaugeNames = {
  sessions: ['sluice_sessions', 'Stratum sessions that have subscribed'],
  workers: ['sluice_workers', 'Workers authorised on open connections'],
  jobHeight: ['sluice_job_height', 'Block height of the current job'],
  jobAgeSeconds: ['sluice_job_age_seconds', 'Age of the current job'],
  jobTransactions: ['sluice_job_transactions', 'Transactions in the current job, without the coinbase'],
  networkDifficulty: ['sluice_network_difficulty', 'Difficulty of a block at the current job'],
  nodeReady: ['sluice_node_ready', '1 where a Bitcoin node serves templates, else 0'],
  nodeClockOffsetSeconds: ['sluice_node_clock_offset_seconds', "The node's clock less this machine's"],
  nodeSignalsConfigured: ['sluice_node_signals_configured', 'ZeroMQ endpoints of Bitcoin nodes in the config'],
  nodeSignalsConnected: ['sluice_node_signals_connected', 'Of those, the ones that are connected'],
  sharesInFlight: ['sluice_shares_in_flight', 'Shares taken in and not answered yet'],
  seenHeaders: ['sluice_seen_headers', 'Header hashes remembered to recognise duplicates'],
  seenFull: [
    'sluice_seen_headers_full',
    '1 if shares of the current job are refused for want of room to remember them, else 0',
  ],
  shareLogDepthRows: ['sluice_share_log_depth_rows', 'Rows handed to the share log and not yet on disk'],
  shareLogBytes: ['sluice_share_log_bytes', 'Size of the share log on disk'],
  shareLogAlarm: [
    'sluice_share_log_alarm',
    '1 where a consumer of the share log is further behind than it should be, else 0',
  ],
  analyticsLagRows: ['sluice_analytics_lag_rows', 'Rows in the share log that ClickHouse does not have yet'],
  analyticsMissingRows: [
    'sluice_analytics_missing_rows',
    'Rows that ClickHouse had confirmed and had lost when it was last connected to',
  ],
  spareDescriptors: [
    'sluice_spare_descriptors',
    'File descriptors held for blocks and nodes; fewer than 16: the process has run out of others',
  ],
  bans: ['sluice_bans', 'Addresses and ranges that are banned'],
  analyticsReady: ['sluice_analytics_ready', '1 where ClickHouse took the last shipment, else 0'],
} as const satisfies Record<string, readonly [name: string, help: string]>;

/** Counters without labels, that only ever rise. */
export const counterNames = {
  jobs: ['sluice_jobs_total', 'Jobs made'],
  cleanJobs: ['sluice_clean_jobs_total', 'Jobs made because the tip changed'],
  acceptedDifficulty: ['sluice_accepted_difficulty_total', 'Sum of the difficulty of accepted shares; × 2^32 = hashes'],
  nodeSignalsMissed: ['sluice_node_signals_missed_total', 'Blocks that polling found and no ZeroMQ endpoint signalled'],
  connectionsRefused: ['sluice_connections_refused_total', 'Stratum connections refused at the door'],
  connectionsBanned: ['sluice_connections_banned_total', 'Of those, from addresses that are banned'],
  connectionsOverLimit: ['sluice_connections_over_limit_total', 'Of those, over a limit on connections or handshakes'],
  connectionsOverload: ['sluice_connections_overload_total', 'Of those, because the event loop could not keep up'],
  connectionsEvicted: ['sluice_connections_evicted_total', 'Connections closed because of a ban or their own conduct'],
  connectionsMisbehaved: ['sluice_connections_misbehaved_total', 'Of those, for their own conduct alone'],
  workersExpelled: [
    'sluice_workers_expelled_total',
    'Workers expelled from a connection, or refused on one, for their conduct',
  ],
  connectionsSlowed: ['sluice_connections_slowed_total', 'New connections delayed for the conduct of their address'],
  connectionsIdle: [
    'sluice_connections_idle_closed_total',
    'Connections without an accepted share, closed to make room',
  ],
  sessionsShed: ['sluice_sessions_shed_total', 'Noisy sessions closed because the event loop could not keep up'],
  badHandshakes: ['sluice_bad_handshakes_total', 'TLS handshakes and PROXY headers that failed or came too late'],
  overlongMessages: ['sluice_overlong_messages_total', 'Connections closed for a message over the cap'],
  slowReaders: ['sluice_slow_readers_total', 'Connections closed because they did not read what was sent'],
  connectionsOverMemory: [
    'sluice_connections_over_memory_total',
    'Connections closed because they had the most of what waits in memory, and that was too much in all',
  ],
  sessionTimeouts: [
    'sluice_session_timeouts_total',
    'Sessions closed for not subscribing, not authorising, or silence',
  ],
  sessionsTakenBack: [
    'sluice_sessions_idle_closed_total',
    'Sessions without an accepted share, closed because no extranonce was free for others',
  ],
  sessionsResumed: [
    'sluice_sessions_resumed_total',
    'Clients that came back and went on with their extranonce and jobs',
  ],
  workersRefused: ['sluice_workers_refused_total', 'Names that were not authorised'],
  difficultyChanges: ['sluice_difficulty_changes_total', 'Difficulties sent after the first of a session'],
  sharesShed: [
    'sluice_shares_shed_total',
    "Shares credited as blocks alone: too many, and below the pool's least difficulty",
  ],
  jobsClosedEarly: [
    'sluice_jobs_closed_early_total',
    'Old jobs closed to make room for the header hashes of newer ones',
  ],
  oversizedCoinbases: ['sluice_oversized_coinbases_total', 'Jobs sent to devices that take no coinbase of that length'],
  httpRequests: ['sluice_http_requests_total', 'HTTP requests'],
  httpRefused: ['sluice_http_refused_total', 'HTTP connections closed as they came: banned, or over a limit'],
  httpLimited: ['sluice_http_limited_total', 'HTTP requests turned away: too many of one address, or of all'],
  httpFaults: ['sluice_http_faults_total', 'HTTP requests answered 500'],
  httpRestarts: ['sluice_http_restarts_total', 'Times that the HTTP process was started again'],
  containedErrors: [
    'sluice_contained_errors_total',
    'Unexpected errors that ended one session or one step, and nothing else: please report them',
  ],
  analyticsRows: ['sluice_analytics_rows_total', 'Rows that ClickHouse took'],
  shareLogDroppedRows: ['sluice_share_log_dropped_rows_total', 'Rows dropped from a share log that nobody reads'],
} as const satisfies Record<string, readonly [name: string, help: string]>;

/** Why a Stratum message was no valid request. */
export const protocolFaults = ['unparsable', 'invalid-request', 'unknown-method', 'bad-params'] as const;

/** Seconds. A verdict within the process takes microseconds; behind a queue or a slow disk, up to seconds. */
export const latencyBoundsSeconds = [
  50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
] as const;
