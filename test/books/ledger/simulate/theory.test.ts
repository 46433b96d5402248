import { describe, expect, it } from 'vitest';
import { Moments } from '#books/ledger/simulate/moments';
import { Random } from '#books/ledger/simulate/random';
import {
  pplnsSliceVariance,
  ppsReserve,
  ppsRuin,
  propHopperGain,
  propSliceVariance,
} from '#books/ledger/simulate/theory';

describe('theory', () => {
  it('has the published reserve of pps', () => {
    expect(ppsReserve(50, 0.001, 0.05)).toBeCloseTo(3453.88, 2);
  });

  it('has the published gain of a hopper, largest at 43.5 % of a block', () => {
    const slices = 2_000;
    const gainAt = (blocks: number): number => propHopperGain(Math.round(blocks * slices), slices, 0);
    expect(gainAt(0.435)).toBeCloseTo(0.2815, 3);
    expect(gainAt(0.435)).toBeGreaterThan(gainAt(0.42));
    expect(gainAt(0.435)).toBeGreaterThan(gainAt(0.45));
    expect(gainAt(30)).toBeCloseTo(0, 6);
  });

  it('puts ruin a little below what the reserve was made for', () => {
    for (const ruin of [0.1, 0.01, 0.001]) {
      const exact = ppsRuin(ppsReserve(1, ruin, 0.05), 0.05);
      expect(exact).toBeLessThan(ruin);
      expect(exact).toBeGreaterThan(ruin / 1.4);
    }
    expect(ppsRuin(10, 0.001)).toBeCloseTo(Math.exp(-0.02), 4);
  });

  it('has variances that fall with the window and rise with finer slices', () => {
    expect(pplnsSliceVariance(8, 1e9)).toBeCloseTo(1 / 8, 6);
    expect(propSliceVariance(1e9)).toBeCloseTo(Math.log(1e9) - 1, 6);
  });

  it('says what a full window would have cost a miner that leaves: it is paid 99.9665 %', () => {
    // PAYMENTS: 1 − e^−8 if only full windows paid.
    expect(1 - Math.exp(-8)).toBeCloseTo(0.999665, 6);
  });
});

describe('a seeded generator', () => {
  it('repeats itself, and differs by seed', () => {
    const numbers = (seed: number): number[] => {
      const random = new Random(seed);
      return Array.from({ length: 5 }, () => random.unit());
    };
    expect(numbers(1)).toEqual(numbers(1));
    expect(numbers(1)).not.toEqual(numbers(2));
    expect(numbers(0).every((value) => value >= 0 && value < 1)).toBe(true);
  });

  it('is even, without a memory, and has exponential times of mean 1', () => {
    const random = new Random(7);
    const [even, times, pairs] = [new Moments(), new Moments(), new Moments()];
    let last = 0.5;
    for (let at = 0; at < 200_000; at += 1) {
      const value = random.unit();
      even.add(value);
      pairs.add((value - 0.5) * (last - 0.5));
      last = value;
      times.add(random.exponential());
    }
    expect(even.mean).toBeCloseTo(0.5, 2);
    expect(even.variance).toBeCloseTo(1 / 12, 2);
    expect(pairs.mean).toBeCloseTo(0, 2);
    expect(times.mean).toBeCloseTo(1, 1);
    expect(times.variance).toBeCloseTo(1, 1);
  });
});

describe('moments', () => {
  it('are those of numbers counted by their weights', () => {
    const moments = new Moments();
    moments.add(1, 2);
    moments.add(4, 1);
    expect(moments.mean).toBeCloseTo(2, 12);
    expect(moments.variance).toBeCloseTo(2, 12);
  });
});
