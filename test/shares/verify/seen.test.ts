import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SeenHeaders } from '#shares/verify/seen';
import { JobStore } from '#work/jobs/store';
import { makeJob } from '../../front/session/support.ts';

const job = (serial: number): { serial: number } => ({ serial });

/** `events`: jobs closed early, and that a newer job was wanted. */
function remembering(headersMax = 1 << 20) {
  const events: string[] = [];
  const modules = {
    closedEarly: (serial: number) => events.push(`closed ${serial}`),
    wantsJob: () => events.push('wants a job'),
  };
  return { seen: new SeenHeaders({ headersMax }, modules), events };
}

const word = fc.oneof(fc.constantFrom(0, 1, 0xffffffff), fc.nat({ max: 40 }), fc.nat({ max: 0xffffffff }));

describe('SeenHeaders', () => {
  it('agrees with a plain Set on any sequence of headers', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat({ max: 2 }), word, word), { maxLength: 400 }), (headers) => {
        const jobs = [job(0), job(1), job(2)];
        const { seen } = remembering();
        const oracle = new Set<string>();
        for (const [serial, low, high] of headers) {
          const of = jobs[serial] ?? job(9);
          // 0 and 1 share a key in the high word: an empty slot must not look like a header.
          const key = `${serial} ${low} ${high === 0 ? 1 : high}`;
          expect(seen.check(of, low, high)).toBe(oracle.has(key) ? 'known' : 'new');
          if (!oracle.has(key)) seen.add(of, low, high);
          oracle.add(key);
        }
        expect(seen.size).toBe(oracle.size);
      }),
    );
  });

  it('keeps every header over many rehashes', () => {
    const { seen } = remembering();
    const only = job(1);
    // Multiplication by an odd constant is a bijection on u32: no key twice.
    const key = (index: number): [number, number] => [Math.imul(index, 0x9e3779b1) >>> 0, Math.imul(index, 5) >>> 0];
    for (let index = 1; index <= 200_000; index += 1) seen.add(only, ...key(index));
    let known = 0;
    for (let index = 1; index <= 250_000; index += 1) if (seen.check(only, ...key(index)) === 'known') known += 1;
    expect(known).toBe(200_000);
  });

  it('closes the oldest job when a new header finds no room, and credits nothing of it again', () => {
    const { seen, events } = remembering(4);
    const [old, middle, newest] = [job(1), job(2), job(3)];
    for (const [each, word] of [
      [old, 1],
      [old, 2],
      [middle, 3],
      [newest, 4],
    ] as const)
      seen.add(each, word, word);
    expect(seen.check(newest, 5, 5)).toBe('new');
    expect(events).toContain('closed 1');
    for (const word of [1, 2, 9]) expect(seen.check(old, word, word)).toBe('closed');
    expect(seen.check(middle, 3, 3)).toBe('known');
    expect(seen.status).toEqual({ headers: 2, closedEarly: 1, full: 0 });
  });

  it('closes the oldest job for a share of that job too', () => {
    const { seen } = remembering(2);
    const [old, newest] = [job(1), job(2)];
    seen.add(old, 1, 1);
    seen.add(newest, 2, 2);
    expect(seen.check(old, 3, 3)).toBe('closed');
    expect(seen.check(newest, 3, 3)).toBe('new');
  });

  it('asks for a newer job, once, when the newest has half of the room', () => {
    const { seen, events } = remembering(4);
    const only = job(1);
    seen.add(only, 1, 1);
    expect(events).toEqual([]);
    for (const word of [2, 3]) seen.add(only, word, word);
    expect(events).toEqual(['wants a job']);
  });

  it('is full, and says so, if the newest job alone has taken all, until there is a newer one', () => {
    const { seen } = remembering(2);
    const [first, second] = [job(1), job(2)];
    for (const word of [1, 2]) seen.add(first, word, word);
    expect(seen.check(first, 3, 3)).toBe('full');
    expect(seen.check(first, 1, 1)).toBe('known');
    expect(seen.status.full).toBe(1);
    seen.retain(0, second.serial);
    expect(seen.status.full).toBe(0);
    expect(seen.check(second, 3, 3)).toBe('new');
    expect(seen.check(first, 1, 1)).toBe('closed');
  });

  it('frees the jobs that can not be answered any more, and credits nothing of them', () => {
    const { seen } = remembering();
    const [old, newest] = [job(1), job(2)];
    seen.add(old, 1, 1);
    seen.add(newest, 1, 1);
    seen.retain(newest.serial, newest.serial);
    expect(seen.size).toBe(1);
    expect(seen.check(old, 2, 2)).toBe('closed');
    expect(seen.check(newest, 1, 1)).toBe('known');
  });

  it('takes as much memory after a hundred blocks as after ten: no more than the shares that can still be answered', () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const [JOBS_MAX, JOBS_PER_TIP, SHARES_PER_JOB] = [64, 20, 2000];
    const jobs = new JobStore({ jobsMax: JOBS_MAX });
    const { seen } = remembering();
    let [serial, shares] = [0, 0];
    const mineBlock = (tip: number): void => {
      const previousHash = new Uint8Array(32);
      new DataView(previousHash.buffer).setUint32(0, tip);
      for (let each = 0; each < JOBS_PER_TIP; each += 1) {
        const next = makeJob(serial, { previousHash });
        serial += 1;
        jobs.add(next);
        seen.retain(jobs.oldestSerial, next.serial);
        for (let share = 0; share < SHARES_PER_JOB; share += 1) {
          shares += 1;
          seen.add(next, Math.imul(shares, 0x9e3779b1) >>> 0, shares);
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
