import type { Clock } from '#base/domain/ports';

/** Time in a test's hands; both clocks go together. */
export class ManualClock implements Clock {
  #ms: number;

  constructor(ms = 1_000_000) {
    this.#ms = ms;
  }

  nowMs(): number {
    return this.#ms;
  }

  monotonicMs(): number {
    return this.#ms;
  }

  advance(ms: number): void {
    this.#ms += ms;
  }
}
