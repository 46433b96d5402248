import { setTimeout as delay } from 'node:timers/promises';

export interface Patience {
  /** Between two tries, ms. */
  readonly everyMs: number;
  /** How long is waited between all tries together, ms; 0: there is one try. */
  readonly msMax: number;
}

/**
 * Repeats an attempt, for example to get a lock of a process that is ending. Resolves with the first result that is not undefined, or
 * with undefined when the time is over. Rejects with the error that `attempt` throws.
 */
export async function until<T>(
  attempt: () => T | undefined | Promise<T | undefined>,
  { everyMs, msMax }: Patience,
): Promise<T | undefined> {
  for (let leftMs = msMax; ; leftMs -= everyMs) {
    const result = await attempt();
    if (result !== undefined || leftMs <= 0) return result;
    await delay(everyMs);
  }
}
