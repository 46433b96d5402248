export interface BackoffOptions {
  /** The first wait, ms. */
  readonly msMin: number;
  /** The longest wait, ms. */
  readonly msMax: number;
}

/** How long to wait before something that ended is started again: each time twice as long, up to a bound. */
export class Backoff {
  readonly #options: BackoffOptions;
  #ms: number;

  constructor(options: BackoffOptions) {
    this.#options = options;
    this.#ms = options.msMin;
  }

  /** The next wait, ms. */
  next(): number {
    const ms = this.#ms;
    this.#ms = Math.min(2 * ms, this.#options.msMax);
    return ms;
  }

  /** It has shown that it works: the next wait is the shortest again. */
  reset(): void {
    this.#ms = this.#options.msMin;
  }
}
