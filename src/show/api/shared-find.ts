import type { FindMiner, MinerAnswer } from './miners.ts';

/** How long an answer is given again, ms. */
const FRESH_MS = 1000;
/** Answers kept: one of 1,000 workers takes 200 KB. */
const ANSWERS_MAX = 32;

interface Shared {
  readonly answer: Promise<MinerAnswer>;
  readonly askedMs: number;
}

/** Looks a miner up once for all requests within a second. `now` is monotonic, ms. */
export function sharedFind(find: FindMiner, now: () => number): FindMiner {
  const shared = new Map<string, Shared>();
  return (address, page) => {
    const key = JSON.stringify([address, page.after, page.workersMax]);
    const nowMs = now();
    const known = shared.get(key);
    if (known !== undefined && nowMs - known.askedMs < FRESH_MS) return known.answer;
    // To the end of the line, which is in order of time.
    shared.delete(key);
    for (const [oldest, { askedMs }] of shared) {
      if (shared.size < ANSWERS_MAX && nowMs - askedMs < FRESH_MS) break;
      shared.delete(oldest);
    }
    const answer = find(address, page);
    shared.set(key, { answer, askedMs: nowMs });
    // What could not be looked up is looked up again.
    answer.catch(() => shared.delete(key));
    return answer;
  };
}
