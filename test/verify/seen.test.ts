import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JobStore } from '../../src/jobs/store.ts';
import { SeenHeaders } from '../../src/verify/seen.ts';
import { makeJob } from '../session/support.ts';

const onTip = (byte: number): { previousHash: Uint8Array } => ({ previousHash: new Uint8Array(32).fill(byte) });
const word = fc.oneof(fc.constantFrom(0, 1, 0xffffffff), fc.nat({ max: 40 }), fc.nat({ max: 0xffffffff }));

describe('SeenHeaders', () => {
  it('agrees with a plain Set on any sequence of headers', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat({ max: 2 }), word, word), { maxLength: 400 }), (headers) => {
        const jobs = [onTip(0), onTip(1), onTip(2)];
        const seen = new SeenHeaders({ perTipMax: 1 << 20 });
        const oracle = new Set<string>();
        for (const [tip, low, high] of headers) {
          const job = jobs[tip] ?? onTip(9);
          // 0 and 1 share a key in the high word: an empty slot must not look like a header.
          const key = `${tip} ${low} ${high === 0 ? 1 : high}`;
          expect(seen.check(job, low, high)).toBe(oracle.has(key) ? 'known' : 'new');
          if (!oracle.has(key)) seen.add(job, low, high);
          oracle.add(key);
        }
        expect(seen.size).toBe(oracle.size);
      }),
    );
  });

  it('keeps every header over many rehashes', () => {
    const seen = new SeenHeaders({ perTipMax: 1 << 20 });
    const job = onTip(1);
    // Multiplication by an odd constant is a bijection on u32: no key twice.
    const key = (index: number): [number, number] => [Math.imul(index, 0x9e3779b1) >>> 0, Math.imul(index, 5) >>> 0];
    for (let index = 1; index <= 200_000; index += 1) seen.add(job, ...key(index));
    let known = 0;
    for (let index = 1; index <= 250_000; index += 1) if (seen.check(job, ...key(index)) === 'known') known += 1;
    expect(known).toBe(200_000);
  });

  it('knows a header again after the tip went A → B → A, under whichever job', () => {
    const seen = new SeenHeaders({ perTipMax: 8 });
    seen.add(onTip(1), 7, 7);
    expect(seen.check(onTip(2), 7, 7)).toBe('new');
    expect(seen.check(onTip(1), 7, 7)).toBe('known');
  });

  it('says when it is full instead of forgetting', () => {
    const seen = new SeenHeaders({ perTipMax: 2 });
    const job = onTip(1);
    seen.add(job, 1, 1);
    seen.add(job, 2, 2);
    expect(seen.check(job, 3, 3)).toBe('full');
    expect(seen.check(job, 1, 1)).toBe('known');
    expect(seen.check(onTip(2), 3, 3)).toBe('new');
  });

  it('frees a previous block that is dropped, for jobs already looked up as well', () => {
    const seen = new SeenHeaders({ perTipMax: 8 });
    const job = onTip(1);
    seen.add(job, 1, 1);
    seen.drop(job.previousHash);
    expect(seen.size).toBe(0);
    expect(seen.check(job, 1, 1)).toBe('new');
  });

  it('takes as much memory after a hundred blocks as after ten: no more than the shares that can still be answered', () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const [JOBS_MAX, JOBS_PER_TIP, SHARES_PER_JOB] = [64, 20, 2000];
    const jobs = new JobStore({ jobsMax: JOBS_MAX });
    const seen = new SeenHeaders({ perTipMax: 1 << 20 });
    let [serial, shares] = [0, 0];
    const mineBlock = (tip: number): void => {
      const previousHash = new Uint8Array(32);
      new DataView(previousHash.buffer).setUint32(0, tip);
      for (let each = 0; each < JOBS_PER_TIP; each += 1) {
        const job = makeJob(serial, { previousHash });
        serial += 1;
        for (const dropped of jobs.add(job)) seen.drop(dropped);
        for (let share = 0; share < SHARES_PER_JOB; share += 1) {
          shares += 1;
          seen.add(job, Math.imul(shares, 0x9e3779b1) >>> 0, shares);
        }
      }
    };
    // Where the headers are. The first collection leaves what its finalisers free to the second.
    const bytes = (): number => {
      collect();
      collect();
      return process.memoryUsage().arrayBuffers;
    };
    for (let tip = 0; tip < 10; tip += 1) mineBlock(tip);
    const before = bytes();
    for (let tip = 10; tip < 100; tip += 1) mineBlock(tip);
    expect(seen.size).toBeLessThanOrEqual((JOBS_MAX + JOBS_PER_TIP) * SHARES_PER_JOB);
    expect(seen.size).toBeGreaterThanOrEqual(JOBS_MAX * SHARES_PER_JOB);
    expect(shares).toBe(4_000_000);
    expect(Math.abs(bytes() / before - 1)).toBeLessThan(0.05);
  });
});
