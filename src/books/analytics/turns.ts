import type { Clock } from '#base/domain/ports';
import type { QueueCounts } from '#base/domain/queue';
import { Places } from '#base/std/places';
import { QueueMeter } from '#base/std/queue-meter';

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
  readonly #meter: QueueMeter;

  constructor(options: { readonly turnsMax: number; readonly ownersMax: number }, clock: Pick<Clock, 'monotonicMs'>) {
    this.#meter = new QueueMeter(clock);
    this.#places = new Places(options.turnsMax, { startNext: () => this.#startNext() });
    this.#ownersMax = options.ownersMax;
  }

  /** The turns that are waited for. */
  get counts(): QueueCounts {
    return this.#meter.counts;
  }

  /** Runs `work` in a turn. Returns false, at once, if there are too many owners. Rejects if `signal` aborts before the turn. */
  async run(signal: AbortSignal, work: (turn: Turn) => Promise<void>): Promise<boolean> {
    if (this.#owners >= this.#ownersMax) {
      this.#meter.refuse();
      return false;
    }
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
    if (this.#places.take()) {
      this.#meter.pass();
      return;
    }
    const enteredMs = this.#meter.enter();
    await new Promise<void>((resolve, reject) => {
      const aborted = (): void => {
        this.#waiting.delete(start);
        this.#meter.giveUp();
        reject(signal.reason);
      };
      const start = (): void => {
        signal.removeEventListener('abort', aborted);
        this.#meter.serve(enteredMs);
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
