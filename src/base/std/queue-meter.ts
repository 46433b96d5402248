import type { Clock } from '#base/domain/ports';
import type { QueueCounts } from '#base/domain/queue';

/** Counts what goes through a queue, for the owner of that queue to report. */
export class QueueMeter {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  #depth = 0;
  #served = 0;
  #dropped = 0;
  #waitedMs = 0;

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /** What waits now. */
  get depth(): number {
    return this.#depth;
  }

  get counts(): QueueCounts {
    return { depth: this.#depth, served: this.#served, dropped: this.#dropped, waitedMs: this.#waitedMs };
  }

  /** Something begins to wait; returns when that was, for `serve`. */
  enter(): number {
    this.#depth += 1;
    return this.#clock.monotonicMs();
  }

  /** An entry that was queued at that time was served. */
  serve(enteredMs: number): void {
    this.#depth -= 1;
    this.#served += 1;
    this.#waitedMs += this.#clock.monotonicMs() - enteredMs;
  }

  /** Something that came found a place at once. */
  pass(): void {
    this.#served += 1;
  }

  /** Something that came was turned away: there was no room in the queue. */
  refuse(): void {
    this.#dropped += 1;
  }

  /** An entry leaves the queue without being served. */
  giveUp(): void {
    this.#depth -= 1;
    this.#dropped += 1;
  }
}
