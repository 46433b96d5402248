import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { distribute } from '#books/ledger/rewards/distribute';
import { ONE } from '#books/ledger/rewards/fixed-point';
import { pplns } from '#books/ledger/rewards/pplns';
import { noFees } from '#books/ledger/rewards/scheme';
import { sliceWindow } from '#books/ledger/rewards/window';
import { RollingWindow } from '#books/ledger/simulate/rolling-window';
import { anyReward, anySlices } from '../rewards/fixtures.ts';

describe('a rolling window', () => {
  it('divides a reward as pplns does after each slice of a history', () => {
    fc.assert(
      fc.property(
        anyReward,
        anySlices,
        fc.bigInt(1n, 20n * ONE),
        fc.integer({ min: 1, max: 4 }),
        (reward, slices, window, laps) => {
          const rolling = new RollingWindow(window);
          // The same slices several times over, so that kinds come again.
          const history = Array.from({ length: laps }, () => slices.toReversed()).flat();
          const jobs = { fromJobId: undefined, toJobId: undefined };
          for (const [at, slice] of history.entries()) {
            rolling.push(slice);
            const newestFirst = history.slice(0, at + 1).reverse();
            const whole = pplns(reward, newestFirst, { window, fees: noFees });
            const credits = distribute(reward, rolling.sums(), noFees, jobs).credits;
            expect(credits.filter(({ weight }) => weight > 0n)).toEqual(
              whole.credits.filter(({ weight }) => weight > 0n),
            );
          }
        },
      ),
    );
  });

  it('says what it cut off the oldest slice', () => {
    fc.assert(
      fc.property(anySlices, fc.bigInt(1n, 20n * ONE), (slices, window) => {
        const rolling = new RollingWindow(window);
        const left = slices.toReversed().reduce((sum, slice) => sum + rolling.push(slice), 0);
        const held = [...sliceWindow(slices, window)];
        const oldest = held.at(-1);
        expect(left).toBeLessThanOrEqual(slices.length);
        if (oldest === undefined || oldest.weight === 0n) return;
        expect(rolling.cutOff.outside).toBe(oldest.wholeWeight - oldest.weight);
        expect(rolling.cutOff.whole).toBe(oldest.wholeWeight);
      }),
    );
  });
});
