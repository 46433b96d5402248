/**
 * Variable difficulty as a pure function of time and accepted work: shares come as a Poisson process whose rate is the
 * miner's hash rate over the difficulty, and the difficulty is wrong when what came is unlikely at the rate aimed at.
 */

/** What was seen at one difficulty. */
export interface VardiffWindow {
  readonly difficulty: number;
  readonly elapsedMs: number;
  /** Sum of the difficulties of the accepted shares, each counted as no more than `difficulty`. */
  readonly acceptedDifficulty: number;
}

/** Standard deviations off the rate aimed at before a change: once in a thousand windows by chance alone. */
const DEVIATIONS = 3.3;
/** Shares over the expected number that are needed at least, so that a lucky first one changes nothing. */
const SURPLUS_MIN = 4;
/** A change smaller than this is not worth a job of its own. */
const RATIO_MIN = 1.4;
/** Half a share, so that no shares in no time is a rate. */
const PRIOR_SHARES = 0.5;
/** A single step: up as far as a farm on a start difficulty for one machine needs, down slower, as silence has many causes. */
const STEP_UP_MAX = 65_536;
const STEP_DOWN_MAX = 32;

/** The difficulty that suits what was seen, rounded; undefined where the present one may well be right. */
export function retarget(window: VardiffWindow, sharesPerMinute: number): number | undefined {
  const expected = (window.elapsedMs / 60_000) * sharesPerMinute;
  const seen = window.acceptedDifficulty / window.difficulty;
  const tolerance = DEVIATIONS * Math.sqrt(expected);
  const fast = seen - expected > tolerance + SURPLUS_MIN;
  const slow = expected - seen > tolerance;
  if (!fast && !slow) return undefined;
  const ratio = (seen + PRIOR_SHARES) / (expected + PRIOR_SHARES);
  if (ratio < RATIO_MIN && ratio > 1 / RATIO_MIN) return undefined;
  return roundDifficulty(window.difficulty * Math.min(Math.max(ratio, 1 / STEP_DOWN_MAX), STEP_UP_MAX));
}

/** The nearest of 1, 1.25, 1.5, 1.75 times a power of two: few values, so that sessions share their terms. */
export function roundDifficulty(difficulty: number): number {
  const power = 2 ** Math.floor(Math.log2(difficulty));
  return (power * Math.round((difficulty / power) * 4)) / 4;
}
