import type { FindMiner } from './miners.ts';
import { type Answer, json } from './response.ts';
import type { PoolStatus } from './status.ts';

/** Where the API gets its answers. Each is asked per request, so each must be cheap. */
export interface ApiSources {
  pool(): PoolStatus;
  readonly miner: FindMiner;
  /** Why miners should not be sent here; empty where all is ready. */
  ready(): readonly string[];
  /** The text format of Prometheus, version 0.0.4. */
  metrics(): Promise<string>;
}

export type Route = () => Answer | Promise<Answer>;

/** What is served, by path. */
export function createRoutes(sources: ApiSources): ReadonlyMap<string, Route> {
  return new Map<string, Route>([
    // Whatever is wrong with the disk or the node mends without a restart; what does not mend does not answer.
    ['/healthz', () => probe([])],
    ['/readyz', () => probe(sources.ready())],
    ['/api/v1/pool', () => json('200 OK', sources.pool())],
    ['/metrics', shared(async () => prometheus(await sources.metrics()))],
  ]);
}

function probe(reasons: readonly string[]): Answer {
  return reasons.length === 0
    ? json('200 OK', { status: 'ok' })
    : json('503 Service Unavailable', { status: 'unavailable', reasons });
}

function prometheus(body: string): Answer {
  return { status: '200 OK', type: 'text/plain; version=0.0.4; charset=utf-8', body };
}

/** Requests that come while an answer is in the making get that answer: scraping in a crowd costs as much as scraping alone. */
function shared(make: () => Promise<Answer>): () => Promise<Answer> {
  let pending: Promise<Answer> | undefined;
  return () => {
    pending ??= make().finally(() => {
      pending = undefined;
    });
    return pending;
  };
}
