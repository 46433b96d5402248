/** Submits that a session below the pool's minimum difficulty may make a second, and at once after a pause. */
const PER_SECOND = 10;
const BURST = 60;

/** A token bucket. Times are monotonic ms. */
export class SubmitBudget {
  #tokens = BURST;
  #atMs = Number.NEGATIVE_INFINITY;

  /** False where there is none left. */
  spend(nowMs: number): boolean {
    this.#tokens = Math.min(BURST, this.#tokens + ((nowMs - this.#atMs) / 1000) * PER_SECOND);
    this.#atMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
