import type { Health } from './upstream.ts';

/** A node that has been behind another for so long has lost its peers; a new block takes seconds to reach all. */
export const STALE_MS = 20_000;

export interface Candidate {
  readonly health: Health;
  /** Keeps its callers waiting: another one with as much work goes before it. */
  readonly slow: boolean;
}

export interface Choice<T extends Candidate> {
  readonly upstream: T | undefined;
  /** Since when the active node has less work than another one; to be handed in again at the next choice. */
  readonly behindSinceMs: number | undefined;
}

export interface Now<T extends Candidate> {
  readonly active: T | undefined;
  readonly behindSinceMs: number | undefined;
  readonly nowMs: number;
  /** Nodes with less work than this (64 hex digits) are no choice. */
  readonly workMin: string;
}

/**
 * Chooses the node for templates: the first, in order of preference, that is ready and has the most work. A slow node is chosen only
 * if no other node has as much work. The active node is kept while it is behind for less than STALE_MS, and a returning node is
 * chosen when it has caught up.
 */
export function chooseUpstream<T extends Candidate>(
  candidates: readonly T[],
  now: Now<T>,
  except: ReadonlySet<T> = new Set(),
): Choice<T> {
  const workOf = (candidate: T | undefined): string =>
    candidate?.health.ready === true && !except.has(candidate) ? candidate.health.chainwork : '';
  const most = candidates.map(workOf).sort().at(-1) ?? '';
  if (most === '' || most < now.workMin) return { upstream: undefined, behindSinceMs: now.behindSinceMs };
  const activeWork = workOf(now.active);
  const behindSinceMs = activeWork !== '' && activeWork < most ? (now.behindSinceMs ?? now.nowMs) : undefined;
  const isKept = behindSinceMs !== undefined && now.nowMs - behindSinceMs < STALE_MS && activeWork >= now.workMin;
  const withMost = candidates.filter((one) => workOf(one) === most);
  const upstream = isKept ? now.active : (withMost.find(({ slow }) => !slow) ?? withMost[0]);
  return { upstream, behindSinceMs: upstream === now.active ? behindSinceMs : undefined };
}
