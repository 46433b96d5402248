declare const checked: unique symbol;

/** A difficulty that is known to be a number from `DIFFICULTY_MIN` to `DIFFICULTY_MAX`: never NaN, infinite, zero or negative. */
export type Difficulty = number & { readonly [checked]: true };

/** Every hash meets its target, and that of every difficulty below 2^-32. */
export const DIFFICULTY_MIN = (2 ** -40) as Difficulty;
/** Of the target 1. */
export const DIFFICULTY_MAX = (0xffff * 2 ** 208) as Difficulty;

/**
 * The only way from a number to a difficulty. A number beyond the bounds counts as the bound. Returns undefined for NaN, zero,
 * negative numbers and infinity.
 */
export function difficultyOf(value: number): Difficulty | undefined {
  if (!(value > 0 && value < Number.POSITIVE_INFINITY)) return undefined;
  return Math.min(Math.max(value, DIFFICULTY_MIN), DIFFICULTY_MAX) as Difficulty;
}

/** As `difficultyOf`, for numbers that the pool itself computed or checked. Throws a RangeError for one that is none. */
export function mustBeDifficulty(value: number): Difficulty {
  const difficulty = difficultyOf(value);
  if (difficulty === undefined) throw new RangeError(`difficulty ${value} is not a positive finite number`);
  return difficulty;
}

export function least(a: Difficulty, b: Difficulty): Difficulty {
  return a < b ? a : b;
}

export function greatest(a: Difficulty, b: Difficulty): Difficulty {
  return a > b ? a : b;
}
