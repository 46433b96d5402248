import type { QueueCounts } from '#base/domain/queue';
import { Places } from '#base/std/places';
import { QueueMeter } from '#base/std/queue-meter';
import { systemClock } from '#base/std/system-clock';

export interface LaneOptions {
  /** Calls under way at the same time. */
  readonly inFlightMax: number;
  /** Calls that wait; further ones are refused. */
  readonly waitingMax: number;
}

interface Waiting<T> {
  readonly enteredMs: number;
  start(): void;
  settle(answer: T): void;
}

/** Calls of one kind, a bounded number of them under way, the others in order of arrival. */
export class Lane<T> {
  readonly #waitingMax: number;
  /** The answer to a call that is not made, and why. */
  readonly #refused: (reason: string) => T;
  readonly #places: Places;
  readonly #waiting: Waiting<T>[] = [];
  readonly #meter = new QueueMeter(systemClock);

  constructor({ inFlightMax, waitingMax }: LaneOptions, refused: (reason: string) => T) {
    this.#waitingMax = waitingMax;
    this.#refused = refused;
    this.#places = new Places(inFlightMax, { startNext: () => this.#startNext() });
  }

  /** The calls that are not under way yet. */
  get counts(): QueueCounts {
    return this.#meter.counts;
  }

  /** `call` must not reject. */
  run(call: () => Promise<T>): Promise<T> {
    if (this.#waiting.length >= this.#waitingMax) {
      this.#meter.refuse();
      return Promise.resolve(this.#refused('too many calls are waiting'));
    }
    return new Promise((settle) => {
      const start = (): void => {
        void call().then((answer) => {
          settle(answer);
          this.#places.give();
        });
      };
      if (this.#places.take()) {
        this.#meter.pass();
        start();
      } else this.#waiting.push({ start, settle, enteredMs: this.#meter.enter() });
    });
  }

  /** Refuses those that wait. */
  close(): void {
    for (const { settle } of this.#waiting.splice(0)) {
      this.#meter.giveUp();
      settle(this.#refused('closed'));
    }
  }

  #startNext(): boolean {
    const next = this.#waiting.shift();
    if (next === undefined) return false;
    this.#meter.serve(next.enteredMs);
    next.start();
    return true;
  }
}
