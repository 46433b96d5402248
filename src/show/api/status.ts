import type { Wire } from '#base/domain/ports';
import type { RejectReason } from '#base/domain/verdict';
import type { Counts, ShownCounts } from '#base/telemetry/counters';

/** The answer of `/api/v1/pool`: the pool's current state. Rates are in hashes a second, times in seconds. */
export interface PoolStatus {
  readonly name: string;
  readonly version: string;
  readonly network: string;
  readonly uptimeSeconds: number;
  /** Open connections. */
  readonly connections: Readonly<Record<Wire['transport'], number>>;
  /** Sessions that have subscribed. */
  readonly sessions: number;
  /** Workers authorised on open connections. */
  readonly workers: number;
  /** Estimated from accepted shares over the last minute, ten minutes, hour. */
  readonly hashrate: Readonly<Record<'1m' | '10m' | '1h', number>>;
  /** What miners work on; null before the first template. */
  readonly job: JobStatus | null;
  /** Since the start. */
  readonly shares: { readonly accepted: number; readonly rejected: Readonly<Record<RejectReason, number>> };
  /** Since the start. */
  readonly blocks: Readonly<Counts<'pool'>['blocks']>;
  /** Counters of refused, closed and expelled clients since the start. */
  readonly stratum: ShownCounts;
}

export interface JobStatus {
  readonly id: string;
  readonly height: number;
  readonly networkDifficulty: number;
  /** Without the coinbase. */
  readonly transactions: number;
  readonly ageSeconds: number;
}
