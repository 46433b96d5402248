import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, vi } from 'vitest';
import type { Clock } from '#base/domain/ports';
import type { JudgedShare } from '#base/domain/share';
import { ANALYTICS_CONSUMER, type Analytics, type AnalyticsOptions, startAnalytics } from '#books/analytics/analytics';
import { openShareLog, type ShareLog } from '#shares/sharelog/log';
import { judgedShare, keptLogger } from '../../shares/sharelog/fixtures.ts';

export const clock: Clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };

/** A share log and the analytics behind it, on one data folder. */
export interface Rig {
  readonly log: ShareLog;
  readonly analytics: Analytics;
  readonly lines: readonly string[];
  /** Logs shares and resolves when they are acknowledged. */
  commit(shares: readonly JudgedShare[]): Promise<void>;
  /** The first line of a result. */
  one(sql: string): Promise<string>;
  close(): Promise<void>;
}

export async function openRig(folder: string, more: Partial<AnalyticsOptions> = {}): Promise<Rig> {
  const logger = keptLogger();
  const log = await openShareLog({ folder, node: 'pool-1', consumers: [ANALYTICS_CONSUMER] }, { clock, logger });
  const delivered = (_journal: string, seq: number): void => log.confirm(ANALYTICS_CONSUMER, seq);
  // However busy the machine is: what is asked for is waited for.
  const analytics = await startAnalytics({ folder, catchUpMsMax: 30_000, ...more }, { logger, delivered });
  // Not `expect.poll`, which works only inside a test.
  await vi.waitFor(() => expect(analytics.status().reason).not.toBe('starting'), { timeout: 120_000 });
  return {
    log,
    analytics,
    lines: logger.lines,
    commit(shares) {
      for (const share of shares) log.share(share);
      return new Promise((resolve) => log.commit(resolve));
    },
    one: async (sql) => (await text(await analytics.query(sql, 'TSV'))).trimEnd(),
    async close() {
      await analytics.close();
      await log.close();
    },
  };
}

/** `count` shares, every third one rejected, over a few minutes of a few workers; nonces count from `from`. */
export function someShares(from: number, count: number): JudgedShare[] {
  return Array.from({ length: count }, (_, i) => {
    const nonce = from + i;
    return judgedShare({
      share: { nonce },
      receivedMs: Date.UTC(2026, 0, 31, 23, 58) + nonce * 10,
      verdict: nonce % 3 === 2 ? 'duplicate' : 'accepted',
      shareDifficulty: nonce,
    });
  });
}

/** What the tables must say of `someShares(0, count)`: rows, distinct nonces, accepted, work; three times more from the rollups. */
export function totalsOf(count: number): string {
  const accepted = Math.ceil((count * 2) / 3 - 1e-9);
  const work = BigInt(accepted) * 2n ** 42n;
  const rolledUp = [accepted, count - accepted, work];
  return [count, count, accepted, work, ...rolledUp, ...rolledUp, ...rolledUp].join('\t');
}

export const TOTALS_SQL = `
  SELECT s.*, m.*, h.*, p.* FROM
    (SELECT count(), uniqExact(nonce), countIf(verdict = 'accepted'), sumIf(work, verdict = 'accepted') FROM shares) AS s,
    (SELECT sum(accepted), sum(rejected), sum(work) FROM hashrate_1m) AS m,
    (SELECT sum(accepted), sum(rejected), sum(work) FROM hashrate_1h) AS h,
    (SELECT sum(accepted), sum(rejected), sum(work) FROM pool_1d) AS p`;

export const textOf = (stream: Promise<Readable>): Promise<string> => stream.then((body) => text(body));
