/** Every cap and queue bound of the pool. `assertLimits` checks their relations at start-up. */
export const limits = {
  /** A config file. */
  configBytesMax: 1024 * 1024,
  /** A Stratum line or WebSocket message; longer ones close the connection. */
  lineBytesMax: 8 * 1024,
  /** Merkle branches that a job may have: ESP-Miner reads no more than 32, and 2^32 transactions never fit a block. */
  merkleBranchesMax: 32,
  /** Serialised coinbase without witness. */
  coinbaseBytesMax: 4 * 1024,
  /** Unsent bytes of one connection before it counts as a slow reader and is dropped. */
  sendQueueBytesMax: 256 * 1024,
  /** Workers that one connection may authorise (farm proxies have thousands). */
  workersPerSessionMax: 16_384,
  workerNameCharsMax: 128,
  userAgentCharsMax: 128,
  passwordCharsMax: 128,
  /** A request's id as JSON text: it waits with its share for the reply. */
  requestIdCharsMax: 96,
  /** A job id as a miner sends it back; the pool's own have at most 14 characters. */
  jobIdCharsMax: 32,
  /** Nesting of a client's JSON: message, params, one list or object in them, and one spare. */
  jsonDepthMax: 4,
  /** Extensions that one mining.configure may ask for (BIP310 knows four). */
  configureExtensionsMax: 16,
  /** Lines of one connection that are no JSON-RPC message before it is closed. */
  unparsableLinesMax: 16,
  /** Milliseconds that a new connection has to subscribe, and then to authorise. */
  subscribeMsMax: 15_000,
  authorizeMsMax: 60_000,
  /** Difficulty changes of one session that its open jobs may still refer to. */
  termsPerSessionMax: 256,
  /** Sessions that one tick of the registry looks at. */
  sessionsPerTickMax: 4096,
  /** Milliseconds that a closing connection has to take what is still queued for it. */
  closeMsMax: 5_000,
  /** Connections of one gateway. */
  connectionsMax: 60_000,
  /** Shares in one verification batch of the kernel. */
  kernelBatchMax: 128,
  /** Shares waiting for verification or for their commit; beyond it they are refused as `overloaded`. */
  sharesInFlightMax: 262_144,
  /** Jobs that can still be answered. */
  jobsMax: 64,
  /** Header hashes remembered per previous block, for duplicates. */
  seenPerTipMax: 1 << 24,
  /** Block candidates waiting for the node. */
  candidatesInFlightMax: 256,
  /** Rows and bytes of one batch of the share log; a commit with more writes several, at once. */
  logBatchRowsMax: 16_384,
  logBatchBytesMax: 4 * 1024 * 1024,
  /** What the share log keeps for a consumer that is behind before it raises the alarm; it goes on keeping. */
  logKeptBytesMax: 64 * 1024 * 1024 * 1024,
  logKeptMsMax: 24 * 60 * 60 * 1000,
  /** Rows in one sealed shipment to ClickHouse. */
  shipmentRowsMax: 100_000,
  shipmentBytesMax: 32 * 1024 * 1024,
} as const;

/** Throws where two limits contradict each other. */
export function assertLimits(l: Readonly<Record<keyof typeof limits, number>> = limits): void {
  const must = (holds: boolean, relation: string): void => {
    if (!holds) throw new Error(`limits: ${relation} does not hold`);
  };
  must(l.kernelBatchMax <= l.sharesInFlightMax, 'kernelBatchMax <= sharesInFlightMax');
  must(l.coinbaseBytesMax * 2 + l.merkleBranchesMax * 67 + 512 <= l.sendQueueBytesMax, 'a notify fits the send queue');
  must(l.workerNameCharsMax + l.userAgentCharsMax < l.lineBytesMax, 'names fit a line');
  must(l.requestIdCharsMax < l.lineBytesMax, 'a request id fits a line');
  must(l.jobsMax <= l.termsPerSessionMax, 'every open job can have a difficulty of its own');
  must(l.seenPerTipMax >= l.sharesInFlightMax, 'sharesInFlightMax <= seenPerTipMax');
  must(l.logBatchRowsMax <= l.shipmentRowsMax, 'a batch of the log fits a shipment');
  must(l.logBatchBytesMax * 2 <= l.shipmentBytesMax, 'a batch and the row that overflowed it fit a shipment');
  must((l.seenPerTipMax & (l.seenPerTipMax - 1)) === 0, 'seenPerTipMax is a power of two');
}
