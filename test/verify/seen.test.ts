import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SeenHeaders } from '../../src/verify/seen.ts';

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
});
