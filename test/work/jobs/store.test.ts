import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { merkleBranch } from '#base/bitcoin/merkle';
import type { Job } from '#base/domain/job';
import { ExpiredJobs } from '#work/jobs/expired';
import { createJobFactory, type JobFactory } from '#work/jobs/factory';
import { JobStore } from '#work/jobs/store';
import { ManualClock, templateOn } from './fixtures.ts';

function factory(): JobFactory {
  const options = {
    epoch: 1,
    bootId: '0123456789abcdef',
    identity: new Uint8Array(6),
    payoutScript: Uint8Array.of(0x51),
    tag: '',
  };
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

  it('knows stale jobs, also when the tip goes A → B → A', () => {
    const [jobs, store] = [factory(), new JobStore({ jobsMax: 4 })];
    const a = jobs.build(templateOn(1));
    const b = jobs.build(templateOn(2));
    store.add(a);
    store.add(b);
    expect(store.find(a.serial)).toBe(a);
    expect(store.isStale(a)).toBe(true);
    expect(store.replacedSerial).toBe(a.serial);
    const again = jobs.build(templateOn(1));
    store.add(again);
    expect([a, b, again].map((job) => store.isStale(job))).toEqual([true, true, false]);
    expect(store.replacedSerial).toBe(b.serial);
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

  it('keeps expired jobs as long as their tip, as stale, and the newest of them', () => {
    const [jobs, store] = [factory(), new JobStore({ jobsMax: 2, expiredJobsMax: 2 })];
    const other = jobs.build(templateOn(2));
    const [a, b, c, d, e] = Array.from({ length: 5 }, () => jobs.build(templateOn(1))) as [Job, Job, Job, Job, Job];
    for (const job of [other, a, b, c]) store.add(job);
    // Of another tip.
    expect(store.findExpired(other.serial)).toBeUndefined();
    expect(store.find(a.serial)).toBeUndefined();
    expect(store.findExpired(a.serial)).toBe(a);
    expect(store.isStale(a)).toBe(true);
    expect(store.findExpired(b.serial)).toBeUndefined();
    for (const job of [d, e]) store.add(job);
    expect([a, b, c, d].map(({ serial }) => store.findExpired(serial))).toEqual([undefined, b, c, undefined]);
    store.add(jobs.build(templateOn(3)));
    expect([b, c, d].map(({ serial }) => store.findExpired(serial))).toEqual([undefined, undefined, undefined]);
  });

  it('bounds the memory of expired jobs, where a transaction counts once', () => {
    const transactions = [0, 1].map((byte) => ({ data: new Uint8Array(100_000), txid: new Uint8Array(32).fill(byte) }));
    const withBoth = { ...templateOn(1), transactions };
    const bounds = { jobsMax: 1024, bytesMax: 250_000 };
    const [jobs, shared, own] = [factory(), new ExpiredJobs(bounds), new ExpiredJobs(bounds)];
    for (let index = 0; index < 8; index += 1) shared.add(jobs.build(withBoth));
    expect(shared.size).toBe(8);
    expect(shared.bytes).toBeLessThan(250_000);
    const copy = () => ({ ...withBoth, transactions: transactions.map(({ data, txid }) => ({ data, txid })) });
    const last = [1, 2, 3].map(() => jobs.build(copy()));
    for (const job of last) own.add(job);
    expect(last.map(({ serial }) => own.find(serial))).toEqual([undefined, undefined, last[2]]);
    own.clear();
    expect([own.size, own.bytes]).toEqual([0, 0]);
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
            const since = tips.slice(all.indexOf(each), index + 1);
            expect(store.isStale(each)).toBe(new Set(since).size > 1);
          }
        }
      }),
    );
  });
});
