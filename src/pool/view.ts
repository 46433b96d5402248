import { parseAddress } from '#base/bitcoin/address';
import type { Config } from '#base/config/config';
import type { BitcoinNode, Clock, Logger } from '#base/domain/ports';
import { shownCounts } from '#base/telemetry/counters';
import type { Metrics } from '#base/telemetry/metrics';
import type { WorkRate } from '#base/telemetry/work-rate';
import type { Analytics, AnalyticsStatus } from '#books/analytics/analytics';
import type { Ledger } from '#books/ledger/ledger';
import type { Gateway } from '#gateway/gateway';
import type { ShareLog, ShareLogStatus } from '#shares/sharelog/log';
import type { FindMiner } from '#show/api/miners';
import type { PoolStatus } from '#show/api/status';
import type { JobStore } from '#work/jobs/store';

/** The running parts, as far as status and readiness need them. */
export interface PoolParts {
  readonly log: Pick<ShareLog, 'status'>;
  readonly analytics: Analytics;
  readonly ledger: Pick<Ledger, 'status'>;
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
  hashrate: WorkRate,
): () => PoolStatus {
  const startedMs = clock.monotonicMs();
  return () => {
    const job = jobs.current;
    const front = gateway.status();
    const { accepted, ...rejected } = metrics.shares();
    const { minute, tenMinutes, hour } = hashrate.hashrates(clock.monotonicMs());
    return {
      name: 'sluice',
      version,
      network: config.network,
      uptimeSeconds: Math.floor((clock.monotonicMs() - startedMs) / 1000),
      connections: metrics.connections(),
      sessions: front.sessions,
      workers: front.workers,
      hashrate: { '1m': minute, '10m': tenMinutes, '1h': hour },
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
      stratum: shownCounts(front),
    };
  };
}

/** The account of `/api/v1/miners/…`: an address in any spelling, or any name if authorization is open. */
export function createFindMiner({ network, stratum }: Config, gateway: Gateway, logger: Logger): FindMiner {
  /** Whether the last look-up failed: a fault that lasts is two lines of log, however many ask. */
  let failing = false;
  return async (text, page) => {
    let account = text;
    if (stratum.authorization !== 'open') {
      const parsed = parseAddress(text, network);
      if (!parsed.ok) return { kind: 'no-address', reason: `this is no payable address: ${parsed.reason}` };
      account = parsed.address;
    }
    try {
      const view = await gateway.miner({ account, ...page });
      if (failing) logger.info({}, 'miners can be looked up again');
      failing = false;
      return view === undefined ? { kind: 'nobody' } : { kind: 'found', view };
    } catch (err) {
      if (!failing) logger.warn({ err }, 'miners can not be looked up');
      failing = true;
      return { kind: 'unavailable', reason: 'not all gateways answer' };
    }
  };
}

/** Why miners should not be sent here. Analytics that lag are none: shares are taken and kept. */
export function unready({ node, log, gateway }: PoolParts): string[] {
  const reasons: string[] = [];
  const nodeStatus = node.status();
  const logStatus = log.status();
  if (!nodeStatus.ready) reasons.push(`node: ${nodeStatus.reason}`);
  if (!logStatus.healthy) reasons.push(`share log: ${logStatus.reason}`);
  if (gateway.status().seen.full > 0) reasons.push('duplicates: no room to remember more shares of the current job');
  return reasons;
}

/** What does not keep miners away, and an operator should see to. */
export function noted({ ledger, log }: PoolParts): string[] {
  const { healthy, reason } = ledger.status();
  const { alarm } = log.status();
  return [...(healthy ? [] : [`ledger: ${reason}`]), ...(alarm === undefined ? [] : [`share log: ${alarm}`])];
}

/** The lag by the log if the child is silent. Right after a start this is too much, because the log does not know the child's progress yet. */
function lagRows({ mode, reporting, lagRows: reported }: AnalyticsStatus, { keptRows }: ShareLogStatus): number {
  if (mode === 'off') return 0;
  return reporting ? reported : keptRows;
}

/** Copies counters from other parts into the metrics, before a scrape. */
export function refreshGauges(
  { log, analytics, ledger, node, jobs, gateway }: PoolParts,
  { gauges, queues, take }: Metrics,
  clock: Clock,
): void {
  const job = jobs.current;
  const { sessions, workers, sharesInFlight, seen, door, listeners, session, passwords } = gateway.status();
  const logStatus = log.status();
  const analyticsStatus = analytics.status();
  gauges.sessions = sessions;
  gauges.workers = workers;
  gauges.sharesInFlight = sharesInFlight;
  gauges.seenHeaders = seen.headers;
  gauges.seenFull = seen.full > 0 ? 1 : 0;
  gauges.jobHeight = job?.height ?? 0;
  gauges.jobAgeSeconds = job ? (clock.nowMs() - job.createdMs) / 1000 : 0;
  gauges.jobTransactions = job?.template.transactions.length ?? 0;
  gauges.networkDifficulty = job?.networkDifficulty ?? 0;
  gauges.nodeReady = node.status().ready ? 1 : 0;
  const watch = node.watched();
  gauges.nodeClockOffsetSeconds = watch.clockOffsetSeconds;
  gauges.nodeSignalsConfigured = watch.signalsConfigured;
  gauges.nodeSignalsConnected = watch.signalsConnected;
  gauges.shareLogDepthRows = logStatus.pendingRows;
  gauges.shareLogBytes = logStatus.keptBytes;
  gauges.shareLogAlarm = logStatus.alarm === undefined ? 0 : 1;
  gauges.analyticsLagRows = lagRows(analyticsStatus, logStatus);
  gauges.analyticsMissingRows = analyticsStatus.missingRows;
  gauges.analyticsReady = analyticsStatus.healthy ? 1 : 0;
  const ledgerStatus = ledger.status();
  gauges.ledgerLagRows = ledgerStatus.reporting ? ledgerStatus.lagRows : logStatus.keptRows;
  gauges.ledgerLagSeconds = ledgerStatus.lagMs / 1000;
  gauges.ledgerSealedSerial = ledgerStatus.sealedSerial;
  gauges.ledgerFaults = ledgerStatus.faults;
  gauges.ledgerDirectRatio = ledgerStatus.directRatio;
  gauges.ledgerReady = ledgerStatus.healthy ? 1 : 0;
  queues['node-calls'] = watch.calls;
  queues['node-urgent-calls'] = watch.urgentCalls;
  queues.passwords = passwords;
  queues.sql = analyticsStatus.queries;
  take({
    listeners,
    door,
    session,
    seen,
    node: watch,
    log: logStatus,
    analytics: analyticsStatus,
    ledger: ledgerStatus,
  });
}
