import { type Answer, json } from './response.ts';
import { type ApiSources, type Awaitable, type Readiness, Unavailable } from './sources.ts';

export type Route = () => Promise<Answer>;

/** The routes, by path. */
export function createRoutes(sources: ApiSources): ReadonlyMap<string, Route> {
  const alive = async (): Promise<Readiness> => {
    await sources.ready();
    return { reasons: [], notes: [] };
  };
  return new Map<string, Route>([
    // Whatever is wrong with the disk or the node mends without a restart. A pool that does not answer does not mend.
    ['/healthz', () => probe(alive)],
    ['/readyz', () => probe(() => sources.ready())],
    ['/api/v1/pool', async () => json('200 OK', await sources.pool())],
    ['/metrics', shared(async () => prometheus(await sources.metrics()))],
  ]);
}

async function probe(ask: () => Awaitable<Readiness>): Promise<Answer> {
  const { reasons, notes } = await readinessOf(ask);
  const noted = notes.length === 0 ? {} : { notes };
  return reasons.length === 0
    ? json('200 OK', { status: 'ok', ...noted })
    : json('503 Service Unavailable', { status: 'unavailable', reasons, ...noted });
}

async function readinessOf(ask: () => Awaitable<Readiness>): Promise<Readiness> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof Unavailable) return { reasons: [error.message], notes: [] };
    throw error;
  }
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
