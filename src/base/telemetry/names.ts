/** Gauges: plain numbers, written by the pool, read at a scrape. Their Prometheus names and what they mean. */
export const gaugeNames = {
  sessions: ['sluice_sessions', 'Stratum sessions that have subscribed'],
  workers: ['sluice_workers', 'Workers authorised on open connections'],
  jobHeight: ['sluice_job_height', 'Block height of the current job'],
  jobAgeSeconds: ['sluice_job_age_seconds', 'Age of the current job'],
  jobTransactions: ['sluice_job_transactions', 'Transactions in the current job, without the coinbase'],
  networkDifficulty: ['sluice_network_difficulty', 'Difficulty of a block at the current job'],
  nodeReady: ['sluice_node_ready', '1 if a Bitcoin node serves templates, else 0'],
  nodeClockOffsetSeconds: ['sluice_node_clock_offset_seconds', "The node's clock less this machine's"],
  nodeSignalsConfigured: ['sluice_node_signals_configured', 'ZeroMQ endpoints of Bitcoin nodes in the config'],
  nodeSignalsConnected: ['sluice_node_signals_connected', 'Of those, the ones that are connected'],
  sharesInFlight: ['sluice_shares_in_flight', 'Shares taken in and not answered yet'],
  seenHeaders: ['sluice_seen_headers', 'Header hashes remembered to recognise duplicates'],
  seenFull: [
    'sluice_seen_headers_full',
    '1 if shares of the current job are refused because no more header hashes fit the memory, else 0',
  ],
  shareLogDepthRows: ['sluice_share_log_depth_rows', 'Rows handed to the share log and not yet on disk'],
  shareLogBytes: ['sluice_share_log_bytes', 'Size of the share log on disk'],
  shareLogAlarm: [
    'sluice_share_log_alarm',
    '1 if a consumer of the share log is further behind than it should be, else 0',
  ],
  analyticsLagRows: ['sluice_analytics_lag_rows', 'Rows in the share log that ClickHouse does not have yet'],
  analyticsMissingRows: [
    'sluice_analytics_missing_rows',
    'Rows that ClickHouse had confirmed, but lacked at the last connection',
  ],
  ledgerLagRows: ['sluice_ledger_lag_rows', 'Rows in the share log that the ledger does not have yet'],
  ledgerLagSeconds: ['sluice_ledger_lag_seconds', 'How long the oldest of these rows has waited'],
  ledgerSealedSerial: [
    'sluice_ledger_sealed_serial',
    'Serial number of the newest job whose work is final; -1 before there is one',
  ],
  ledgerFaults: ['sluice_ledger_faults', 'Faults in the books; payouts stop while there is one'],
  jobDirectRatio: [
    'sluice_job_direct_ratio',
    'Of the reward of the newest job, the part that its coinbase pays to accounts by the PPLNS window, 0 to 1',
  ],
  ledgerDirectRatio: [
    'sluice_ledger_direct_ratio',
    'Of the rewards of the newest booked blocks, the part that their coinbases paid to accounts directly, 0 to 1',
  ],
  ledgerReady: ['sluice_ledger_ready', '1 if the ledger runs and none of its parts has a problem, else 0'],
  spareDescriptors: [
    'sluice_spare_descriptors',
    'Spare file descriptors for blocks and nodes; below 16 the process has run out of other descriptors',
  ],
  bans: ['sluice_bans', 'Addresses and ranges that are banned'],
  analyticsReady: ['sluice_analytics_ready', '1 if ClickHouse took the last shipment, else 0'],
} as const satisfies Record<string, readonly [name: string, help: string]>;

/** Seconds. A verdict within the process takes microseconds; behind a queue or a slow disk, up to seconds. */
export const latencyBoundsSeconds = [
  50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
] as const;
