import { setTimeout as delay } from 'node:timers/promises';

export interface Patience {
  /** Between two tries, ms. */
  readonly everyMs: number;
  /** How long is waited between all tries together, ms; 0: there is one try. */
  readonly msMax: number;
}

/**
 * Tries until it has something: what another process holds, which is about to end. Resolves with the first result that is
 * not undefined, or with undefined when patience is over. Rejects with what `attempt` throws.
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
