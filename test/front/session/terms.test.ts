import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { targetOfDifficulty, targetToBytes, workOf } from '#base/bitcoin/target';
import { mustBeDifficulty as d } from '#base/domain/difficulty';
import type { Terms } from '#base/domain/share';
import { RungSum, TermsCache, TermsLadder } from '#front/session/work/terms';

const cache = new TermsCache({ entriesMax: 100 });
const terms = (difficulty: number): Terms => cache.get(d(difficulty), 0);

describe('TermsCache', () => {
  it('makes terms whose target, work and difficulty agree, and shares them', () => {
    const made = new TermsCache({ entriesMax: 2 });
    const some = made.get(d(2048), 0x1fffe000);
    expect(some).toEqual({
      difficulty: 2048,
      target: targetToBytes(targetOfDifficulty(2048)),
      work: workOf(2048),
      versionMask: 0x1fffe000,
    });
    expect(made.get(d(2048), 0x1fffe000)).toBe(some);
    expect(made.get(d(2048), 0)).not.toBe(some);
    made.get(d(1), 0);
    expect(made.get(d(2048), 0x1fffe000), 'forgotten, since no more than two are kept').not.toBe(some);
    expect(made.get(d(2048), 0x1fffe000)).toEqual(some);
  });
});

describe('TermsLadder', () => {
  it('knows nothing before the first announcement', () => {
    const ladder = new TermsLadder({ rungsMax: 4 });
    expect(ladder.latest).toBeUndefined();
    expect(ladder.find(0, 0, 10)).toBeUndefined();
  });

  it('finds what held at a job id, across retargets on the same job and on a new one', () => {
    const ladder = new TermsLadder({ rungsMax: 10 });
    ladder.announce(5, 0, terms(1));
    ladder.announce(6, 1, terms(2));
    ladder.announce(6, 2, terms(3));
    ladder.announce(9, 0, terms(4));
    const at = (serial: number, variant: number): number | undefined => ladder.find(serial, variant, 10)?.difficulty;
    expect([
      at(4, 0),
      at(5, 0),
      at(6, 0),
      at(6, 1),
      at(6, 2),
      at(7, 0),
      at(8, 0),
      at(9, 0),
      at(10, 0),
      at(11, 0),
    ]).toEqual([undefined, 1, 1, 2, 3, 3, 3, 4, 4, undefined]);
    expect([at(5, 1), at(6, 3), at(7, 1), at(9, 1), at(4, 1)]).toEqual(Array(5).fill(undefined));
  });

  it('does not know a job’s own id if the id was never sent', () => {
    const at = (ladder: TermsLadder, serial: number, variant = 0) => ladder.find(serial, variant, 9)?.difficulty;
    const fresh = new TermsLadder({ rungsMax: 10 });
    fresh.skip(0);
    fresh.announce(5, 700, terms(1));
    expect([at(fresh, 5), at(fresh, 5, 700), at(fresh, 6)]).toEqual([undefined, 1, 1]);
    fresh.announce(5, 3, terms(2));
    expect([at(fresh, 5), at(fresh, 5, 700), at(fresh, 5, 3), at(fresh, 6)]).toEqual([undefined, 1, 2, 2]);
    // Away while 7 came; back at 8, twice.
    fresh.skip(7);
    fresh.announce(8, 40, terms(4));
    fresh.announce(8, 30, terms(5));
    expect([6, 7, 8, 9].map((serial) => at(fresh, serial))).toEqual([2, undefined, undefined, 5]);
    expect([at(fresh, 8, 40), at(fresh, 8, 30), at(fresh, 7, 40)]).toEqual([4, 5, undefined]);
  });

  it('says the same after pruning, of every job that is left', () => {
    const step = fc.record({ jobs: fc.nat(2), difficulty: fc.integer({ min: 1, max: 50 }), away: fc.boolean() });
    const steps = fc.array(step, { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(steps, fc.nat(25), (changes, age) => {
        const [whole, pruned] = [new TermsLadder({ rungsMax: 100 }), new TermsLadder({ rungsMax: 100 })];
        let serial = 0;
        for (const [place, { jobs, difficulty, away }] of changes.entries()) {
          // Variants come in no order.
          const variant = jobs === 0 || away ? changes.length - place : 0;
          for (const ladder of [whole, pruned]) {
            if (away && jobs > 0) ladder.skip(serial + 1);
            ladder.announce(serial + jobs, variant, terms(difficulty));
          }
          serial += jobs;
        }
        const oldest = Math.max(serial - age, 0);
        pruned.prune(oldest);
        for (let at = oldest; at <= serial + 1; at += 1) {
          for (let v = 0; v <= changes.length; v += 1) {
            expect(pruned.find(at, v, serial)).toBe(whole.find(at, v, serial));
          }
        }
        expect(pruned.latest).toBe(whole.latest);
        const left = Array.from({ length: serial - oldest + 1 }, (_, job) => pruned.find(oldest + job, 0, serial));
        for (const held of left) expect(held?.difficulty ?? 50).toBeGreaterThanOrEqual(pruned.leastDifficulty);
        expect(pruned.leastDifficulty).toBeGreaterThanOrEqual(whole.leastDifficulty);
      }),
    );
  });

  it('is bounded by the jobs that can be answered', () => {
    const ladder = new TermsLadder({ rungsMax: 8 });
    for (let serial = 0; serial < 1000; serial += 1) {
      ladder.prune(serial - 3);
      expect(ladder.full).toBe(false);
      ladder.announce(serial, 0, terms(1 + (serial % 90)));
      expect(ladder.size).toBeLessThanOrEqual(5);
    }
    for (let variant = 1; !ladder.full; variant += 1) ladder.announce(999, variant, terms(1));
    expect(ladder.size).toBe(8);
  });

  it('is bounded with all others, beyond what each may have', () => {
    const sum = new RungSum({ rungsMax: 40 });
    const ladders = Array.from({ length: 10 }, () => new TermsLadder({ rungsMax: 30, rungsFree: 3 }, sum));
    for (const ladder of ladders) {
      for (let serial = 0; !ladder.full; serial += 1) ladder.announce(serial, 0, terms(serial + 1));
    }
    expect(ladders.map(({ size }) => size)).toEqual([30, 10, 3, 3, 3, 3, 3, 3, 3, 3]);
    expect(sum.rungs).toBe(64);
    ladders[0]?.prune(29);
    expect(sum.rungs).toBe(35);
    expect(ladders[2]?.full, 'there is room again').toBe(false);
    for (const ladder of [...ladders, ...ladders]) ladder.release();
    expect(sum.rungs).toBe(0);
    ladders[1]?.prune(1000);
    expect(sum.rungs).toBe(0);
  });
});
