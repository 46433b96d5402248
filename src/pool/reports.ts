import { toDisplayHash, toHex } from '#base/bitcoin/bytes';
import type { Analytics } from '#books/analytics/analytics';
import type { HealthReport, HealthStatus, PartHealth } from '#show/api/health-report';
import type { JobReport } from '#show/api/job-report';
import type { JobStore } from '#work/jobs/store';
import { lagRows, type PoolParts } from './view.ts';

/** The current job, for HTTP; null before the first template. Built once a job: its transactions are thousands. */
export function createJobReport(jobs: JobStore): () => JobReport | null {
  let last: JobReport | null = null;
  return () => {
    const job = jobs.current;
    if (job === undefined) return null;
    if (last?.rowId === job.rowId) return last;
    const { transactions, weight } = job.template;
    last = {
      id: job.id,
      rowId: job.rowId,
      height: job.height,
      createdMs: job.createdMs,
      cleanJobs: job.cleanJobs,
      previousHash: toDisplayHash(job.previousHash),
      version: job.version.toString(16).padStart(8, '0'),
      bits: job.bits.toString(16).padStart(8, '0'),
      networkDifficulty: job.networkDifficulty,
      minTime: job.minTime,
      curTime: job.curTime,
      rewardSats: String(job.rewardSats),
      coinb1: toHex(job.coinb1),
      coinb2: toHex(job.coinb2),
      merkleBranch: job.merkleBranch.map(toHex),
      transactions: transactions.length,
      transactionsBytes: transactions.reduce((sum, { data }) => sum + data.length, 0),
      weight: weight ?? null,
    };
    return last;
  };
}

/** How each part of the pool is. */
export function healthReport(parts: PoolParts): HealthReport {
  const shown = {
    node: nodeHealth(parts),
    'share-log': logHealth(parts),
    gateways: gatewayHealth(parts),
    ledger: ledgerHealth(parts),
    analytics: analyticsHealth(parts),
  };
  return { status: worst(Object.values(shown).map(({ status }) => status)), parts: shown };
}

const ok = (figures: PartHealth['figures']): PartHealth => ({ status: 'ok', reason: null, figures });

function nodeHealth({ node, jobs }: PoolParts): PartHealth {
  const status = node.status();
  const { clockOffsetSeconds, signalsConfigured, signalsConnected } = node.watched();
  const figures = { height: jobs.current?.height ?? 0, clockOffsetSeconds, signalsConfigured, signalsConnected };
  return status.ready ? ok(figures) : { status: 'down', reason: status.reason, figures };
}

function logHealth({ log }: PoolParts): PartHealth {
  const { healthy, reason, alarm, pendingRows, keptRows, keptBytes } = log.status();
  const figures = { pendingRows, keptRows, keptBytes };
  if (!healthy) return { status: 'down', reason, figures };
  return alarm === undefined ? ok(figures) : { status: 'degraded', reason: alarm, figures };
}

function gatewayHealth({ gateway }: PoolParts): PartHealth {
  const { sessions, workers, sharesInFlight, seen } = gateway.status();
  const figures = { sessions, workers, sharesInFlight };
  if (seen.full > 0) return { status: 'down', reason: 'no room to remember more shares of the current job', figures };
  return ok(figures);
}

function ledgerHealth({ ledger, log }: PoolParts): PartHealth {
  const { healthy, reason, lagRows: lag, lagMs, reporting, faults } = ledger.status();
  const figures = { lagRows: reporting ? lag : log.status().keptRows, lagSeconds: lagMs / 1000, faults };
  return healthy ? ok(figures) : { status: 'degraded', reason, figures };
}

function analyticsHealth({ analytics, log }: PoolParts): PartHealth {
  const status: ReturnType<Analytics['status']> = analytics.status();
  const figures = { lagRows: lagRows(status, log.status()), missingRows: status.missingRows };
  return status.healthy ? ok(figures) : { status: 'degraded', reason: status.reason, figures };
}

function worst(statuses: readonly HealthStatus[]): HealthStatus {
  if (statuses.includes('down')) return 'down';
  return statuses.includes('degraded') ? 'degraded' : 'ok';
}
