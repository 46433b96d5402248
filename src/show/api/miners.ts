import type { Hashrates, MinerReport, MinerView, WorkerReport } from '#base/domain/miner';
import { limits } from '#base/limits';
import { type Answer, json } from './response.ts';

/** Where miners are served, each below it. */
const MINERS_PATH = '/api/v1/miners/';
export const MINER_PATHS = [`${MINERS_PATH}{address}`, `${MINERS_PATH}{address}/workers`] as const;
/** Workers of one answer. */
export const WORKERS_PAGE = 1000;
/** An address has at most 90 characters, a name 128; each may be written as nine. */
const PATH_CHARS_MAX = 1500;

/** What there is to say of a miner. */
export type MinerAnswer =
  | { readonly kind: 'found'; readonly view: MinerView }
  /** No connected worker mines for the address. */
  | { readonly kind: 'nobody' }
  /** That is nothing that can be mined for here. */
  | { readonly kind: 'no-address'; readonly reason: string }
  /** It can not be told at the moment. */
  | { readonly kind: 'unavailable'; readonly reason: string };

/** Which of a miner's workers are wanted: `workersMax` at most, after this name; 0 for the totals alone. */
export interface MinerPage {
  readonly after: string | undefined;
  readonly workersMax: number;
}

/** Looks up what is written in a path. */
export type FindMiner = (address: string, page: MinerPage) => Promise<MinerAnswer>;

/** The cost of a request for its address's limit, in requests (limits.ts). */
export function costOf(path: string): number {
  return path.startsWith(MINERS_PATH) && path.endsWith('/workers') ? limits.httpWorkersPageCost : 1;
}

/**
 * The route of a path below MINERS_PATH; undefined for any other. `path` and `query` are as sent. The answer has connected miners only,
 * counted since they connected (base/domain/miner.ts); the tables have the history.
 */
export function minerRoute(path: string, query: string, find: FindMiner): (() => Promise<Answer>) | undefined {
  if (!path.startsWith(MINERS_PATH)) return undefined;
  const [written = '', list, ...more] = path.slice(MINERS_PATH.length).split('/');
  if (written === '' || more.length > 0 || (list !== undefined && list !== 'workers')) return undefined;
  return async () => {
    const address = decode(written);
    const after = new URLSearchParams(query).get('after') ?? undefined;
    if (address === undefined || path.length + query.length > PATH_CHARS_MAX) return bad('this is no address');
    // One more than a page has, to know if there are more.
    const answer = await find(address, { after, workersMax: list === undefined ? 0 : WORKERS_PAGE + 1 });
    switch (answer.kind) {
      case 'found':
        return json('200 OK', list === undefined ? minerOf(answer.view.miner) : pageOf(answer.view));
      case 'nobody':
        return json('404 Not Found', { error: 'nobody is connected who mines for this address' });
      case 'no-address':
        return bad(answer.reason);
      case 'unavailable':
        return json('503 Service Unavailable', { error: answer.reason });
    }
  };
}

function bad(error: string): Answer {
  return json('400 Bad Request', { error });
}

/** Percent-decoded; undefined if it can not be. */
function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** Times in ISO 8601, rates in hashes a second. */
function minerOf(miner: MinerReport) {
  const { account, workers, acceptedShares: accepted, rejectedShares: rejected } = miner;
  return { address: account, workers, ...common(miner), shares: { accepted, rejected } };
}

function pageOf({ miner, workers }: MinerView) {
  const shown = workers.slice(0, WORKERS_PAGE);
  return {
    address: miner.account,
    workers: shown.map((worker) => {
      const { rig, connections, acceptedShares: accepted, rejectedShares: rejected } = worker;
      return { name: rig, connections, ...common(worker), shares: { accepted, rejected } };
    }),
    /** For `?after=`, if there are more. */
    next: workers.length > shown.length ? (shown.at(-1)?.rig ?? null) : null,
  };
}

interface Common extends Pick<MinerReport & WorkerReport, 'sinceMs' | 'lastShareMs' | 'acceptedDifficulty'> {
  readonly hashrate: Hashrates;
}

function common({ sinceMs, lastShareMs, acceptedDifficulty, hashrate }: Common) {
  return {
    since: new Date(sinceMs).toISOString(),
    lastShare: lastShareMs === undefined ? null : new Date(lastShareMs).toISOString(),
    hashrate: { '1m': hashrate.minute, '10m': hashrate.tenMinutes, '1h': hashrate.hour },
    acceptedDifficulty,
  };
}
