import { describe, expect, it } from 'vitest';
import { DIFFICULTY_MAX, DIFFICULTY_MIN, difficultyOf, mustBeDifficulty } from '#base/domain/difficulty';

describe('a difficulty', () => {
  it.each([Number.NaN, 0, -0, -1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('is never %d', (value) => {
    expect(difficultyOf(value)).toBeUndefined();
    expect(() => mustBeDifficulty(value)).toThrow(RangeError);
  });

  it('is clamped to what has a target', () => {
    expect(difficultyOf(Number.MAX_VALUE)).toBe(DIFFICULTY_MAX);
    expect(difficultyOf(Number.MIN_VALUE)).toBe(DIFFICULTY_MIN);
    expect(difficultyOf(65536.5)).toBe(65536.5);
  });
});
