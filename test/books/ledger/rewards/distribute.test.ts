import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { apportion } from '#books/ledger/rewards/apportion';
import { distribute } from '#books/ledger/rewards/distribute';
import { fraction, ONE, ratio, whole, windowOfBlocks } from '#books/ledger/rewards/fixed-point';
import { byAccount, type Fees, noFees } from '#books/ledger/rewards/scheme';
import { anyReward, feesOf, satsOf } from './fixtures.ts';

const jobs = { fromJobId: undefined, toJobId: undefined };
const weighed = (weights: Readonly<Record<string, bigint>>) =>
  Object.entries(weights).map(([account, weight]) => ({ account, weight, work: weight }));
const anyWeights = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.bigInt(0n, 1n << 70n), { minKeys: 1 });
const given = (reward: bigint, weights: Readonly<Record<string, bigint>>, fees: Fees) =>
  distribute(reward, weighed(weights), fees, jobs);

describe('the largest remainder', () => {
  it('goes to the largest fractions, and first to the first of equal ones', () => {
    expect(apportion(100n, [1n, 1n, 1n])).toEqual([34n, 33n, 33n]);
    expect(apportion(10n, [14n, 33n, 53n])).toEqual([2n, 3n, 5n]);
    expect(apportion(2n, [1n, 1n, 1n, 1n])).toEqual([1n, 1n, 0n, 0n]);
  });

  it('gives nothing for a weight of zero', () => {
    expect(apportion(7n, [0n, 1n, 0n, 1n])).toEqual([0n, 4n, 0n, 3n]);
    expect(apportion(7n, [0n, 0n])).toEqual([0n, 0n]);
    expect(apportion(7n, [])).toEqual([]);
  });

  it('refuses what is negative', () => {
    expect(() => apportion(-1n, [1n])).toThrow(RangeError);
    expect(() => apportion(1n, [2n, -1n])).toThrow(RangeError);
  });

  it('sums to the total, and each part is the floor or one more', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 1n << 60n), fc.array(fc.bigInt(0n, 1n << 70n), { maxLength: 12 }), (total, weights) => {
        const parts = apportion(total, weights);
        const sum = weights.reduce((a, b) => a + b, 0n);
        expect(parts.reduce((a, b) => a + b, 0n)).toBe(sum === 0n ? 0n : total);
        for (const [at, part] of parts.entries()) {
          const floor = sum === 0n ? 0n : (total * (weights[at] ?? 0n)) / sum;
          expect(part === floor || part === floor + 1n).toBe(true);
        }
      }),
    );
  });
});

describe('a distribution', () => {
  it('takes fee and donation first, both rounded down', () => {
    const all = given(1_000_001n, { a: 3n, b: 1n }, feesOf(100, { donationBasisPoints: 50 }));
    expect(all).toMatchObject({ feeSats: 10_000n, donationSats: 5_000n, roundingSats: 0n });
    // 985,001 × 3/4 = 738,750.75, and × 1/4 = 246,250.25.
    expect(satsOf(all)).toEqual({ a: 738_751n, b: 246_250n });
  });

  it('charges an account its own fee and leaves the others theirs', () => {
    const all = given(1_000_000n, { a: 1n, b: 1n }, feesOf(200, { exceptions: new Map([['b', 0]]) }));
    expect(satsOf(all)).toEqual({ a: 490_000n, b: 500_000n });
    expect(all.feeSats).toBe(10_000n);
    const dear = given(1_000_000n, { a: 1n, b: 1n }, feesOf(200, { exceptions: new Map([['b', 10_000]]) }));
    expect(satsOf(dear)).toEqual({ a: 490_000n, b: 0n });
  });

  it('changes no other credit by more than a satoshi when one account gets a fee of its own', () => {
    const anyFee = fc.integer({ min: 0, max: 10_000 });
    fc.assert(
      fc.property(anyReward, anyWeights, anyFee, anyFee, (reward, weights, fee, own) => {
        const plain = satsOf(given(reward, weights, feesOf(fee)));
        const special = satsOf(given(reward, weights, feesOf(fee, { exceptions: new Map([['a', own]]) })));
        for (const [account, sats] of Object.entries(special)) {
          const offBy = sats - (plain[account] ?? 0n);
          if (account !== 'a') expect(offBy >= -1n && offBy <= 1n, `${account} by ${offBy}`).toBe(true);
        }
      }),
    );
  });

  it('is in proportion to the weights for every fee', () => {
    fc.assert(
      fc.property(anyReward, anyWeights, fc.integer({ min: 0, max: 10_000 }), (reward, weights, fee) => {
        const { credits, feeSats } = given(reward, weights, feesOf(fee));
        const total = credits.reduce((sum, { weight }) => sum + weight, 0n);
        if (total === 0n) return;
        if (fee < 10_000) {
          expect(feeSats).toBe((reward * BigInt(fee)) / 10_000n);
        }
        for (const { sats, weight } of credits) {
          const offBy = sats * total - (reward - feeSats) * weight;
          if (fee < 10_000) expect(offBy > -total && offBy < total).toBe(true);
        }
      }),
    );
  });

  it('refuses a fee that is no part of a whole, and a reward below zero', () => {
    for (const wrong of [-1, 10_001, 0.5, Number.NaN]) {
      expect(() => given(1n, { a: 1n }, feesOf(wrong))).toThrow(RangeError);
      expect(() => given(1n, { a: 1n }, feesOf(0, { exceptions: new Map([['a', wrong]]) }))).toThrow(RangeError);
    }
    expect(() => given(1n, { a: 1n }, feesOf(6_000, { donationBasisPoints: 4_001 }))).toThrow(RangeError);
    expect(() => given(-1n, { a: 1n }, noFees)).toThrow(RangeError);
  });
});

describe('the order of accounts', () => {
  it('is that of their bytes', () => {
    const names = ['bc1qz', '\u{1f600}', '\uff5a', '3A', 'bc1q', 'é', '1A'];
    const byBytes = names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(names.map((account) => ({ account })).sort(byAccount)).toEqual(byBytes.map((account) => ({ account })));
    expect(byAccount({ account: 'a' }, { account: 'a' })).toBe(0);
  });
});

describe('fixed point', () => {
  it('rounds down to 2^-64', () => {
    expect(ratio(1n, 3n)).toBe(0x5555555555555555n);
    expect(ratio(7n, 2n)).toBe(3n * ONE + ONE / 2n);
    expect([whole(ratio(7n, 2n)), fraction(ratio(7n, 2n))]).toEqual([3n, ONE / 2n]);
    for (const [numerator, denominator] of [
      [-1n, 1n],
      [1n, 0n],
      [1n, -1n],
    ] as const) {
      expect(() => ratio(numerator, denominator)).toThrow(RangeError);
    }
  });

  it('takes a window in blocks', () => {
    expect(windowOfBlocks(8)).toBe(8n << 64n);
    expect(windowOfBlocks(0.5)).toBe(1n << 63n);
    for (const wrong of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => windowOfBlocks(wrong)).toThrow(RangeError);
    }
  });
});
