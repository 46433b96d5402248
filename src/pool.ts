import { availableParallelism, hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ANALYTICS_CONSUMER, analyticsAvailable, startAnalytics } from './analytics/analytics.ts';
import { ADMIN_SOCKET_FILE, AdminSocket } from './api/admin-socket.ts';
import { startApi } from './api/server.ts';
import { parseAddress } from './bitcoin/address.ts';
import { startGateways } from './cluster/gateways.ts';
import type { Config } from './config/config.ts';
import { clickhouseHref, rpcHref } from './config/href.ts';
import type { Job } from './domain/job.ts';
import type { BanControl, BitcoinNode, Clock, Logger } from './domain/ports.ts';
import type { Solution } from './domain/share.ts';
import type { BlockTemplate } from './domain/template.ts';
import { type Gateway, startGateway } from './gateway.ts';
import { createJobFactory } from './jobs/factory.ts';
import { JobStore } from './jobs/store.ts';
import { KernelInstance } from './kernel/instance.ts';
import { type KernelCode, loadKernel } from './kernel/kernel.ts';
import { KernelMemory } from './kernel/memory.ts';
import { assertLimits, limits } from './limits.ts';
import { openBanStore } from './net/ban-store.ts';
import { ranges } from './net/door-options.ts';
import { connectBitcoind } from './node/bitcoind.ts';
import { OutageWatch } from './node/outage.ts';
import { simulatedNode } from './node/simulated.ts';
import { createFindMiner, createStatus, type PoolParts, refreshGauges, unready } from './pool-view.ts';
import { Deliveries } from './sharelog/deliveries.ts';
import { gatewayJournal, POOL_JOURNAL } from './sharelog/journals.ts';
import { openShareLog, type ShareLog } from './sharelog/log.ts';
import { makeFolder } from './sharelog/make-folder.ts';
import { openOrphans } from './sharelog/orphans.ts';
import { mergeStatuses, type ShareLogStatus } from './sharelog/share-log.ts';
import { withSocketPath } from './sharelog/socket-path.ts';
import { createHashrateMeter } from './telemetry/hashrate.ts';
import { createMetrics, type Metrics } from './telemetry/metrics.ts';
import { BlockSubmitter } from './verify/blocks.ts';
import { foundBlock } from './verify/found-block.ts';

/** What the coinbase of this pool's blocks says. */
const COINBASE_TAG = '/Sluice/';
/** A node may be away for so long before its miners hear of it. */
const OUTAGE_GRACE_MS = 5000;
const OUTAGE_TICK_MS = 1000;
/** A block that is with the node as the pool stops gets this long. */
const SUBMIT_DRAIN_MS_MAX = 3000;
/** Between two tries to hand over a block of an earlier start. */
const RESUBMIT_MS = 10_000;

export interface PoolModules {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly version: string;
}

/** A running pool. */
export interface Pool {
  /** URLs as bound. */
  readonly endpoints: {
    readonly stratumTcp?: string;
    readonly stratumWebsocket?: string;
    readonly stratumTls?: string;
    readonly http: string;
  };
  /** Reads the TLS certificate again, where there is one. */
  reload(): void;
  /** Resolves after `close`; rejects where the pool can not go on. */
  readonly closed: Promise<void>;
  /** Stops accepting, commits, answers, closes. Safe to call twice. */
  close(): Promise<void>;
}

/** Starts a pool; resolves when all of it listens and there is work. Whatever was started is closed again where it fails. */
export async function startPool(config: Config, modules: PoolModules): Promise<Pool> {
  assertLimits();
  makeFolder(config.data);
  const running = new Running();
  try {
    return await start(config, modules, running);
  } catch (error) {
    await running.close();
    throw error;
  }
}

async function start(config: Config, modules: PoolModules, running: Running): Promise<Pool> {
  const { clock, logger, version } = modules;
  const metrics = createMetrics();
  const hashrate = createHashrateMeter({}, { clock });
  const code = loadKernel();

  const gateways = config.stratum.gateways === 0 ? availableParallelism() : config.stratum.gateways;

  const url = config.clickhouse && clickhouseHref(config.clickhouse);
  const consumers = analyticsAvailable(url) ? [ANALYTICS_CONSUMER] : [];
  const logOptions = { folder: config.data, node: hostname(), consumers };
  const committed = (ms: number): void => metrics.commit(ms);
  const log = await openShareLog(logOptions, { clock, logger, committed });
  running.onClose(() => log.close());
  const deliveries = new Deliveries();
  deliveries.listen(POOL_JOURNAL, (consumer, seq) => log.confirm(consumer, seq));
  const owned = [
    POOL_JOURNAL,
    ...Array.from({ length: gateways > 1 ? gateways : 0 }, (_, slot) => gatewayJournal(slot)),
  ];
  const orphans = await openOrphans({ ...logOptions, owned }, { clock, logger, deliveries });
  running.onClose(() => orphans.close());
  const analytics = await startAnalytics(
    { folder: config.data, ...(url !== undefined && { url }) },
    { clock, logger, delivered: (journal, seq) => deliveries.delivered(ANALYTICS_CONSUMER, journal, seq) },
  );
  running.onClose(() => analytics.close());

  const node = createNode(config, modules);
  running.onClose(() => node.close());
  const blocks = new BlockSubmitter(
    { openMax: limits.candidatesInFlightMax },
    {
      node,
      recorder: log,
      logger,
      observe: ({ hash, job, account }, outcome) => {
        metrics.block(outcome.status);
        const level = outcome.status === 'orphaned' ? 'debug' : outcome.status === 'accepted' ? 'info' : 'error';
        logger[level]({ hash, height: job.height, account, ...outcome }, `block ${outcome.status}`);
      },
    },
  );
  running.onClose(() => blocks.settled(SUBMIT_DRAIN_MS_MAX));
  const { enabled, allow, deny } = config.stratum.bans;
  const banStore = openBanStore(
    { folder: config.data, enabled, allow: ranges(allow), deny: ranges(deny), entriesMax: limits.bansMax },
    { clock, logger, banned: (ban) => gateway.evict(ban) },
  );
  running.onClose(() => banStore.close());
  const jobs = new JobStore({ jobsMax: limits.jobsMax });
  const solved = (solution: Solution): Promise<void> => {
    const job = jobs.find(solution.serial);
    if (job) blocks.found(foundBlock(job, solution));
    else logger.error({ serial: solution.serial }, 'a block solves a job that this pool does not know');
    return log.kept();
  };
  const gateway =
    gateways === 1
      ? await startGateway(
          { ...config, kernel: code, epoch: log.epoch, incarnation: 0, shared: false },
          {
            clock,
            logger,
            metrics,
            recorder: log,
            bans: banStore.bans,
            solved,
            observe: (share) => {
              metrics.share(share);
              if (share.verdict === 'accepted' && share.terms) hashrate.add(share.terms.difficulty);
            },
          },
        )
      : await startGateways(
          {
            count: gateways,
            folder: config.data,
            network: config.network,
            stratum: config.stratum,
            verify: config.verify,
            logLevel: config.log.level,
            epoch: log.epoch,
            node: logOptions.node,
            consumers,
          },
          {
            logger,
            metrics,
            bans: banStore.bans,
            deliveries,
            solved,
            worked: (difficulty) => hashrate.add(difficulty),
            fatal: (error) => running.fail(error),
          },
        );
  running.onClose(() => gateway.close());

  const banControl: BanControl = {
    list: () => banStore.bans.list(),
    add: (address, durationMs, reason) => banStore.bans.add(address, durationMs, reason),
    lift(address) {
      const lifted = banStore.bans.lift(address);
      if (lifted) gateway.pardon(address);
      return lifted;
    },
  };
  // The API comes before the node: a pool that waits for its node says so on /readyz.
  const logStatus = (): ShareLogStatus => mergeStatuses([log.status(), ...gateway.journals(), ...orphans.statuses()]);
  const parts: PoolParts = { log: { status: logStatus }, analytics, node, jobs, gateway };
  const status = createStatus(config, modules, parts, metrics, hashrate);
  metrics.onScrape(() => {
    refreshGauges(parts, metrics, clock);
    metrics.gauges.bans = banStore.bans.list().length;
  });
  const api = await startApi(config.http.listen, {
    logger,
    admin: { token: config.http.adminToken, bans: banControl },
    pool: status,
    miner: createFindMiner(config, gateway, logger),
    health: () => (logStatus().healthy ? [] : [`share log: ${logStatus().reason}`]),
    ready: () => unready(parts),
    metrics: () => metrics.text(),
  });
  running.onClose(async () => api.close());
  const adminSocket = new AdminSocket({ bans: banControl });
  await withSocketPath(config.data, ADMIN_SOCKET_FILE, (path) => adminSocket.listen(path));
  running.onClose(() => adminSocket.close());

  let latest: BlockTemplate | undefined;
  const announce = createAnnouncer(config, modules, { log, jobs, gateway, blocks, code, metrics });
  await node.start((template) => {
    latest = template;
    announce(template);
  });
  const outages = new OutageWatch(
    { graceMs: OUTAGE_GRACE_MS },
    {
      clock,
      status: () => node.status(),
      began(reason) {
        logger.error({ reason }, 'no Bitcoin node serves: work is paused');
        gateway.pause('The pool has no Bitcoin node at the moment: work is paused');
      },
      over() {
        logger.info({}, 'a Bitcoin node serves again');
        if (latest) announce(latest);
      },
    },
  );
  const outageTimer = setInterval(() => outages.tick(), OUTAGE_TICK_MS);
  running.onClose(async () => clearInterval(outageTimer));
  resubmit(log, node, logger, running).catch((err: unknown) => {
    logger.error({ err }, 'blocks of an earlier start could not be submitted again');
  });
  const endpoints = await gateway.listen();
  logger.info({ version, kernel: code.build, epoch: log.epoch }, 'pool started');
  return {
    endpoints: { ...endpoints, http: `http://${api.address}` },
    closed: running.closed,
    reload: () => gateway.reload(),
    close: () => running.close(),
  };
}

/** What has been started and how it ends: in the opposite order, each part even where another failed. */
class Running {
  readonly #closers: (() => Promise<void>)[] = [];
  #closing: Promise<void> | undefined;
  #settle: { resolve: () => void; reject: (error: Error) => void } = { resolve: () => {}, reject: () => {} };
  readonly closed = new Promise<void>((resolve, reject) => {
    this.#settle = { resolve, reject };
  });

  constructor() {
    // Whoever does not wait for it must not be ended by it.
    this.closed.catch(() => undefined);
  }

  get closing(): boolean {
    return this.#closing !== undefined;
  }

  onClose(close: () => Promise<void>): void {
    this.#closers.unshift(close);
  }

  fail(error: Error): void {
    this.#settle.reject(error);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const errors: unknown[] = [];
    for (const close of this.#closers) await close().catch((error: unknown) => errors.push(error));
    this.#settle.resolve();
    if (errors.length > 0) throw new AggregateError(errors, 'the pool closed with errors');
  }
}

function createNode(config: Config, { clock, logger }: PoolModules): BitcoinNode {
  const { node, network } = config;
  if (node.kind === 'simulated') {
    const file = join(config.data, 'simulated-chain.json');
    const { blockDifficulty, transactions, refreshMs } = node;
    return simulatedNode(
      {
        network,
        blockDifficulty,
        transactionsPerBlock: transactions,
        transactionsMax: transactions,
        refreshMs,
        file,
      },
      { clock, logger, random: Math.random },
    );
  }
  const cookie = node.endpoints
    .map(({ login }) => ('cookie' in login ? login.cookie : undefined))
    .find((path) => path !== undefined);
  return connectBitcoind(
    { rpc: node.endpoints.map(rpcHref), cookie, zmq: node.zmq, network, refreshMs: node.refreshMs },
    { clock, logger },
  );
}

/** What a new template sets going: a job, its row in the log, and the notify to every miner. */
function createAnnouncer(
  config: Config,
  { clock, logger }: PoolModules,
  to: { log: ShareLog; jobs: JobStore; gateway: Gateway; blocks: BlockSubmitter; code: KernelCode; metrics: Metrics },
): (template: BlockTemplate) => void {
  const payout = parseAddress(config.payout.address, config.network);
  if (!payout.ok) throw new Error(`payout.address: ${payout.reason}`);
  const merkle = new KernelInstance(to.code, new KernelMemory());
  const factory = createJobFactory(
    { epoch: to.log.epoch, payoutScript: payout.script, tag: COINBASE_TAG },
    { clock, merkleBranch: (txids) => merkle.merkleBranch(txids) },
  );
  return (template) => {
    let job: Job;
    try {
      job = factory.build(template);
    } catch (error) {
      logger.error({ err: error, height: template.height }, 'no job could be made of a template');
      return;
    }
    to.jobs.add(job);
    to.log.job(job);
    const recorded = new Promise<void>((resolve) => to.log.commit(resolve));
    to.gateway.announce(job, recorded);
    to.metrics.counters.jobs += 1;
    if (job.cleanJobs) to.metrics.counters.cleanJobs += 1;
    to.blocks.retry();
    logger.debug({ job: job.id, height: job.height, transactions: template.transactions.length }, 'job announced');
  };
}

/** Block candidates whose outcome was lost when the pool last stopped: the node is asked again. */
async function resubmit(log: ShareLog, node: BitcoinNode, logger: Logger, running: Running): Promise<void> {
  for (const candidate of log.unresolved) {
    let outcome = await node.submitBlock(candidate.block);
    while (outcome.status === 'unknown' && !running.closing) {
      await delay(RESUBMIT_MS, undefined, { ref: false });
      outcome = await node.submitBlock(candidate.block);
    }
    // What is not known stays in the log for the next start.
    if (running.closing) return;
    log.resolved(candidate, outcome);
    logger.info(
      { hash: candidate.hash, height: candidate.height, ...outcome },
      'block of an earlier start submitted again',
    );
  }
  log.commit(() => {});
}
