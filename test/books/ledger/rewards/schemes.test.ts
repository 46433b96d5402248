import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { divideBlock } from '#books/ledger/rewards/divide-block';
import { ONE, windowOfBlocks } from '#books/ledger/rewards/fixed-point';
import { pplns } from '#books/ledger/rewards/pplns';
import { type Carry, fpps, noCarry, pps } from '#books/ledger/rewards/pps';
import { prop } from '#books/ledger/rewards/prop';
import { noFees } from '#books/ledger/rewards/scheme';
import { solo } from '#books/ledger/rewards/solo';
import { anyFees, anyReward, anySlices, feesOf, history, paidOut, satsOf, slice, workOf } from './fixtures.ts';

describe('prop', () => {
  it('takes the slices after the last block, up to and with its own', () => {
    const slices = history('a10 b20 a30 c50');
    const given = prop(8_000n, slices, { afterSerial: 2, fees: noFees });
    expect(satsOf(given)).toEqual({ a: 3_000n, c: 5_000n });
    expect([given.fromJobId, given.toJobId, given.totalWeight]).toEqual(['job3', 'job4', 80n]);
    expect(workOf(prop(1n, slices, { afterSerial: undefined, fees: noFees }))).toEqual({ a: 40n, b: 20n, c: 50n });
  });

  it('pays the own slice of a second block of one slice', () => {
    expect(satsOf(prop(9n, history('a10 b20'), { afterSerial: 2, fees: noFees }))).toEqual({ b: 9n });
  });

  it('pays a round without a share to the newest slice before it', () => {
    expect(satsOf(prop(9n, history('a10 b20'), { afterSerial: 5, fees: noFees }))).toEqual({ b: 9n });
  });

  it('sums to the reward in any order of entries', () => {
    const anyAfter = fc.option(fc.integer({ min: 0, max: 30 }), { nil: undefined });
    fc.assert(
      fc.property(anyReward, anySlices, anyAfter, anyFees, (reward, slices, afterSerial, fees) => {
        const given = prop(reward, slices, { afterSerial, fees });
        expect(paidOut(given)).toBe(reward);
        const turned = slices.map((each) => ({ ...each, entries: each.entries.toReversed() }));
        expect(prop(reward, turned, { afterSerial, fees })).toEqual(given);
      }),
    );
  });
});

describe('solo', () => {
  it('pays the finder all less the fee, its own fee if it has one', () => {
    const own = slice(7, { a: 90n, b: 3n });
    expect(solo(1_000n, 'b', own, feesOf(150))).toEqual({
      credits: [{ account: 'b', sats: 985n, weight: 1n, work: 3n }],
      feeSats: 15n,
      donationSats: 0n,
      roundingSats: 0n,
      totalWeight: 1n,
      fromJobId: 'job7',
      toJobId: 'job7',
    });
    expect(satsOf(solo(1_000n, 'b', own, feesOf(150, { exceptions: new Map([['b', 0]]) })))).toEqual({ b: 1_000n });
  });

  it('pays the finder if a crash took every share of the pool', () => {
    const terms = { scheme: 'solo', fees: feesOf(150), window: 1n, afterSerial: undefined, finder: 'b' } as const;
    expect(divideBlock(1_000n, [], terms)).toMatchObject({
      credits: [{ account: 'b', sats: 985n, work: 0n }],
      roundingSats: 0n,
    });
  });

  it('credits nobody if the finder is unknown', () => {
    const own = slice(7, { a: 90n, b: 3n });
    expect(solo(1_000n, '', own, feesOf(150))).toMatchObject({ credits: [], feeSats: 15n, roundingSats: 985n });
  });
});

describe('pps', () => {
  it("pays each slice for its part of its own job's subsidy and carries what is below a satoshi", () => {
    // Each slice is worth 100 ÷ 3 sats.
    const third = slice(1, { a: 1n }, { networkWork: 3n, subsidySats: 100n });
    const first = pps([third], noCarry, noFees);
    expect(satsOf(first)).toEqual({ a: 33n });
    expect(first.carry.accounts.get('a')).toBe(ONE / 3n);
    const second = pps([third], first.carry, noFees);
    expect(satsOf(second)).toEqual({ a: 33n });
    const third3 = pps([third, third], second.carry, noFees);
    // Four thirds of 100 are 133.33: three floors of 33.33, rounded down at 2^-64, leave one for the last call.
    expect(satsOf(third3)).toEqual({ a: 67n });
  });

  it('takes the fee of each account before it credits, and carries the fee as well', () => {
    const job = slice(1, { a: 1n, b: 1n }, { networkWork: 4n, subsidySats: 1_001n });
    const fees = feesOf(200, { donationBasisPoints: 100, exceptions: new Map([['b', 0]]) });
    const given = pps([job], noCarry, fees);
    // 250.25 each: a keeps 97 %, b keeps 99 %.
    expect(satsOf(given)).toEqual({ a: 242n, b: 247n });
    expect([given.feeSats, given.donationSats]).toEqual([5n, 5n]);
    expect(given.carry.fee > 0n && given.carry.fee < ONE / 100n).toBe(true);
  });

  it('pays nothing for the fees of transactions, and fpps pays them or their average', () => {
    const job = slice(1, { a: 1n }, { networkWork: 2n, subsidySats: 1_000n, feesSats: 500n });
    expect(satsOf(pps([job], noCarry, noFees))).toEqual({ a: 500n });
    expect(satsOf(fpps([job], noCarry, noFees))).toEqual({ a: 750n });
    expect(satsOf(fpps([job], noCarry, noFees, 100n))).toEqual({ a: 550n });
  });

  it('pays the same slice by slice as all at once, for ever exact', () => {
    fc.assert(
      fc.property(anySlices, anyFees, fc.constantFrom(pps, fpps), (slices, fees, scheme) => {
        const once = scheme(slices, noCarry, fees);
        const sats = new Map<string, bigint>();
        let carry: Carry = noCarry;
        let [fee, donation] = [0n, 0n];
        for (const each of slices) {
          const given = scheme([each], carry, fees);
          for (const credit of given.credits) {
            sats.set(credit.account, (sats.get(credit.account) ?? 0n) + credit.sats);
          }
          fee += given.feeSats;
          donation += given.donationSats;
          carry = { ...given.carry, accounts: new Map([...carry.accounts, ...given.carry.accounts]) };
        }
        expect(Object.fromEntries(sats)).toEqual(satsOf(once));
        expect([fee, donation, carry]).toEqual([once.feeSats, once.donationSats, once.carry]);
        // Nothing is lost: what was due is paid, kept as fee, or carried.
        const carried = [...carry.accounts.values()].reduce((sum, each) => sum + each, carry.fee + carry.donation);
        expect((paidOut(once) << 64n) + carried).toBe(once.totalWeight);
      }),
    );
  });
});

describe('the division of a block', () => {
  const slices = history('a10 b20 a30 c50');
  const terms = { fees: feesOf(100), window: windowOfBlocks(8), afterSerial: 2, finder: 'c' };

  it('follows its scheme', () => {
    expect(divideBlock(8_000n, slices, { scheme: 'pplns', ...terms })).toEqual(pplns(8_000n, slices, terms));
    expect(divideBlock(8_000n, slices, { scheme: 'prop', ...terms })).toEqual(prop(8_000n, slices, terms));
    expect(satsOf(divideBlock(8_000n, slices, { scheme: 'solo', ...terms }))).toEqual({ c: 7_920n });
  });
});
