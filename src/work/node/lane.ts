import { Places } from '#base/std/places';

export interface LaneOptions {
  /** Calls under way at the same time. */
  readonly inFlightMax: number;
  /** Calls that wait; further ones are refused. */
  readonly waitingMax: number;
}

interface Waiting<T> {
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

  constructor({ inFlightMax, waitingMax }: LaneOptions, refused: (reason: string) => T) {
    this.#waitingMax = waitingMax;
    this.#refused = refused;
    this.#places = new Places(inFlightMax, { startNext: () => this.#startNext() });
  }

  /** `call` must not reject. */
  run(call: () => Promise<T>): Promise<T> {
    if (this.#waiting.length >= this.#waitingMax) return Promise.resolve(this.#refused('too many calls are waiting'));
    return new Promise((settle) => {
      const start = (): void => {
        void call().then((answer) => {
          settle(answer);
          this.#places.give();
        });
      };
      if (this.#places.take()) start();
      else this.#waiting.push({ start, settle });
    });
  }

  /** Refuses those that wait. */
  close(): void {
    for (const { settle } of this.#waiting.splice(0)) settle(this.#refused('closed'));
  }

  #startNext(): boolean {
    const next = this.#waiting.shift();
    next?.start();
    return next !== undefined;
  }
}
