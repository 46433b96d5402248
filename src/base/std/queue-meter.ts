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

  /** An entry begins to wait. Returns its time, for `serve`. */
  enter(): number {
    this.#depth += 1;
    return this.#clock.monotonicMs();
  }

  /** An entry queued at `enteredMs` was served. */
  serve(enteredMs: number): void {
    this.#depth -= 1;
    this.#served += 1;
    this.#waitedMs += this.#clock.monotonicMs() - enteredMs;
  }

  /** An entry was served without waiting. */
  pass(): void {
    this.#served += 1;
  }

  /** An entry was refused because the queue is full. */
  refuse(): void {
    this.#dropped += 1;
  }

  /** An entry leaves the queue without being served. */
  giveUp(): void {
    this.#depth -= 1;
    this.#dropped += 1;
  }
}
