import type { Config } from '#base/config/config';
import { chainMethods } from '#base/domain/chain';
import { Containment } from '#base/domain/contain';
import type { EventHappening } from '#base/domain/happening';
import type { Clock, Logger } from '#base/domain/ports';
import { assertLimits, limits } from '#base/limits';
import { createMetrics } from '#base/telemetry/metrics';
import { WorkRate } from '#base/telemetry/work-rate';
import { WALLET_METHODS } from '#books/ledger/payouts/remote-wallet';
import type { OfferedPort } from '#books/ledger/questions';
import type { PinnedWindow } from '#books/ledger/window-part';
import { loadKernel } from '#shares/kernel/kernel';
import { mergeStatuses, type ShareLogStatus } from '#shares/sharelog/share-log';
import { JobStore } from '#work/jobs/store';
import { createAnnouncer } from './announcer.ts';
import { PoolBans } from './bans.ts';
import { createBlocks, createSolved } from './blocks.ts';
import { openDataFolder } from './data-folder.ts';
import { gatewayCount, openGateway } from './gateway.ts';
import { openHttp } from './http.ts';
import { openLog } from './log.ts';
import { createNode, withOwnWallet } from './node.ts';
import { directPayouts } from './payout-terms.ts';
import { Running } from './running.ts';
import { HeldDescriptors } from './spare-descriptors.ts';
import { type PoolParts, unready } from './view.ts';
import { Work } from './work.ts';

const WORK_TICK_MS = 1000;
/** Between two tries to take again the descriptors that were given up. */
const SPARE_REFILL_MS = 1000;
/** A block that is with the node as the pool stops gets this long. */
const SUBMIT_DRAIN_MS_MAX = 1500;

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
  /** Stops accepting, commits, answers, closes. Safe to call twice. */
  close(): Promise<void>;
}

/** Starts a pool; resolves when all parts listen and there is work. If a part fails, the parts already started are closed. */
export async function startPool(config: Config, modules: PoolModules): Promise<Pool> {
  assertLimits();
  openDataFolder(config.data, modules.logger);
  const running = new Running();
  try {
    return await start(withOwnWallet(config), modules, running);
  } catch (error) {
    await running.close();
    throw error;
  }
}

async function start(config: Config, modules: PoolModules, running: Running): Promise<Pool> {
  const { clock, logger, version } = modules;
  const metrics = createMetrics();
  const contain = new Containment({ logger, counted: () => void metrics.counts.gateway.containedErrors++ });
  const hashrate = new WorkRate(clock.monotonicMs());
  const code = loadKernel();
  // Taken first, so that their descriptor numbers are low.
  const spare = holdDescriptors(logger, running);
  const committed = (ms: number): void => metrics.commit(ms);
  const direct = directPayouts(config);
  const window = (pinned: PinnedWindow): void => direct?.hear(pinned);
  const ports = new Map<string, OfferedPort>();
  const opened = await openLog(
    config,
    gatewayCount(config),
    { clock, logger, spare, committed, window, ports },
    running,
  );
  const { log, analytics, ledger } = opened;
  const tell = (kind: EventHappening['kind'], subject: string, detail: string): void =>
    analytics.tell({ table: 'events', timeMs: clock.nowMs(), kind, subject, detail, count: 1 });
  const { node, wallet } = createNode(config, { clock, contain, logger, spare });
  running.onClose('the node', () => node.close());
  ports.set('chain', { target: node.chain, methods: chainMethods });
  if (wallet !== undefined) ports.set('wallet', { target: wallet, methods: WALLET_METHODS });
  const blocks = createBlocks({ maturity: config.payout.maturity }, { clock, contain, node, log, logger }, metrics);
  running.onClose('the blocks', async () => blocks.follower.close());
  running.onClose('the submission of blocks', () => blocks.submitter.settled(SUBMIT_DRAIN_MS_MAX));
  metrics.onScrape(() => {
    metrics.queues.blocks = blocks.submitter.queue;
    metrics.gauges.spareDescriptors = spare.held;
    metrics.gauges.jobDirectRatio = direct?.ratio ?? 0;
  });
  const bans = new PoolBans(config, { clock, logger }, running);
  const jobs = new JobStore({ jobsMax: limits.jobsMax });
  /** Undefined before there is work. */
  let work: Work | undefined;
  const gateway = await openGateway(config, {
    clock,
    contain,
    logger,
    metrics,
    code,
    opened,
    bans: bans.book,
    solved: createSolved(blocks.submitter, jobs, { log, logger }),
    wantsJob: () => work?.renew(),
    // Whole milliseconds: a rate that fades between any two shares would cost each of them three exponentials.
    worked: (difficulty) => hashrate.add(difficulty, Math.floor(clock.monotonicMs())),
  });
  running.onClose('the gateways', () => gateway.close());
  bans.tell({ ban: (ban) => gateway.evict(ban), pardon: (address) => gateway.pardon(address) });
  bans.tell({
    ban: ({ address, reason }) => tell('ban', address, reason),
    pardon: (address) => tell('unban', address, ''),
  });
  const logStatus = (): ShareLogStatus =>
    mergeStatuses([log.status(), ...gateway.journals(), ...opened.orphans.statuses()]);
  const parts: PoolParts = { log: { status: logStatus }, analytics, ledger, node, jobs, gateway };
  // Before the node: a pool that waits for its node says so on /readyz.
  const http = await openHttp(
    config,
    { ...modules, parts, metrics, hashrate, bans, logHold: opened.deliveries },
    running,
  );

  const announce = createAnnouncer(config, {
    ...{ clock, logger, log, jobs, gateway, blocks, code, metrics, direct },
    tell: (template) => analytics.tell(template),
    // A gateway's journal has its shares.
    shareless: gatewayCount(config) === 1 ? [opened.orphans] : [opened.orphans, log],
  });
  const { outageGraceMs } = config.stratum;
  const begun = new Work(
    { outageGraceMs },
    { clock, logger, gateway, announce, causes: () => unready(parts), tell: (kind, why) => tell(kind, 'work', why) },
  );
  await node.start((template) => begun.template(template));
  work = begun;
  const workTimer = setInterval(() => {
    contain.attempt('the work', () => begun.tick());
    contain.attempt('the blocks', () => blocks.follower.tick());
  }, WORK_TICK_MS);
  running.onClose('the work', async () => clearInterval(workTimer));
  const endpoints = await gateway.listen();
  logger.info({ version, kernel: code.build, epoch: log.epoch }, 'pool started');
  tell('start', version, code.build);
  running.onClose('the event of the stop', async () => tell('stop', version, ''));
  return {
    endpoints: { ...endpoints, http: `http://${http.address}` },
    reload: () => gateway.reload(),
    close: () => running.close(),
  };
}

/** Those that are given up for a block or a node are taken again as soon as there are others. */
function holdDescriptors(logger: Logger, running: Running): HeldDescriptors {
  const spare = new HeldDescriptors({ logger });
  const timer = setInterval(() => spare.refill(), SPARE_REFILL_MS);
  running.onClose('the spare descriptors', async () => {
    clearInterval(timer);
    spare.close();
  });
  return spare;
}
