/** Every cap and queue bound of the pool. `assertLimits` checks their relations at start-up. */
export const limits = {
  /** A config file. */
  configBytesMax: 1024 * 1024,
  /** A Stratum line or WebSocket message; longer ones close the connection. */
  lineBytesMax: 8 * 1024,
  /** Pings and pongs of one WebSocket in a second; a client that sends more is closed. */
  controlFramesPerSecondMax: 16,
  /** Merkle branches that a job may have: ESP-Miner reads no more than 32, and 2^32 transactions never fit a block. */
  merkleBranchesMax: 32,
  /** Serialised coinbase without witness. */
  coinbaseBytesMax: 4 * 1024,
  /** The longest coinbase that pays accounts directly, without witness: what a stock Antminer S19 takes, about 16 outputs. */
  directCoinbaseBytes: 750,
  /** Accounts of a window that may be paid directly or left out; with more the pool's output gets everything. */
  directAccountsMax: 20_000,
  /** Unsent bytes of one connection before it counts as a slow reader and is dropped. */
  sendQueueBytesMax: 256 * 1024,
  /** Workers that one connection may authorise (farm proxies have thousands). */
  workersPerSessionMax: 16_384,
  /**
   * Workers authorised on all connections of one gateway, and of one address (IPv4, or an IPv6 /64) of these. The first of a
   * connection is taken whatever others have. A worker takes 0.8 KB with the longest name, 1 KB if that is not ASCII, 1.9 KB if it
   * is the only one of its account: 500 MB in all at most.
   */
  workersPerGatewayMax: 262_144,
  workersPerAddressMax: 32_768,
  workerNameCharsMax: 128,
  userAgentCharsMax: 128,
  passwordCharsMax: 128,
  /** Difficulties in passwords of one connection that are refused with a message; further ones are without. */
  refusedWishesToldMax: 8,
  /** A request's id as JSON text: it waits with its share for the reply. */
  requestIdCharsMax: 96,
  /** A job id as a miner sends it back; the pool's own have at most 14 characters. */
  jobIdCharsMax: 32,
  /** Nesting of a client's JSON: message, params, one list or object in them, and one spare. */
  jsonDepthMax: 4,
  /** Lists and objects of a client's JSON in all, and commas: the longest message in use, a mining.configure, has 3 and 12. */
  jsonContainersMax: 16,
  jsonCommasMax: 64,
  /** Extensions that one mining.configure may ask for (BIP310 knows four). */
  configureExtensionsMax: 16,
  /** Lines of one connection that are no JSON-RPC message before it is closed. */
  unparsableLinesMax: 16,
  /** Milliseconds that a new connection has to subscribe, and then to authorise. */
  subscribeMsMax: 15_000,
  authorizeMsMax: 60_000,
  /** Silence of a client that has work before its connection is closed, ms. */
  idleMsMax: 60 * 60_000,
  /** Silence before a client that answers pings gets one, ms, and how many in a row may go without an answer. */
  pingAfterMs: 60_000,
  pingsMax: 3,
  /** Bytes of messages that wait while a password of their connection is checked. */
  heldBytesMax: 64 * 1024,
  /**
   * Clients whose connection has gone that are waited for, and for how long, ms. 0.7 KB each, beside their difficulty changes.
   * An address (IPv4, or an IPv6 /64) may have more than its own part as long as there is room.
   */
  resumableSessionsMax: 16_384,
  resumablePerAddressMax: 2_048,
  resumeMsMax: 10 * 60_000,
  /** Passwords that are checked at once, and that wait for it; and of one address (IPv4, or an IPv6 /64), both together. */
  passwordChecksMax: 2,
  passwordQueueMax: 1024,
  passwordsPerAddressMax: 64,
  /** Wrong passwords remembered, so that each is checked once. */
  passwordMistakesMax: 4096,
  /**
   * Difficulty changes that open jobs may still refer to: of one session, and of all sessions of a gateway, those of clients
   * that may come back among them. `termsPerSessionFree` of a session are possible however many others have. 50 bytes each, and
   * 350 if no other session has the same terms.
   */
  termsPerSessionMax: 80,
  termsPerSessionFree: 8,
  termsPerGatewayMax: 262_144,
  /** Sessions that one tick of the registry looks at. */
  sessionsPerTickMax: 4096,
  /** Characters of the reason that the pool sends when it closes a connection. */
  closingCharsMax: 160,
  /** Milliseconds that a client which has ended its half of the connection waits for the replies to its last messages. */
  halfOpenMsMax: 10_000,
  /** Time that a closing connection has to read its queued messages, ms. */
  closeMsMax: 5_000,
  /**
   * Descriptors of a process that Stratum connections may not use: for blocks, the log, the API and the node. Descriptors in use at
   * the start come on top.
   */
  descriptorsReserved: 512,
  /** Spare descriptors, released one at a time if a block or a node needs one and the system gives no other. */
  descriptorsSpare: 16,
  /** Connections of the pool, over all gateways. */
  connectionsMax: 60_000,
  /**
   * Of one address (IPv4, or an IPv6 /64) and of its subnet (/24, /48). Wide, because a NAT may have hundreds of miners behind an
   * address and a farm thousands. The limits only keep one address from using up all connections.
   */
  connectionsPerAddressMax: 16_384,
  connectionsPerSubnetMax: 32_768,
  /** New connections a second; a farm that comes back all at once may use `handshakeBurstSeconds` of them together. */
  handshakesPerSecondMax: 5_000,
  handshakesPerAddressMax: 1_000,
  handshakesPerSubnetMax: 2_000,
  handshakeBurstSeconds: 10,
  /** Milliseconds for a PROXY header and a TLS handshake together. */
  handshakeMsMax: 10_000,
  /**
   * Of one connection, a second: vardiff gives many workers up to `farmSharesPerSecondMax` submits. An address may send
   * `addressShareFactor` times as much. Further bytes wait in the sender's socket.
   */
  linesPerSecondMax: 10_000,
  bytesPerSecondMax: 4 * 1024 * 1024,
  submitsPerSecondMax: 6_000,
  addressShareFactor: 4,
  /**
   * While an address is over its rate, a connection within these limits of its own is delayed for at most `neighbourHoldMs`, because
   * other connections have caused the excess.
   */
  modestLinesPerSecond: 20,
  modestLineBurst: 100,
  neighbourHoldMs: 250,
  trafficBurstSeconds: 2,
  /** This many bytes of TLS without data count as one line; they are checked every `tlsLookMs` ms. */
  tlsQuietBytesPerLine: 8,
  tlsLookMs: 500,
  /**
   * Lines that one turn of the event loop handles as they are read: of all connections, of an address and of a connection. Each
   * takes 2 to 4 µs, and `bytesPerTurnLine` bytes count as another one. A read brings up to 64 KiB, about 400 submits.
   */
  linesPerTurnMax: 6_144,
  linesPerTurnAndAddressMax: 1_536,
  linesPerTurnAndConnectionMax: 512,
  bytesPerTurnLine: 512,
  /**
   * Waiting lines that a turn handles: in all, of one connection with accepted shares, and of any other connection.
   */
  waitingLinesPerTurnMax: 2_048,
  workerTurnLines: 256,
  idlerTurnLines: 32,
  /**
   * Bytes that wait in memory, to be handled or to be written, for all connections of a process. Beyond it the connections with
   * the most are closed. `unsentWriteBytes`: the cost of a waiting write, beside its bytes.
   */
  waitingBytesMax: 256 * 1024 * 1024,
  unsentWriteBytes: 192,
  /**
   * Of one WebSocket, bytes of messages that wait to be handled, because reading it can not be paused. Each message counts
   * `waitingMessageBytes` more than its length. Above the limit the connection is closed.
   */
  waitingMessageBytesMax: 256 * 1024,
  waitingMessageBytes: 224,
  /**
   * Messages of one address's WebSockets that a turn may keep to be handled later. Beyond it, a WebSocket that has more than
   * `crowdedMessagesMax` of them and never had an accepted share is closed: two thousand of them could each bring a thousand.
   */
  keptPerTurnAndAddressMax: 32_768,
  crowdedMessagesMax: 32,
  /**
   * Names that an address may have looked up a second, and at once: each takes up to 70 µs (an elliptic curve), and counts
   * as `lookUpLines` lines of traffic. Names used lately need no look-up. Further look-ups are refused.
   */
  lookUpsPerSecondMax: 400,
  lookUpBurst: 1_000,
  lookUpLines: 100,
  /** Milliseconds that the event loop may be late, twice in a row, before the gateway counts as overloaded. */
  overloadLagMsMax: 500,
  /** Noisy sessions that an overloaded gateway closes at a time, and the fruitless lines a second that make one noisy. */
  shedSessionsMax: 16,
  shedLinesPerSecondMin: 20,
  /** Points of penalty (front/net/door/conduct.ts) at which a connection is closed, and its address banned if nobody honest is there. */
  banPoints: 100,
  /** Characters of an admin token; wrong ones that a host may send, a second and at once; and hosts whose guesses are counted. */
  adminTokenCharsMin: 16,
  adminGuessesPerSecond: 1,
  adminGuessBurst: 10,
  adminGuessersMax: 4096,
  /** The same for an address with an innocent logged-in connection, but no accepted share. */
  presentBanPoints: 1000,
  /** Points that a connection may earn at an address that has earned `banPoints`; and below which it counts as innocent. */
  probationPoints: 10,
  /** Milliseconds that such an address's new connections wait before they are read. */
  slowedMs: 250,
  /** Milliseconds that a worker is kept out of its address, and such workers remembered of an address. */
  keptOutMs: 60_000,
  keptOutWorkersMax: 256,
  /** A miner that stayed for `presenceMsMin`, or had so many accepted shares, counts as present for `presenceMs` after it went. */
  presenceMsMin: 60_000,
  presenceSharesMin: 5,
  presenceMs: 60_000,
  /** Milliseconds between two looks at all connections of an address. */
  presenceLookMs: 500,
  /**
   * Milliseconds without an accepted share before a connection may be closed in favour of another: without a login, and with one.
   * So many are closed of an address at a time.
   */
  strangerMsMin: 15_000,
  idlerMsMin: 60_000,
  idlersPerTickMax: 1024,
  /** Bans and records of past ones. */
  bansMax: 65_536,
  /** HTTP connections, of all and of one address (IPv4, or an IPv6 /64). Further ones are closed as they are accepted. */
  httpConnectionsMax: 1024,
  /** Of these, connections reserved for addresses in `stratum.bans.allow`, so that monitoring always gets in. */
  httpConnectionsReserved: 64,
  httpConnectionsPerAddressMax: 128,
  /** New HTTP connections and requests of one address a second, and requests of all; `httpBurstSeconds` of them may come at once. */
  httpHandshakesPerAddressMax: 20,
  httpRequestsPerAddressMax: 20,
  httpRequestsMax: 2_000,
  httpBurstSeconds: 10,
  /** What a page of workers costs, in requests: the pool is asked for each hundred of its workers. */
  httpWorkersPageCost: 10,
  /** Requests of one HTTP connection that wait for the answer under way. A client that sends more is closed. */
  httpPipelineMax: 16,
  /** What that costs its address, in new connections: the requests of one read (64 KiB) take 20 ms. */
  httpOffenceHandshakes: 40,
  httpHeaderBytesMax: 8 * 1024,
  /** Milliseconds for a whole request to come, and for an answer to be read; and the silence that ends a connection. */
  httpRequestMsMax: 10_000,
  httpAnswerMsMax: 30_000,
  httpIdleMsMax: 10_000,
  /** Bytes of answers that clients have not read yet, of all connections. Further requests are answered 503. */
  httpUnsentBytesMax: 64 * 1024 * 1024,
  /** Answers that wait for the pool at one time. */
  httpWaitingMax: 256,
  /**
   * SQL over HTTP: queries that wait, run or are read; bytes of a query with its parameters; and bytes of a result that are held
   * back for a client that wants no answer before its query has ended.
   */
  sqlQueriesMax: 8,
  sqlBodyBytesMax: 256 * 1024,
  sqlHeldBytesMax: 4 * 1024 * 1024,
  /** Milliseconds in which a reader of SQL takes nothing before its connection is closed. */
  sqlReaderMsMax: 10 * 60_000,
  /** Heap of the process that serves HTTP, MiB. It is started again if it needs more. */
  httpHeapMibMax: 256,
  /**
   * Questions of the HTTP process to the pool's event loop, a second: for status, readiness and operators' requests each; for metrics;
   * and for miners, each with up to `workersPerQuestionMax` workers (`totalsPerQuestion` questions without workers cost as much). In
   * all about 80 ms of each second. A question about a miner waits up to `minerTurnMsMax` for its turn.
   */
  statusQuestionsPerSecondMax: 20,
  metricsQuestionsPerSecondMax: 2,
  minerQuestionsPerSecondMax: 100,
  workersPerQuestionMax: 100,
  totalsPerQuestion: 4,
  minerTurnMsMax: 2_000,
  /** Current jobs of the pool that HTTP may ask for a second. */
  jobQuestionsPerSecondMax: 5,
  /**
   * What HTTP asks ClickHouse at one time, and what waits; the time of a statement, ms; rows of an answer; and answers that are kept for
   * the same question.
   */
  historyQueriesMax: 1,
  historyWaitingMax: 32,
  historyMsMax: 5_000,
  historyRowsMax: 5_000,
  historyAnswersMax: 256,
  /** Answers of the ledger that are kept for the same question. */
  booksAnswersMax: 256,
  /** What a question about history, and a long one about money, cost their asker, in requests. */
  apiHistoryCost: 5,
  apiBooksCost: 5,
  /** Characters of an address or a worker's name in a request. */
  apiNameCharsMax: 128,
  /** Points of a curve. */
  apiPointsMax: 1_500,
  /** The latest time that a request may name, UNIX seconds: of the year 2100. */
  apiUnixSecondsMax: 4_102_444_800,
  /**
   * The live feed: what a client may send a second, topics of one client, and miners that are watched at one time. A topic is
   * one answer a second; of miners the pool is asked within the same bounds as by requests.
   */
  liveMessagesPerSecondMax: 5,
  liveTopicsPerWatcherMax: 16,
  liveMinersMax: 100,
  /** What the start of a live feed costs, in requests. */
  liveCost: 5,
  /** Milliseconds that HTTP waits for the pool's answer. */
  poolAnswerMsMax: 5_000,
  /** Shares in one verification batch of the kernel. */
  kernelBatchMax: 128,
  /** Shares waiting for verification or for their commit; beyond it they are refused as `overloaded`. */
  sharesInFlightMax: 262_144,
  /** The same where most shares are blocks (regtest): with a stop, all of them are answered within a second or two. */
  blocksInFlightMax: 32_768,
  /** Shares that are hashed and applied before timers and other sockets have a turn. */
  sharesPerTurnMax: 8_192,
  /** Jobs that can still be answered. */
  jobsMax: 64,
  /**
   * Expired jobs of the current tip, kept for a block in a late share, and the limit of their memory. With 4,000 transactions a job has
   * 36 KB of its own; transactions are shared. So 1024 jobs take about 40 MB, and a second of the mempool's growth per job. The oldest
   * jobs are dropped first.
   */
  expiredJobsMax: 1024,
  expiredJobsBytesMax: 256 * 1024 * 1024,
  /**
   * Header hashes remembered over all jobs of a gateway, for duplicates: 16 to 32 bytes each. Beyond it the oldest job is
   * closed, and its late shares are stale.
   */
  seenPerTipMax: 1 << 24,
  /** The least difficulty of a device that asks for less than the pool's minimum, unless that is above 1: an ESP32 finds a share in 5 s. */
  weakDifficultyMin: 1e-4,
  /**
   * Submits a second below the pool's minimum difficulty, of one session, of one address (IPv4, or an IPv6 /64) and of a
   * gateway; `easySharesBurstSeconds` of them may come at once. A NerdMiner sends one in 5 s.
   */
  easySharesPerSessionMax: 10,
  easySharesPerAddressMax: 100,
  easySharesPerGatewayMax: 2_000,
  easySharesBurstSeconds: 6,
  /**
   * Shares a second that vardiff gives one session with many workers: 5,000 workers at 12 a minute have them in full, more of them share
   * them. Names that are made up bring no more than that, and a fixed difficulty on ten connections brings as much.
   */
  farmSharesPerSecondMax: 1_000,
  /** Accepted shares a second of a session that chose its difficulty itself; beyond it that difficulty is raised. */
  fixedSharesPerSecondMax: 100,
  /** Blocks that a node has not judged and is offered again, up to 8 MB each as hex; the oldest is forgotten first. */
  owedBlocksMax: 4,
  /** Block candidates that no node has judged. */
  candidatesInFlightMax: 256,
  /**
   * Judged blocks whose place in the chain is followed until they are buried: a line of metadata in memory and up to 8 MB on
   * the disk each. Beyond it the oldest keeps the status that it has.
   */
  blocksFollowedMax: 128,
  /** Blocks on top of a block, or of another one in its place, that bury it: as deep as a coinbase that may be spent. */
  burialDepth: 100,
  /** Rows and bytes of one batch of the share log; a commit with more writes several, at once. */
  logBatchRowsMax: 16_384,
  logBatchBytesMax: 4 * 1024 * 1024,
  /** Length of the share log's files: about half a second at the highest rates, hours at the usual ones. */
  logSegmentBytes: 16 * 1024 * 1024,
  /** What each journal of the share log keeps for a consumer that is behind before it raises the alarm; it goes on keeping. */
  logKeptBytesMax: 64 * 1024 * 1024 * 1024,
  logKeptMsMax: 24 * 60 * 60 * 1000,
  /** Rows in one sealed shipment to ClickHouse: a row of many costs it up to a quarter less. */
  shipmentRowsMax: 200_000,
  shipmentBytesMax: 64 * 1024 * 1024,
  /**
   * Depth of the block that is remembered to know the chain by. A reorganisation that reaches it counts as another chain, which
   * stops payouts. A chain younger than twice that is known by a block about half its height below the tip.
   */
  checkpointDepth: 288,
  /** Blocks below the tip that are searched for blocks of the pool that the ledger lacks. */
  reconcileDepth: 144,
  /** Questions to the node about blocks that are under way at one time. */
  chainQuestionsMax: 4,
  /** Rows and bytes of the share log that one transaction of the ledger takes: half a second of its work. */
  ledgerTakeRowsMax: 500_000,
  ledgerTakeBytesMax: 128 * 1024 * 1024,
  /** Questions of the ledger that the pool has not answered yet; further ones get no answer. */
  ledgerQuestionsMax: 32,
  /** Faults of the books that a running pool keeps. */
  ledgerFaultsMax: 1_000,
  /** A name in the ledger: an account with its prefix, a kind of entry, a reference. */
  ledgerTextCharsMax: 256,
  /** Differences of one kind that an audit describes; further ones are only counted. */
  auditDifferencesMax: 100,
  /** Shares and jobs that an audit asks ClickHouse for at once, to be sorted by job: they fit a query's memory. */
  auditSharesPerQuery: 2_000_000,
  auditJobsPerQuery: 2_000,
  /** Threads that hash for an audit: further ones would wait for ClickHouse. */
  auditThreadsMax: 8,
  /** Weight of a payout's whole transaction (Bitcoin Core, MAX_STANDARD_TX_WEIGHT), and of its outputs: 2,400 to P2WPKH. */
  payoutWeightMax: 400_000,
  payoutOutputsWeightMax: 300_000,
  /** Outputs that bear the fee of one input together, if miners bear it. */
  payoutOutputsPerInput: 4,
  /** Accounts that one run finds out to be unpayable before it gives up. */
  payoutPoisonMax: 32,
  /** Transactions of one payout: the first and its replacements. */
  payoutVariantsMax: 16,
  /** Payouts that a list shows. */
  payoutsListed: 1_000,
  /** Length of a backup's list of files: a million of them. */
  backupManifestBytesMax: 256 * 1024 * 1024,
  /** What is wrong with a backup, as far as it is named. */
  backupFaultsMax: 100,
  /** Milliseconds in the mempool after which a payout gets a higher fee. */
  payoutStuckMs: 30 * 60_000,
} as const;

/** Throws if two limits contradict each other. */
export function assertLimits(l: Readonly<Record<keyof typeof limits, number>> = limits): void {
  const must = (holds: boolean, relation: string): void => {
    if (!holds) throw new Error(`limits: ${relation} does not hold`);
  };
  must(l.workersPerSessionMax <= l.workersPerAddressMax, 'workersPerSessionMax <= workersPerAddressMax');
  must(l.workersPerAddressMax * 8 <= l.workersPerGatewayMax, 'no address takes more than an eighth of the workers');
  must(l.kernelBatchMax <= l.sharesInFlightMax, 'kernelBatchMax <= sharesInFlightMax');
  must(l.directCoinbaseBytes <= l.coinbaseBytesMax, 'a coinbase that pays accounts is no longer than any may be');
  must(l.coinbaseBytesMax * 2 + l.merkleBranchesMax * 67 + 512 <= l.sendQueueBytesMax, 'a notify fits the send queue');
  must(l.closingCharsMax * 6 + 64 <= l.lineBytesMax, 'the reason of a close fits a line');
  must(l.workerNameCharsMax + l.userAgentCharsMax < l.lineBytesMax, 'names fit a line');
  must(l.requestIdCharsMax < l.lineBytesMax, 'a request id fits a line');
  must(l.passwordsPerAddressMax * 8 <= l.passwordQueueMax, 'no address takes more than an eighth of the queue');
  must(
    l.resumablePerAddressMax * 8 <= l.resumableSessionsMax,
    'no address takes more than an eighth of who may come back',
  );
  must(l.passwordQueueMax <= l.passwordMistakesMax, 'what waits to be checked fits what is remembered');
  must(l.lineBytesMax <= l.heldBytesMax, 'a line can wait for the one before it');
  must(l.pingAfterMs * (l.pingsMax + 1) <= l.idleMsMax, 'a client is pinged before it counts as gone');
  must(l.burialDepth <= l.blocksFollowedMax, 'the blocks of a whole burial can be followed, if all are ours');
  must(l.blocksInFlightMax <= l.sharesInFlightMax, 'blocksInFlightMax <= sharesInFlightMax');
  must(l.kernelBatchMax <= l.sharesPerTurnMax, 'kernelBatchMax <= sharesPerTurnMax');
  must(l.termsPerSessionFree <= l.termsPerSessionMax, 'termsPerSessionFree <= termsPerSessionMax');
  must(l.termsPerSessionMax * 1024 <= l.termsPerGatewayMax, 'no few sessions take all that may be promised');
  must(l.jobsMax <= l.termsPerSessionMax, 'every open job can have a difficulty of its own');
  must(l.seenPerTipMax >= l.sharesInFlightMax, 'sharesInFlightMax <= seenPerTipMax');
  must(l.logBatchBytesMax * 2 <= l.logSegmentBytes, 'a batch and the row that overflowed it fit a segment');
  must(l.logSegmentBytes * 2 <= l.logKeptBytesMax, 'a log that is cut is cut by segments');
  must(l.logBatchRowsMax <= l.shipmentRowsMax, 'a batch of the log fits a shipment');
  must(l.logBatchBytesMax * 2 <= l.shipmentBytesMax, 'a batch and the row that overflowed it fit a shipment');
  must(l.reconcileDepth <= l.checkpointDepth, 'what is reconciled is above the checkpoint');
  must(l.workerNameCharsMax + 16 <= l.ledgerTextCharsMax, 'an account with its prefix is a name in the ledger');
  must(l.payoutOutputsWeightMax < l.payoutWeightMax, "a payout's transaction has room for inputs beside its outputs");
  must(l.logBatchRowsMax <= l.ledgerTakeRowsMax, 'a batch of the log fits a transaction of the ledger');
  must(l.descriptorsSpare >= 4, 'a block has two spare descriptors, whatever the work has taken');
  must(l.connectionsPerAddressMax <= l.connectionsPerSubnetMax, 'connectionsPerAddressMax <= connectionsPerSubnetMax');
  must(l.connectionsPerSubnetMax <= l.connectionsMax, 'connectionsPerSubnetMax <= connectionsMax');
  must(l.handshakesPerAddressMax <= l.handshakesPerSubnetMax, 'handshakesPerAddressMax <= handshakesPerSubnetMax');
  must(l.handshakesPerSubnetMax <= l.handshakesPerSecondMax, 'handshakesPerSubnetMax <= handshakesPerSecondMax');
  must(l.handshakeMsMax <= l.subscribeMsMax, 'a handshake ends before the time to subscribe does');
  must(
    l.linesPerSecondMax <= l.lookUpLines * l.lookUpsPerSecondMax,
    'a connection is held before its look-ups are refused',
  );
  must(l.adminGuessesPerSecond <= l.adminGuessBurst, 'adminGuessesPerSecond <= adminGuessBurst');
  must(
    l.farmSharesPerSecondMax * 2 <= l.submitsPerSecondMax,
    'a farm may send what vardiff aims at, and by luck twice that',
  );
  must(l.submitsPerSecondMax <= l.linesPerSecondMax, 'a submit is a line');
  must(l.configureExtensionsMax <= l.jsonCommasMax, 'a mining.configure fits the commas of a message');
  must(l.modestLinesPerSecond < l.linesPerSecondMax, 'a modest connection is below its limit');
  must(l.linesPerTurnAndConnectionMax <= l.linesPerTurnAndAddressMax, 'a connection gets no more than its address');
  must(l.linesPerTurnAndAddressMax * 4 <= l.linesPerTurnMax, 'no address takes more than a quarter of a turn');
  must(l.idlerTurnLines <= l.workerTurnLines, 'whoever works gets as much of a turn as whoever is idle');
  must(
    l.linesPerTurnMax + l.waitingLinesPerTurnMax <= l.sharesPerTurnMax,
    'the shares of the lines of a turn are hashed in it',
  );
  must(l.workerTurnLines * 4 <= l.waitingLinesPerTurnMax, 'several connections are taken up in a turn');
  must(l.lineBytesMax + l.waitingMessageBytes <= l.waitingMessageBytesMax, 'a message can wait for its turn');
  must(l.linesPerTurnAndAddressMax <= l.keptPerTurnAndAddressMax, 'what a turn handles of an address can also wait');
  must(l.sendQueueBytesMax * 64 <= l.waitingBytesMax, 'no slow reader takes more than a small part of what may wait');
  must(l.probationPoints < l.banPoints, 'probationPoints < banPoints');
  must(l.banPoints < l.presentBanPoints, 'banPoints < presentBanPoints');
  must(l.slowedMs < l.handshakeMsMax, 'a slowed connection has time for its handshake');
  must(l.lineBytesMax <= l.bytesPerSecondMax, 'a line fits the bytes of a second');
  must(l.httpConnectionsReserved < l.httpConnectionsMax, 'strangers have HTTP connections');
  must(l.httpConnectionsPerAddressMax * 8 <= l.httpConnectionsMax, 'no address takes more than an eighth of HTTP');
  must(
    l.httpWorkersPageCost * 2 <= l.httpRequestsPerAddressMax * l.httpBurstSeconds,
    'an address may ask for pages of workers',
  );
  must(l.historyMsMax < l.httpIdleMsMax, 'a connection outlives the wait for history');
  must(l.sqlQueriesMax * l.sqlHeldBytesMax <= l.httpUnsentBytesMax, 'what SQL holds back is less than may be unsent');
  must(l.poolAnswerMsMax < l.httpIdleMsMax, 'a connection outlives the wait for its answer');
  must(l.easySharesPerSessionMax <= l.easySharesPerAddressMax, 'easySharesPerSessionMax <= easySharesPerAddressMax');
  must(
    l.easySharesPerAddressMax * 8 <= l.easySharesPerGatewayMax,
    'no address takes more than an eighth of easy shares',
  );
}
