import type { Config } from '#base/config/config';
import { Containment } from '#base/domain/contain';
import type { Clock, Logger } from '#base/domain/ports';
import { assertLimits, limits } from '#base/limits';
import { createMetrics } from '#base/telemetry/metrics';
import { WorkRate } from '#base/telemetry/work-rate';
import { loadKernel } from '#shares/kernel/kernel';
import { mergeStatuses, type ShareLogStatus } from '#shares/sharelog/share-log';
import { JobStore } from '#work/jobs/store';
import { createAnnouncer } from './announcer.ts';
import { PoolBans } from './bans.ts';
import { createBlockSubmitter, createSolved, resubmitBlocks } from './blocks.ts';
import { openDataFolder } from './data-folder.ts';
import { gatewayCount, openGateway } from './gateway.ts';
import { openHttp } from './http.ts';
import { openLog } from './log.ts';
import { createNode } from './node.ts';
import { Running } from './running.ts';
import { type PoolParts, unready } from './view.ts';
import { Work } from './work.ts';

const WORK_TICK_MS = 1000;
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
  /** Resolves after `close`; rejects where the pool can not go on. */
  readonly closed: Promise<void>;
  /** Stops accepting, commits, answers, closes. Safe to call twice. */
  close(): Promise<void>;
}

/** Starts a pool; resolves when all of it listens and there is work. Whatever was started is closed again where it fails. */
export async function startPool(config: Config, modules: PoolModules): Promise<Pool> {
  assertLimits();
  openDataFolder(config.data, modules.logger);
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
  const contain = new Containment({ logger, counted: () => void metrics.counts.gateway.containedErrors++ });
  const hashrate = new WorkRate(clock.monotonicMs());
  const code = loadKernel();
  const committed = (ms: number): void => metrics.commit(ms);
  const opened = await openLog(config, gatewayCount(config), { clock, logger, committed }, running);
  const { log, analytics } = opened;
  const node = createNode(config, modules);
  running.onClose(() => node.close());
  const blocks = createBlockSubmitter({ clock, node, log, logger }, metrics);
  running.onClose(() => blocks.settled(SUBMIT_DRAIN_MS_MAX));
  metrics.onScrape(() => {
    metrics.queues.blocks = blocks.queue;
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
    solved: createSolved(blocks, jobs, { log, logger }),
    wantsJob: () => work?.renew(),
    // Whole milliseconds: a rate that fades between any two shares would cost each of them three exponentials.
    worked: (difficulty) => hashrate.add(difficulty, Math.floor(clock.monotonicMs())),
  });
  running.onClose(() => gateway.close());
  bans.tell({ ban: (ban) => gateway.evict(ban), pardon: (address) => gateway.pardon(address) });
  const logStatus = (): ShareLogStatus => mergeStatuses([log.status(), ...gateway.journals(), ...opened.orphans()]);
  const parts: PoolParts = { log: { status: logStatus }, analytics, node, jobs, gateway };
  // Before the node: a pool that waits for its node says so on /readyz.
  const http = await openHttp(config, { ...modules, parts, metrics, hashrate, bans }, running);

  const announce = createAnnouncer(config, { clock, logger, log, jobs, gateway, blocks, code, metrics });
  const { outageGraceMs } = config.stratum;
  const begun = new Work({ outageGraceMs }, { clock, logger, gateway, announce, causes: () => unready(parts) });
  await node.start((template) => begun.template(template));
  work = begun;
  const workTimer = setInterval(() => contain.attempt('the work', () => begun.tick()), WORK_TICK_MS);
  running.onClose(async () => clearInterval(workTimer));
  resubmitBlocks({ node, log, logger, jobs }, () => running.closing).catch((err: unknown) => {
    logger.error({ err }, 'blocks of an earlier start could not be submitted again');
  });
  const endpoints = await gateway.listen();
  logger.info({ version, kernel: code.build, epoch: log.epoch }, 'pool started');
  return {
    endpoints: { ...endpoints, http: `http://${http.address}` },
    closed: running.closed,
    reload: () => gateway.reload(),
    close: () => running.close(),
  };
}
