import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { merkleBranch } from '#base/bitcoin/merkle';
import { createJobFactory, type JobFactory } from '#work/jobs/factory';
import { JobStore } from '#work/jobs/store';
import { ManualClock, templateOn } from './fixtures.ts';

function factory(): JobFactory {
  const options = { epoch: 1, identity: new Uint8Array(6), payoutScript: Uint8Array.of(0x51), tag: '' };
  return createJobFactory(options, { clock: new ManualClock(), nextEpoch: () => 2, merkleBranch });
}

describe('JobStore', () => {
  it('is empty at first', () => {
    const store = new JobStore({ jobsMax: 4 });
    expect(store.current).toBeUndefined();
    expect(store.find(0)).toBeUndefined();
    expect(() => new JobStore({ jobsMax: 0 })).toThrow(RangeError);
  });

  it('keeps jobs of the same tip valid beside the current one', () => {
    const [jobs, store] = [factory(), new JobStore({ jobsMax: 4 })];
    const first = jobs.build(templateOn(1));
    const second = jobs.build(templateOn(1));
    store.add(first);
    store.add(second);
    expect(store.current).toBe(second);
    expect(store.find(first.serial)).toBe(first);
    expect(store.isStale(first)).toBe(false);
  });

  it('knows stale jobs, and takes them back when the tip goes A → B → A', () => {
    const [jobs, store] = [factory(), new JobStore({ jobsMax: 4 })];
    const a = jobs.build(templateOn(1));
    const b = jobs.build(templateOn(2));
    store.add(a);
    store.add(b);
    expect(store.find(a.serial)).toBe(a);
    expect(store.isStale(a)).toBe(true);
    store.add(jobs.build(templateOn(1)));
    expect(store.isStale(a)).toBe(false);
    expect(store.isStale(b)).toBe(true);
  });

  it('drops the oldest when full', () => {
    const [jobs, store] = [factory(), new JobStore({ jobsMax: 2 })];
    const a = jobs.build(templateOn(1));
    store.add(a);
    store.add(jobs.build(templateOn(2)));
    store.add(jobs.build(templateOn(2)));
    expect(store.find(a.serial)).toBeUndefined();
    expect(store.isStale(a)).toBe(true);
    expect(store.size).toBe(2);
  });

  it('refuses a job that is not newer than those before', () => {
    const [jobs, store] = [factory(), new JobStore({ jobsMax: 2 })];
    const [job, next] = [jobs.build(templateOn(1)), jobs.build(templateOn(1))];
    store.add(next);
    expect(() => store.add(next)).toThrow('not a newer one');
    expect(() => store.add(job)).toThrow('not a newer one');
    expect(store.oldestSerial).toBe(next.serial);
  });

  it('holds to its bound over any history of tips', () => {
    const history = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(history, fc.integer({ min: 1, max: 8 }), (tips, jobsMax) => {
        const [jobs, store] = [factory(), new JobStore({ jobsMax })];
        const all = tips.map((tip) => jobs.build(templateOn(tip)));
        for (const [index, job] of all.entries()) {
          store.add(job);
          const kept = all.slice(Math.max(0, index + 1 - jobsMax), index + 1);
          expect(store.size).toBe(kept.length);
          for (const each of kept) {
            expect(store.find(each.serial)).toBe(each);
            expect(store.isStale(each)).toBe(tips[all.indexOf(each)] !== tips[index]);
          }
        }
      }),
    );
  });
});
