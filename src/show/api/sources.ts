import type { AdminRequest } from './admin.ts';
import type { FindMiner } from './miners.ts';
import type { Answer } from './response.ts';
import type { PoolStatus } from './status.ts';

/** A value, or the promise of one. */
export type Awaitable<T> = T | Promise<T>;

/** What `/readyz` says. */
export interface Readiness {
  /** Why miners should not be sent here; empty if all is ready. */
  readonly reasons: readonly string[];
  /** What an operator should see to, though miners can be served. */
  readonly notes: readonly string[];
}

/** Where the API gets its answers: in the pool's process from its parts, in the HTTP process from the pool. */
export interface ApiSources {
  pool(): Awaitable<PoolStatus>;
  readonly miner: FindMiner;
  ready(): Awaitable<Readiness>;
  /** The text format of Prometheus, version 0.0.4. */
  metrics(): Awaitable<string>;
  /** Answers operators' requests; undefined for any other path. */
  admin(request: AdminRequest): Awaitable<Answer | undefined>;
}

/** A source can not answer now, which is no error: the request is answered 503. */
export class Unavailable extends Error {}
