/** How a part of the pool is. `degraded`: miners can be served all the same. */
export type HealthStatus = 'ok' | 'degraded' | 'down';

export interface PartHealth {
  readonly status: HealthStatus;
  /** Null if it is ok. */
  readonly reason: string | null;
  /** What an operator would look at first. */
  readonly figures: Readonly<Record<string, number>>;
}

/** How the pool is, part by part. */
export interface HealthReport {
  /** The worst of its parts'. */
  readonly status: HealthStatus;
  readonly parts: Readonly<Record<string, PartHealth>>;
}
