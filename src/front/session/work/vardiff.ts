import { type Difficulty, mustBeDifficulty } from '#base/domain/difficulty';

/**
 * Variable difficulty as a pure function of time and accepted work. Shares come as a Poisson process whose rate is the
 * miner's hash rate over the difficulty; the difficulty is wrong when what came is too unlikely at the rate aimed at.
 */

/** What was seen at one difficulty in some stretch of time. */
export interface VardiffWindow {
  readonly elapsedMs: number;
  /** Accepted work in shares of the present difficulty. */
  readonly shares: number;
}

/** Everything that is known of a session when its difficulty is thought over. */
export interface VardiffView {
  readonly difficulty: Difficulty;
  /** Long enough to tell small deviations from luck. */
  readonly long: VardiffWindow;
  /** Short enough to see that a machine was switched on or off. */
  readonly short: VardiffWindow;
  /** The session is new, or has just been far off: a guess now is worth more than certainty later. */
  readonly settling: boolean;
}

/** What the two windows look back on; then their older half is forgotten. */
export const LONG_WINDOW_MS_MAX = 900_000;
export const SHORT_WINDOW_MS_MAX = 90_000;
/** For how long a session counts as settling, from its first work and from each jump on. */
export const SETTLING_MS = 180_000;
/** A change by more than this factor is a jump. */
export const JUMP_RATIO = 2;

/** What a window must show before the difficulty is changed for it. */
interface Rule {
  /** Log-likelihood of the rate seen against the rate aimed at: 3 is one in about a hundred by luck, 6 in two thousand. */
  readonly evidenceMin: number;
  /** Off by less than this factor is right enough. */
  readonly ratioMin: number;
}

const settlingRule: Rule = { evidenceMin: 4, ratioMin: 1.5 };
const longRule: Rule = { evidenceMin: 5.5, ratioMin: 1.3 };
const shortRule: Rule = { evidenceMin: 7.5, ratioMin: 2 };

/** Shares over the expected number that are needed at least, so that a lucky first one changes nothing. */
const SURPLUS_MIN = 4;
/** Half a share, so that no shares in no time is a rate. */
const PRIOR_SHARES = 0.5;
/** Standard deviations by which an estimate of few shares is lowered before a raise. */
const CAUTION = 0.5;
/** A single step: up as far as a farm on a start difficulty for one machine needs, down slower, as silence has many causes. */
const STEP_UP_MAX = 65_536;
const STEP_DOWN_MAX = 32;

/** The difficulty that suits what was seen, rounded; undefined where the present one may well be right. */
export function retarget(view: VardiffView, sharesPerMinute: number): Difficulty | undefined {
  const ratio = view.settling
    ? judged(view.long, sharesPerMinute, settlingRule)
    : (judged(view.long, sharesPerMinute, longRule) ?? judged(view.short, sharesPerMinute, shortRule));
  if (ratio === undefined) return undefined;
  const stepped = view.difficulty * Math.min(Math.max(ratio, 1 / STEP_DOWN_MAX), STEP_UP_MAX);
  const rounded = roundDifficulty(mustBeDifficulty(stepped));
  return rounded === view.difficulty ? undefined : rounded;
}

/** By how much the rate in the window is off, where it is off by the rule. */
function judged({ elapsedMs, shares }: VardiffWindow, sharesPerMinute: number, rule: Rule): number | undefined {
  const expected = (elapsedMs / 60_000) * sharesPerMinute;
  const ratio = (shares + PRIOR_SHARES) / (expected + PRIOR_SHARES);
  if (ratio < rule.ratioMin && ratio * rule.ratioMin > 1) return undefined;
  if (ratio > 1 && shares - expected < SURPLUS_MIN) return undefined;
  if (evidence(shares, expected) < rule.evidenceMin) return undefined;
  // Up to what is nearly certain: too low a difficulty shows at once, in the shares it brings, too high a one only in time.
  return ratio > 1 ? Math.max(1, (shares - CAUTION * Math.sqrt(shares)) / (expected + PRIOR_SHARES)) : ratio;
}

/** Log-likelihood ratio of a Poisson count: how much better the rate seen explains it than the rate expected. */
export function evidence(seen: number, expected: number): number {
  return (seen > 0 ? seen * Math.log(seen / expected) : 0) - (seen - expected);
}

/** The nearest of 1, 1.25, 1.5, 1.75 times a power of two: few values, so that sessions share their terms. */
export function roundDifficulty(difficulty: Difficulty): Difficulty {
  const power = 2 ** Math.floor(Math.log2(difficulty));
  return mustBeDifficulty((power * Math.round((difficulty / power) * 4)) / 4);
}
