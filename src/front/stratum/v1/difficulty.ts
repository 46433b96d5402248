import { difficultyOfTarget } from '#base/bitcoin/target';
import { type Difficulty, difficultyOf } from '#base/domain/difficulty';
import { hexDigits } from './hex.ts';

/** A difficulty as a number or its decimal text; undefined unless positive and finite. */
export function suggestedDifficulty(value: unknown): Difficulty | undefined {
  const number = typeof value === 'string' && /^[0-9.]{1,32}$/.test(value) ? Number(value) : value;
  return typeof number === 'number' ? difficultyOf(number) : undefined;
}

/** The difficulty of a target, up to 64 hex digits big-endian; undefined for anything else, and for zero. */
export function suggestedTarget(value: unknown): Difficulty | undefined {
  const digits = hexDigits(value, 64);
  const target = digits === undefined ? 0n : BigInt(`0x${digits}`);
  return target === 0n ? undefined : difficultyOf(difficultyOfTarget(target));
}
