import type { Analytics } from './analytics/analytics.ts';
import type { PoolStatus } from './api/status.ts';
import type { Config } from './config/config.ts';
import type { BitcoinNode, Clock } from './domain/ports.ts';
import type { Gateway } from './gateway.ts';
import type { JobStore } from './jobs/store.ts';
import type { ShareLog } from './sharelog/log.ts';
import type { HashrateMeter } from './telemetry/hashrate.ts';
import type { Metrics } from './telemetry/metrics.ts';

/** What is running, as far as it shows. */
export interface PoolParts {
  readonly log: ShareLog;
  readonly analytics: Analytics;
  readonly node: BitcoinNode;
  readonly jobs: JobStore;
  readonly gateway: Gateway;
}

/** What `/api/v1/pool` says. */
export function createStatus(
  config: Config,
  { clock, version }: { readonly clock: Clock; readonly version: string },
  { jobs, gateway }: PoolParts,
  metrics: Metrics,
  hashrate: HashrateMeter,
): () => PoolStatus {
  const startedMs = clock.monotonicMs();
  return () => {
    const job = jobs.current;
    const { sessions, workers } = gateway.status();
    const { accepted, ...rejected } = metrics.shares();
    return {
      name: 'sluice',
      version,
      network: config.network,
      uptimeSeconds: Math.floor((clock.monotonicMs() - startedMs) / 1000),
      connections: metrics.connections(),
      sessions,
      workers,
      hashrate: {
        '1m': hashrate.perSecond(60_000),
        '10m': hashrate.perSecond(600_000),
        '1h': hashrate.perSecond(3_600_000),
      },
      job: job
        ? {
            id: job.id,
            height: job.height,
            networkDifficulty: job.networkDifficulty,
            transactions: job.template.transactions.length,
            ageSeconds: (clock.nowMs() - job.createdMs) / 1000,
          }
        : null,
      shares: { accepted, rejected },
      blocks: metrics.blocks(),
    };
  };
}

/** Why miners should not be sent here. Analytics that lag are none: shares are taken and kept. */
export function unready({ node, log }: PoolParts): string[] {
  const reasons: string[] = [];
  const nodeStatus = node.status();
  const logStatus = log.status();
  if (!nodeStatus.ready) reasons.push(`node: ${nodeStatus.reason}`);
  if (!logStatus.healthy) reasons.push(`share log: ${logStatus.reason}`);
  return reasons;
}

/** Writes what is counted elsewhere into the gauges and counters, before a scrape. */
export function refreshGauges(
  { log, analytics, node, jobs, gateway }: PoolParts,
  { gauges, counters }: Metrics,
  clock: Clock,
): void {
  const job = jobs.current;
  const { sessions, workers, sharesInFlight, door, ...refused } = gateway.status();
  const logStatus = log.status();
  const analyticsStatus = analytics.status();
  gauges.sessions = sessions;
  gauges.workers = workers;
  gauges.sharesInFlight = sharesInFlight;
  gauges.jobHeight = job?.height ?? 0;
  gauges.jobAgeSeconds = job ? (clock.nowMs() - job.createdMs) / 1000 : 0;
  gauges.jobTransactions = job?.template.transactions.length ?? 0;
  gauges.networkDifficulty = job?.networkDifficulty ?? 0;
  gauges.nodeReady = node.status().ready ? 1 : 0;
  gauges.shareLogDepthRows = logStatus.pendingRows;
  gauges.shareLogBytes = logStatus.keptBytes;
  gauges.analyticsLagRows = analyticsStatus.lagRows;
  gauges.analyticsReady = analyticsStatus.healthy ? 1 : 0;
  counters.connectionsRefused = refused.connectionsRefused;
  counters.connectionsBanned = door.banned;
  counters.connectionsOverLimit = door.limited;
  counters.connectionsEvicted = door.evicted + door.misbehaved;
  counters.sessionsShed = door.shed;
  counters.protocolErrors = refused.protocolErrors;
  counters.analyticsRows = analyticsStatus.shippedRows;
}
