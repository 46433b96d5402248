/** A window is never shorter, ms. */
const WINDOW_MS_MIN = 300_000;
/** A worker that is expected to have found so many shares has found one: one in 400 workers finds none by bad luck. */
const SURE_SHARES = 6;

/** A worker as `ActiveWorkers` marks it. */
export interface Marked {
  /** The window of its last accepted share; -1 before the first. */
  activeIn: number;
}

/**
 * Counts the workers of one connection that had an accepted share in this window of time or the one before: in the last five to
 * ten minutes at the usual share rate. Takes one number for each worker, and no clock on the share path.
 */
export class ActiveWorkers {
  readonly #windowMs: number;
  readonly #sureMs: number;
  #sure = false;
  #window = 0;
  #sinceMs: number | undefined;
  /** Workers with a share in this window, and those with one in the window before alone. */
  #now = 0;
  #before = 0;

  /** `sharesPerMinute`: what one worker is expected to find. */
  constructor(sharesPerMinute: number) {
    this.#sureMs = (SURE_SHARES / sharesPerMinute) * 60_000;
    this.#windowMs = Math.max(WINDOW_MS_MIN, this.#sureMs);
  }

  get count(): number {
    return this.#now + this.#before;
  }

  /** False in the beginning, when workers that are at work may still be without a share. */
  get complete(): boolean {
    return this.#sure;
  }

  /** An accepted share. On the share path. */
  worked(worker: Marked): void {
    const { activeIn } = worker;
    if (activeIn === this.#window) return;
    worker.activeIn = this.#window;
    this.#now += 1;
    if (activeIn >= 0 && activeIn === this.#window - 1) this.#before -= 1;
  }

  /** The worker is no more one of this connection's. */
  gone({ activeIn }: Marked): void {
    if (activeIn < 0) return;
    if (activeIn === this.#window) this.#now -= 1;
    else if (activeIn === this.#window - 1) this.#before -= 1;
  }

  /** Time passed; `nowMs` is monotonic. To be called every few seconds. */
  pass(nowMs: number): void {
    this.#sinceMs ??= nowMs;
    const passedMs = nowMs - this.#sinceMs;
    if (passedMs >= this.#sureMs) this.#sure = true;
    if (passedMs < this.#windowMs) return;
    this.#sinceMs = nowMs;
    this.#window += 1;
    this.#before = this.#now;
    this.#now = 0;
  }
}
