import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ONE, windowOfBlocks } from '#books/ledger/rewards/fixed-point';
import { pplns } from '#books/ledger/rewards/pplns';
import type { Slice } from '#books/ledger/rewards/scheme';
import { noFees } from '#books/ledger/rewards/scheme';
import { sliceWindow } from '#books/ledger/rewards/window';
import { anyFees, anyReward, anySlices, feesOf, history, paidOut, satsOf, slice, workOf } from './fixtures.ts';

const weigh = (slices: readonly Slice[], window: bigint): bigint[] =>
  [...sliceWindow(slices, window)].map(({ weight }) => weight);
const anyWindow = fc.bigInt(1n, 64n * ONE);

describe('pplns', () => {
  it('takes the newest shares that fill the window', () => {
    // A window of 80 units of work where a block takes 10.
    const { credits, totalWeight, fromJobId, toJobId } = pplns(8_000n, history('a10 b20 a30 c50'), {
      window: windowOfBlocks(8),
      fees: noFees,
    });
    expect(credits).toEqual([
      { account: 'a', sats: 3_000n, weight: 3n * ONE, work: 30n },
      { account: 'c', sats: 5_000n, weight: 5n * ONE, work: 50n },
    ]);
    expect([totalWeight, fromJobId, toJobId]).toEqual([8n * ONE, 'job3', 'job4']);
  });

  it('shares out all of the reward while the window is not full', () => {
    // A window of 1,000 units of work where a block takes 125.
    const given = pplns(6_000n, history('a10 b20 a30', 125n), { window: windowOfBlocks(8), fees: noFees });
    expect(satsOf(given)).toEqual({ a: 4_000n, b: 2_000n });
    expect(workOf(given)).toEqual({ a: 40n, b: 20n });
    expect(given.totalWeight).toBeLessThan(windowOfBlocks(8));
  });

  it('pays all of the reward for a score that is a fraction of the window', () => {
    // Factor 2 and a score of 0.0517: a denominator of the window would pay 2.58 %.
    const alone = [slice(1, { a: 517n }, { networkWork: 10_000n })];
    const given = pplns(312_500_000n, alone, { window: windowOfBlocks(2), fees: noFees });
    expect(satsOf(given)).toEqual({ a: 312_500_000n });
    expect(Number((given.totalWeight * 1_000_000n) / windowOfBlocks(2)) / 1_000_000).toBeCloseTo(0.02585, 5);
  });

  it('gives the satoshis that are left to the first accounts in byte order', () => {
    const equal = [slice(1, { c: 5n, a: 5n, b: 5n })];
    expect(satsOf(pplns(100n, equal, { window: ONE * 8n, fees: noFees }))).toEqual({ a: 34n, b: 33n, c: 33n });
  });

  it('cuts the oldest slice in proportion to its entries, exact in fixed point', () => {
    // 20 units of work, 15 of them in the newer slice: 5 are left for a slice of a10 b10.
    const slices = [slice(2, { c: 15n }), slice(1, { a: 10n, b: 10n })];
    const { credits, totalWeight } = pplns(20_000n, slices, { window: windowOfBlocks(2), fees: noFees });
    const quarter = (25n * ONE) / 100n;
    expect(credits).toEqual([
      { account: 'a', sats: 2_500n, weight: quarter, work: 2n },
      { account: 'b', sats: 2_500n, weight: quarter, work: 2n },
      { account: 'c', sats: 15_000n, weight: (15n * ONE) / 10n, work: 15n },
    ]);
    expect(totalWeight).toBe(2n * ONE);
  });

  it('fills the window to the last unit where entries of the cut slice do not divide evenly', () => {
    const slices = [slice(2, { d: 1n }), slice(1, { a: 1n, b: 1n, c: 1n }, { networkWork: 3n })];
    const [newer, older] = [...sliceWindow(slices, ONE / 10n + 100n)];
    expect(newer?.weight).toBe(ONE / 10n);
    expect(older?.entries.map(({ account, weight }) => [account, weight])).toEqual([
      ['a', 34n],
      ['b', 33n],
      ['c', 33n],
    ]);
    expect(older?.wholeWeight).toBe(3n * (ONE / 3n));
  });

  it("weighs an entry by the network's work of its own job", () => {
    // The same work was worth twice as much of a block before the difficulty doubled.
    const slices = [slice(2, { a: 10n }, { networkWork: 20n }), slice(1, { b: 10n }, { networkWork: 10n })];
    expect(satsOf(pplns(300n, slices, { window: windowOfBlocks(8), fees: noFees }))).toEqual({ a: 100n, b: 200n });
  });

  it('rounds a weight down to 2^-64 of a block', () => {
    const { credits } = pplns(1n, [slice(1, { a: 1n }, { networkWork: 3n })], { window: ONE, fees: noFees });
    expect(credits[0]?.weight).toBe((1n << 64n) / 3n);
  });

  it('reads no slice beyond the window', () => {
    const read: number[] = [];
    function* endless(): Generator<Slice> {
      for (let serial = 1_000; ; serial -= 1) {
        read.push(serial);
        yield slice(serial, { a: 10n });
      }
    }
    pplns(1n, endless(), { window: windowOfBlocks(2.5), fees: noFees });
    expect(read).toEqual([1_000, 999, 998]);
    read.length = 0;
    pplns(1n, endless(), { window: windowOfBlocks(2), fees: noFees });
    expect(read).toEqual([1_000, 999]);
  });

  it('puts a reward that nobody has a weight for under rounding', () => {
    const given = pplns(1_000n, [slice(1, {})], { window: ONE, fees: feesOf(100) });
    expect(given).toMatchObject({ credits: [], feeSats: 10n, donationSats: 0n, roundingSats: 990n, totalWeight: 0n });
    expect(pplns(1_000n, [], { window: ONE, fees: noFees })).toMatchObject({
      roundingSats: 1_000n,
      toJobId: undefined,
    });
  });

  it('sums to the reward, and rounding stays zero', () => {
    fc.assert(
      fc.property(anyReward, anySlices, anyWindow, anyFees, (reward, slices, window, fees) => {
        const given = pplns(reward, slices, { window, fees });
        expect(paidOut(given)).toBe(reward);
        if (given.totalWeight > 0n) expect(given.roundingSats).toBe(0n);
      }),
    );
  });

  it('fills the window exactly whenever history can', () => {
    fc.assert(
      fc.property(anySlices, anyWindow, (slices, window) => {
        const all = weigh(slices, 1n << 400n).reduce((sum, weight) => sum + weight, 0n);
        const full = all >= window;
        const { totalWeight, credits } = pplns(1n, slices, { window, fees: noFees });
        expect(totalWeight).toBe(full ? window : all);
        expect(credits.reduce((sum, { weight }) => sum + weight, 0n)).toBe(totalWeight);
      }),
    );
  });

  it('does not depend on the order of entries in a slice', () => {
    fc.assert(
      fc.property(anyReward, anySlices, anyWindow, anyFees, (reward, slices, window, fees) => {
        const turned = slices.map((each) => ({ ...each, entries: each.entries.toReversed() }));
        expect(pplns(reward, turned, { window, fees })).toEqual(pplns(reward, slices, { window, fees }));
      }),
    );
  });

  it('does not depend on the unit of work', () => {
    fc.assert(
      fc.property(anyReward, anySlices, anyWindow, fc.bigInt(2n, 1n << 40n), (reward, slices, window, factor) => {
        const scaled = slices.map((each) => ({
          ...each,
          networkWork: each.networkWork * factor,
          entries: each.entries.map(({ account, work }) => ({ account, work: work * factor })),
        }));
        const options = { window, fees: noFees };
        expect(satsOf(pplns(reward, scaled, options))).toEqual(satsOf(pplns(reward, slices, options)));
      }),
    );
  });

  it('credits nobody more than a satoshi away from the exact fraction', () => {
    fc.assert(
      fc.property(anyReward, anySlices, anyWindow, (reward, slices, window) => {
        const { credits, totalWeight } = pplns(reward, slices, { window, fees: noFees });
        for (const { sats, weight } of credits) {
          const offBy = sats * totalWeight - reward * weight;
          if (totalWeight > 0n) expect(offBy > -totalWeight && offBy < totalWeight).toBe(true);
        }
      }),
    );
  });
});
