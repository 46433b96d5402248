/**
 * The least time between two posts at a steady rate, ms. A commit costs about 85 µs of CPU however few rows it has, so at
 * 5,000 shares a second this takes 60 µs off a share. No share waits longer than this for others. (bench/README.md, "cadence")
 */
export const COMMIT_INTERVAL_MS = 2;
/** So many rows are posted at once: divided among them, a commit costs less than the rest of a share. */
export const COMMIT_ROWS_ENOUGH = 12;
/** Rows a millisecond from which on a commit waits for more rows. Below, hardly any would come within the interval. */
const RATE_MIN = 1;
/** Rows count for the rate with weights that fall to 1/e in this time, ms. */
const RATE_MEMORY_MS = 16;
/** A commit was held for nothing if no row came in the last part of its wait, so long, ms. */
const QUIET_MS = 1;
/** After so many of them in a row nothing is held for a while, ms: then it is tried again. */
const IN_VAIN_MAX = 8;
const UNHELD_MS = 1000;

/**
 * Decides when to write the open batch. A lone share is posted at once. If shares arrive steadily, posts keep an
 * interval, so that several shares share a commit. If enough rows have gathered, the batch is posted at once, because a busy disk
 * makes commits large without a delay.
 */
export class CommitCadence {
  /** Rows a millisecond at `#rateMs`. */
  #rate = 0;
  #rateMs = 0;
  #postedMs = Number.NEGATIVE_INFINITY;
  /** Commits in a row that were held for nothing. */
  #inVain = 0;
  #unheldUntilMs = Number.NEGATIVE_INFINITY;

  /** Rows have come. `nowMs`: monotonic clock. */
  arrived(rows: number, nowMs: number): void {
    this.#rate = this.#rate * Math.exp((this.#rateMs - nowMs) / RATE_MEMORY_MS) + rows / RATE_MEMORY_MS;
    this.#rateMs = nowMs;
  }

  /** A commit was posted. */
  posted(nowMs: number): void {
    this.#postedMs = nowMs;
  }

  /** The wait of a commit is over, and not because enough has gathered. */
  held(nowMs: number): void {
    this.#inVain = nowMs - this.#rateMs < QUIET_MS ? 0 : this.#inVain + 1;
    if (this.#inVain < IN_VAIN_MAX) return;
    this.#inVain = 0;
    this.#unheldUntilMs = nowMs + UNHELD_MS;
  }

  /** How long the `rows` that have gathered are to wait for more, ms; 0 to post them now. */
  holdMs(rows: number, nowMs: number): number {
    if (rows >= COMMIT_ROWS_ENOUGH || this.#rate < RATE_MIN || nowMs < this.#unheldUntilMs) return 0;
    return Math.max(0, this.#postedMs + COMMIT_INTERVAL_MS - nowMs);
  }
}
