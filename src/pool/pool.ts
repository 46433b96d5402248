import { availableParallelism } from 'node:os';
import type { Config } from '#base/config/config';
import { Containment } from '#base/domain/contain';
import type { Ban, BanControl, Clock, Logger } from '#base/domain/ports';
import { assertLimits, limits } from '#base/limits';
import { createMetrics } from '#base/telemetry/metrics';
import { WorkRate } from '#base/telemetry/work-rate';
import { startGateways } from '#cluster/gateways';
import { openBanStore } from '#front/net/door/ban-store';
import { banOptions } from '#front/net/door/door-options';
import { startGateway } from '#gateway/gateway';
import { loadKernel } from '#shares/kernel/kernel';
import { withSocketPath } from '#shares/sharelog/journal/socket-path';
import { mergeStatuses, type ShareLogStatus } from '#shares/sharelog/share-log';
import { answerAdmin } from '#show/api/admin';
import { ADMIN_SOCKET_FILE, AdminSocket } from '#show/api/admin-socket';
import { TokenGuard } from '#show/api/admin-token';
import { type Api, startApi } from '#show/api/api';
import { JobStore } from '#work/jobs/store';
import { createAnnouncer } from './announcer.ts';
import { createBlockSubmitter, createSolved, resubmitBlocks } from './blocks.ts';
import { openDataFolder } from './data-folder.ts';
import { openLog } from './log.ts';
import { createNode } from './node.ts';
import { Running } from './running.ts';
import { createFindMiner, createStatus, type PoolParts, refreshGauges, unready } from './view.ts';
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
  const worked = (difficulty: number): void => hashrate.add(difficulty, Math.floor(clock.monotonicMs()));
  const code = loadKernel();

  const gateways = config.stratum.gateways === 0 ? availableParallelism() : config.stratum.gateways;
  const committed = (ms: number): void => metrics.commit(ms);
  const { log, analytics, deliveries, journals, orphans } = await openLog(
    config,
    gateways,
    { clock, logger, committed },
    running,
  );

  const node = createNode(config, modules);
  running.onClose(() => node.close());
  const blocks = createBlockSubmitter({ clock, node, log, logger }, metrics);
  running.onClose(() => blocks.settled(SUBMIT_DRAIN_MS_MAX));
  const { allow, deny } = config.stratum.bans;
  const banStore = openBanStore(
    { folder: config.data, ...banOptions(config.stratum.bans) },
    { clock, logger, banned: (ban) => evict(ban) },
  );
  running.onClose(() => banStore.close());
  const jobs = new JobStore({ jobsMax: limits.jobsMax });
  /** Makes another job of the latest template. Does nothing before the first template. */
  let renew = (): void => {};
  const solved = createSolved(blocks, jobs, { log, logger });
  const gateway =
    gateways === 1
      ? await startGateway(
          { ...config, kernel: code, epoch: log.epoch, incarnation: 0, shared: false },
          {
            clock,
            contain,
            logger,
            metrics,
            recorder: log,
            bans: banStore.bans,
            solved,
            wantsJob: () => renew(),
            observe: (share) => {
              metrics.share(share);
              if (share.verdict === 'accepted' && share.terms) worked(share.terms.difficulty);
            },
          },
        )
      : await startGateways(
          {
            ...journals,
            count: gateways,
            network: config.network,
            stratum: config.stratum,
            verify: config.verify,
            logLevel: config.log.level,
            epoch: log.epoch,
          },
          {
            contain,
            logger,
            metrics,
            bans: banStore.bans,
            deliveries,
            solved,
            wantsJob: () => renew(),
            worked,
            fatal: (error) => running.fail(error),
          },
        );
  running.onClose(() => gateway.close());
  let api: Api | undefined;
  function evict(ban: Ban): void {
    gateway.evict(ban);
    api?.ban(ban);
  }

  const banControl: BanControl = {
    list: () => banStore.bans.list(),
    add: (address, durationMs, reason) => banStore.bans.add(address, durationMs, reason),
    lift(address) {
      const lifted = banStore.bans.lift(address);
      if (lifted) {
        gateway.pardon(address);
        api?.pardon(address);
      }
      return lifted;
    },
  };
  // The API comes before the node: a pool that waits for its node says so on /readyz.
  const logStatus = (): ShareLogStatus => mergeStatuses([log.status(), ...gateway.journals(), ...orphans()]);
  const parts: PoolParts = { log: { status: logStatus }, analytics, node, jobs, gateway };
  const status = createStatus(config, modules, parts, metrics, hashrate);
  metrics.onScrape(() => {
    refreshGauges(parts, metrics, clock);
    metrics.queues.blocks = blocks.queue;
    metrics.gauges.bans = banStore.bans.list().length;
    if (api === undefined) return;
    const http = api.counts();
    metrics.take({ http });
    metrics.queues.http = http.waiting;
  });
  const { adminToken } = config.http;
  const guard = adminToken === undefined ? undefined : new TokenGuard(adminToken, () => clock.monotonicMs());
  const http = await startApi(
    { ...config.http.listen, allow, deny },
    {
      logger,
      bans: () => banStore.bans.list(),
      pool: status,
      miner: createFindMiner(config, gateway, logger),
      ready: () => unready(parts),
      metrics: () => metrics.text(),
      admin: (request) => answerAdmin(request, { bans: banControl }, guard),
    },
  );
  api = http;
  running.onClose(() => http.close());
  const adminSocket = new AdminSocket({ bans: banControl });
  await withSocketPath(config.data, ADMIN_SOCKET_FILE, (path) => adminSocket.listen(path));
  running.onClose(() => adminSocket.close());

  const announce = createAnnouncer(config, { clock, logger, log, jobs, gateway, blocks, code, metrics });
  const { outageGraceMs } = config.stratum;
  const work = new Work({ outageGraceMs }, { clock, logger, gateway, announce, causes: () => unready(parts) });
  await node.start((template) => work.template(template));
  renew = () => work.renew();
  const workTimer = setInterval(() => contain.attempt('the work', () => work.tick()), WORK_TICK_MS);
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
