/** Weights of PPLNS and remainders of PPS are integers in units of 2^-64 (of a block, and of a satoshi). */

const FRACTION_BITS = 64n;
/** 1 in fixed point. */
export const ONE = 1n << FRACTION_BITS;
const FRACTION_MASK = ONE - 1n;

/** numerator ÷ denominator in units of 2^-64, rounded down. Throws a RangeError unless 0 ≤ numerator and 0 < denominator. */
export function ratio(numerator: bigint, denominator: bigint): bigint {
  if (numerator < 0n || denominator <= 0n) throw new RangeError(`ratio: ${numerator} ÷ ${denominator} is no weight`);
  return (numerator << FRACTION_BITS) / denominator;
}

/** The whole units of a fixed-point number that is not negative. */
export function whole(fixed: bigint): bigint {
  return fixed >> FRACTION_BITS;
}

/** What `whole` leaves. */
export function fraction(fixed: bigint): bigint {
  return fixed & FRACTION_MASK;
}

/** A window's length from a number of blocks. Doubles are binary fractions, so the conversion is exact from 2^-11 up. */
export function windowOfBlocks(blocks: number): bigint {
  if (!(blocks > 0 && blocks < 2 ** 64))
    throw new RangeError(`windowOfBlocks: ${blocks} is not a positive number of blocks`);
  return BigInt(Math.floor(blocks * 2 ** 64));
}
