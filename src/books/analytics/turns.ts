import { Places } from '#base/std/places';

/**
 * Hands out a bounded number of turns, in order of arrival. A turn may be paused while its owner waits for something else,
 * such as a slow reader: another owner has the turn meanwhile.
 */
export class Turns {
  readonly #places: Places;
  readonly #ownersMax: number;
  /** Everybody who has, waits for or has paused a turn. */
  #owners = 0;
  readonly #waiting = new Set<() => void>();

  constructor(options: { readonly turnsMax: number; readonly ownersMax: number }) {
    this.#places = new Places(options.turnsMax, { startNext: () => this.#startNext() });
    this.#ownersMax = options.ownersMax;
  }

  /** Runs `work` in a turn. Returns false, at once, if there are too many owners. Rejects if `signal` aborts before the turn. */
  async run(signal: AbortSignal, work: (turn: Turn) => Promise<void>): Promise<boolean> {
    if (this.#owners >= this.#ownersMax) return false;
    this.#owners += 1;
    let held = false;
    const turn: Turn = {
      pausedFor: async (wait) => {
        held = false;
        this.#places.give();
        await wait;
        await this.#take(signal);
        held = true;
      },
    };
    try {
      await this.#take(signal);
      held = true;
      await work(turn);
    } finally {
      if (held) this.#places.give();
      this.#owners -= 1;
    }
    return true;
  }

  async #take(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#places.take()) return;
    await new Promise<void>((resolve, reject) => {
      const aborted = (): void => {
        this.#waiting.delete(start);
        reject(signal.reason);
      };
      const start = (): void => {
        signal.removeEventListener('abort', aborted);
        resolve();
      };
      this.#waiting.add(start);
      signal.addEventListener('abort', aborted, { once: true });
    });
  }

  #startNext(): boolean {
    for (const next of this.#waiting) {
      this.#waiting.delete(next);
      next();
      return true;
    }
    return false;
  }
}

export interface Turn {
  /** Lets another owner have the turn until `wait` has resolved and a turn is free. */
  pausedFor(wait: Promise<void>): Promise<void>;
}
