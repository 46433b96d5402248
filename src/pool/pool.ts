import { availableParallelism } from 'node:os';
import type { Config } from '#base/config/config';
import { Containment } from '#base/domain/contain';
import type { Ban, BanControl, Clock, Logger } from '#base/domain/ports';
import { assertLimits, limits } from '#base/limits';
import { createHashrateMeter } from '#base/telemetry/hashrate';
import { createMetrics } from '#base/telemetry/metrics';
import { startGateways } from '#cluster/gateways';
import { openBanStore } from '#front/net/door/ban-store';
import { ranges } from '#front/net/door/door-options';
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
import { createBlocks, createSolved } from './blocks.ts';
import { openDataFolder } from './data-folder.ts';
import { openLog } from './log.ts';
import { createNode } from './node.ts';
import { Running } from './running.ts';
import { HeldDescriptors } from './spare-descriptors.ts';
import { createFindMiner, createStatus, type PoolParts, refreshGauges, refreshHttpCounters, unready } from './view.ts';
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
  const contain = new Containment({ logger, counted: () => void metrics.counters.containedErrors++ });
  const hashrate = createHashrateMeter({}, { clock });
  const code = loadKernel();
  // Before anything else is opened, so that their numbers are low.
  const spare = new HeldDescriptors({ logger });
  const spareTimer = setInterval(() => spare.refill(), SPARE_REFILL_MS);
  running.onClose(async () => {
    clearInterval(spareTimer);
    spare.close();
  });

  const gateways = config.stratum.gateways === 0 ? availableParallelism() : config.stratum.gateways;
  const committed = (ms: number): void => metrics.commit(ms);
  const { log, analytics, deliveries, journals, orphans } = await openLog(
    config,
    gateways,
    { clock, logger, spare, committed },
    running,
  );

  const node = createNode(config, { clock, contain, logger, spare });
  running.onClose(() => node.close());
  const blocks = createBlocks({ clock, node, log, logger }, metrics);
  running.onClose(async () => blocks.follower.close());
  running.onClose(() => blocks.submitter.settled(SUBMIT_DRAIN_MS_MAX));
  const { enabled, allow, deny } = config.stratum.bans;
  const banStore = openBanStore(
    { folder: config.data, enabled, allow: ranges(allow), deny: ranges(deny), entriesMax: limits.bansMax },
    { clock, logger, banned: (ban) => evict(ban) },
  );
  running.onClose(() => banStore.close());
  const jobs = new JobStore({ jobsMax: limits.jobsMax });
  /** Makes another job of the latest template. Does nothing before the first template. */
  let renew = (): void => {};
  const solved = createSolved(blocks.submitter, jobs, { log, logger });
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
              if (share.verdict === 'accepted' && share.terms) hashrate.add(share.terms.difficulty);
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
            worked: (difficulty) => hashrate.add(difficulty),
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
  const logStatus = (): ShareLogStatus => mergeStatuses([log.status(), ...gateway.journals(), ...orphans.statuses()]);
  const parts: PoolParts = { log: { status: logStatus }, analytics, node, jobs, gateway };
  const status = createStatus(config, modules, parts, metrics, hashrate);
  metrics.onScrape(() => {
    refreshGauges(parts, metrics, clock);
    metrics.gauges.spareDescriptors = spare.held;
    metrics.gauges.bans = banStore.bans.list().length;
    if (api !== undefined) refreshHttpCounters(api.counts(), metrics);
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

  const announce = createAnnouncer(config, {
    ...{ clock, logger, log, jobs, gateway, blocks, code, metrics },
    // A gateway's journal has its shares.
    shareless: gateways === 1 ? [orphans] : [orphans, log],
  });
  const { outageGraceMs } = config.stratum;
  const work = new Work({ outageGraceMs }, { clock, logger, gateway, announce, causes: () => unready(parts) });
  await node.start((template) => work.template(template));
  renew = () => work.renew();
  const workTimer = setInterval(() => {
    contain.attempt('the work', () => work.tick());
    contain.attempt('the blocks', () => blocks.follower.tick());
  }, WORK_TICK_MS);
  running.onClose(async () => clearInterval(workTimer));
  const endpoints = await gateway.listen();
  logger.info({ version, kernel: code.build, epoch: log.epoch }, 'pool started');
  return {
    endpoints: { ...endpoints, http: `http://${http.address}` },
    closed: running.closed,
    reload: () => gateway.reload(),
    close: () => running.close(),
  };
}
