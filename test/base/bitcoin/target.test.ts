import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bitsOfTarget,
  bytesToTarget,
  DIFFICULTY_1_TARGET,
  decodeCompact,
  difficultyOfHash,
  difficultyOfTarget,
  meetsTarget,
  targetOfBits,
  targetOfDifficulty,
  targetToBytes,
  workOf,
  workOfTarget,
} from '#base/bitcoin/target';

const MAX = (1n << 256n) - 1n;
const target = fc.bigInt({ min: 0n, max: MAX });
/** Values spread over all magnitudes, not only over the huge ones. */
const anySize = fc.tuple(target, fc.integer({ min: 0, max: 255 })).map(([value, shift]) => value >> BigInt(shift));

describe('compact bits', () => {
  // The table of Bitcoin Core's test/arith_uint256_tests.cpp, bignum_SetCompact.
  it.each([
    [0x00000000, 0n, false, false],
    [0x00123456, 0n, false, false],
    [0x01003456, 0n, false, false],
    [0x02000056, 0n, false, false],
    [0x03000000, 0n, false, false],
    [0x04000000, 0n, false, false],
    [0x00923456, 0n, false, false],
    [0x01803456, 0n, false, false],
    [0x02800056, 0n, false, false],
    [0x03800000, 0n, false, false],
    [0x04800000, 0n, false, false],
    [0x01123456, 0x12n, false, false],
    [0x02123456, 0x1234n, false, false],
    [0x03123456, 0x123456n, false, false],
    [0x04123456, 0x12345600n, false, false],
    [0x04923456, 0x12345600n, true, false],
    [0x01fedcba, 0x7en, true, false],
    [0x05009234, 0x92340000n, false, false],
    [0x20123456, 0x123456n << 232n, false, false],
  ])('%s is decoded as Core does', (bits, value, negative, overflow) => {
    expect(decodeCompact(bits)).toEqual({ target: value, negative, overflow });
  });

  it('sees overflow', () => {
    expect(decodeCompact(0xff123456).overflow).toBe(true);
    expect(decodeCompact(0x22000001).overflow).toBe(false);
    expect(decodeCompact(0x22000100).overflow).toBe(true);
    expect(decodeCompact(0x21010000).overflow).toBe(true);
    expect(decodeCompact(0x2100ffff).overflow).toBe(false);
  });

  it('gives no target for negative, zero and overflowing bits', () => {
    expect(targetOfBits(0x04923456)).toBeUndefined();
    expect(targetOfBits(0x01003456)).toBeUndefined();
    expect(targetOfBits(0xff123456)).toBeUndefined();
    expect(targetOfBits(0x1d00ffff)).toBe(DIFFICULTY_1_TARGET);
    expect(targetOfBits(0x207fffff)).toBe(0x7fffffn << 232n);
  });

  it.each([
    [0n, 0],
    [0x12n, 0x01120000],
    [0x80n, 0x02008000],
    [0x1234n, 0x02123400],
    [0x123456n, 0x03123456],
    [0x12345600n, 0x04123456],
    [0x92340000n, 0x05009234],
    [DIFFICULTY_1_TARGET, 0x1d00ffff],
    [MAX, 0x2100ffff],
  ])('%s is encoded as Core does', (value, bits) => {
    expect(bitsOfTarget(value)).toBe(bits);
  });

  it('rounds down by less than one part in 2^15, and is stable from then on', () => {
    fc.assert(
      fc.property(anySize, (value) => {
        const { target: rounded, negative, overflow } = decodeCompact(bitsOfTarget(value));
        expect([negative, overflow]).toEqual([false, false]);
        expect(rounded <= value && (value - rounded) << 15n <= value).toBe(true);
        expect(bitsOfTarget(rounded)).toBe(bitsOfTarget(value));
      }),
    );
  });
});

describe('difficulty', () => {
  it('1 is the difficulty-1 target, and a power of two shifts it', () => {
    expect(targetOfDifficulty(1)).toBe(DIFFICULTY_1_TARGET);
    expect(targetOfDifficulty(65536)).toBe(DIFFICULTY_1_TARGET >> 16n);
    expect(targetOfDifficulty(2 ** -20)).toBe(DIFFICULTY_1_TARGET << 20n);
  });

  it('takes a double exactly, whatever its size', () => {
    // 0.1 is 3602879701896397 / 2^55.
    expect(targetOfDifficulty(0.1)).toBe((DIFFICULTY_1_TARGET << 55n) / 3602879701896397n);
    expect(targetOfDifficulty(Number.MIN_VALUE)).toBe(MAX);
    expect(targetOfDifficulty(1e-300)).toBe(MAX);
    expect(targetOfDifficulty(Number.MAX_VALUE)).toBe(0n);
    expect(targetOfDifficulty(3e12)).toBe(DIFFICULTY_1_TARGET / 3_000_000_000_000n);
  });

  it('is floor(difficulty-1 target / difficulty) for every double', () => {
    fc.assert(
      fc.property(fc.double({ min: 2 ** -30, max: 2 ** 80, noNaN: true }), (difficulty) => {
        const value = targetOfDifficulty(difficulty);
        // Both sides times 2^83: then every double of this range is an integer, and the product is exact.
        const scaled = BigInt(difficulty * 2 ** 83);
        const whole = DIFFICULTY_1_TARGET << 83n;
        expect(value * scaled <= whole && (value + 1n) * scaled > whole).toBe(true);
      }),
    );
  });

  it.each([0, -0, -1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('refuses %s', (difficulty) => {
    expect(() => targetOfDifficulty(difficulty)).toThrow(RangeError);
  });

  it('counts work in hashes, at least one', () => {
    expect(workOf(1)).toBe(0x1_0001_0001n);
    expect(workOf(Number.MIN_VALUE)).toBe(1n);
    expect(workOfTarget(0n)).toBe(1n << 256n);
    expect(workOfTarget(0x7fffffn << 232n)).toBe(2n);
  });
});

describe('targets as bytes', () => {
  it('go there and back, little-endian', () => {
    fc.assert(fc.property(anySize, (value) => bytesToTarget(targetToBytes(value)) === value));
    expect(targetToBytes(1n)[0]).toBe(1);
    expect(targetToBytes(1n << 248n)[31]).toBe(1);
  });

  it('refuse anything but a 256-bit number', () => {
    expect(() => targetToBytes(MAX + 1n)).toThrow(RangeError);
    expect(() => targetToBytes(-1n)).toThrow(RangeError);
    expect(() => bytesToTarget(new Uint8Array(31))).toThrow(RangeError);
    expect(() => bitsOfTarget(MAX + 1n)).toThrow(RangeError);
  });

  it('compare as integers do', () => {
    fc.assert(
      fc.property(anySize, anySize, (a, b) => {
        expect(meetsTarget(targetToBytes(a), targetToBytes(b))).toBe(a <= b);
      }),
    );
    expect(meetsTarget(targetToBytes(7n), targetToBytes(7n))).toBe(true);
    expect(meetsTarget(targetToBytes(8n), targetToBytes(7n))).toBe(false);
  });
});

describe('difficultyOfHash', () => {
  /** difficulty-1 target / hash with 80 more bits than a double has. */
  const oracle = (hash: bigint): number => Number((DIFFICULTY_1_TARGET << 400n) / hash) / 2 ** 200 / 2 ** 200;

  it('agrees with a bigint quotient to double precision', () => {
    fc.assert(
      fc.property(anySize, (value) => {
        fc.pre(value > 0n);
        const expected = oracle(value);
        expect(Math.abs(difficultyOfHash(targetToBytes(value)) - expected)).toBeLessThanOrEqual(expected * 2 ** -51);
      }),
      { numRuns: 2000 },
    );
  });

  it.each(Array.from({ length: 256 }, (_, bit) => bit))('is exact where only bit %i is set', (bit) => {
    expect(difficultyOfHash(targetToBytes(1n << BigInt(bit)))).toBe(0xffff * 2 ** (208 - bit));
  });

  it('is finite for a hash of zero', () => {
    expect(difficultyOfHash(new Uint8Array(32))).toBe(0xffff * 2 ** 208);
  });

  it('shows network difficulty as getdifficulty does', () => {
    expect(difficultyOfTarget(targetOfBits(0x1d00ffff) ?? 0n)).toBe(1);
    expect(difficultyOfTarget(targetOfBits(0x207fffff) ?? 0n)).toBe(4.6565423739069247e-10);
    expect(difficultyOfTarget(targetOfBits(0x1b04864c) ?? 0n)).toBeCloseTo(14484.162361225399, 9);
  });
});
