import { workOf } from '#base/bitcoin/target';
import type { Hashrates } from '#base/domain/miner';

/**
 * Work fades exponentially, by half the window's length: so an estimate has the variance, and the mean age, of one over a
 * window, and costs three numbers instead of a ring of slots. (A Poisson process of rate λ: λ/W over a window W, λ/2τ faded.)
 */
const FADE_MS = { minute: 30_000, tenMinutes: 300_000, hour: 1_800_000 } as const;
/** The shortest time over which a rate is given, so that the first share of a worker is no record. */
const COVERED_MS_MIN = 10_000;
const HASHES_PER_DIFFICULTY = Number(workOf(1));

/** Estimates the hash rate behind accepted shares. Time is the caller's, ms; one that goes back fades nothing. */
export class WorkRate {
  #sinceMs: number;
  #atMs: number;
  /** Difficulty accepted so far, faded to `#atMs`. */
  #minute = 0;
  #tenMinutes = 0;
  #hour = 0;

  constructor(nowMs: number) {
    this.#sinceMs = nowMs;
    this.#atMs = nowMs;
  }

  add(difficulty: number, nowMs: number): void {
    this.#fade(nowMs);
    this.#minute += difficulty;
    this.#tenMinutes += difficulty;
    this.#hour += difficulty;
  }

  hashrates(nowMs: number): Hashrates {
    this.#fade(nowMs);
    const coveredMs = Math.max(nowMs - this.#sinceMs, COVERED_MS_MIN);
    // The estimate that a steady rate of 1 would have by now; dividing by it corrects the estimate of a new worker.
    const rate = (sum: number, fadeMs: number): number =>
      (sum * HASHES_PER_DIFFICULTY * 1000) / (fadeMs * -Math.expm1(-coveredMs / fadeMs));
    return {
      minute: rate(this.#minute, FADE_MS.minute),
      tenMinutes: rate(this.#tenMinutes, FADE_MS.tenMinutes),
      hour: rate(this.#hour, FADE_MS.hour),
    };
  }

  #fade(nowMs: number): void {
    const passedMs = nowMs - this.#atMs;
    this.#atMs = nowMs;
    if (passedMs < 0) this.#sinceMs += passedMs;
    if (passedMs <= 0) return;
    this.#minute *= Math.exp(-passedMs / FADE_MS.minute);
    this.#tenMinutes *= Math.exp(-passedMs / FADE_MS.tenMinutes);
    this.#hour *= Math.exp(-passedMs / FADE_MS.hour);
  }
}
