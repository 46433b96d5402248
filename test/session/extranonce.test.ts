import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ExtranonceAllocator } from '../../src/session/extranonce.ts';

describe('ExtranonceAllocator', () => {
  it('counts up behind its prefix', () => {
    const extranonces = new ExtranonceAllocator({ prefix: 0xab, prefixBits: 8 });
    expect([extranonces.allocate(), extranonces.allocate()]).toEqual([0xab000000, 0xab000001]);
    expect(new ExtranonceAllocator({ prefix: 0, prefixBits: 0 }).free).toBe(2 ** 32);
    expect(new ExtranonceAllocator({ prefix: 255, prefixBits: 8 }).allocate()).toBe(0xff000000);
  });

  it('refuses a prefix that would reach into another gateway', () => {
    for (const [prefix, prefixBits] of [
      [1, 0],
      [256, 8],
      [-1, 8],
      [0.5, 8],
      [0, 25],
      [0, -1],
      [0, 1.5],
    ] as const) {
      expect(() => new ExtranonceAllocator({ prefix, prefixBits })).toThrow(RangeError);
    }
  });

  it('gives a value again only when the last job it was mined with is gone', () => {
    const extranonces = new ExtranonceAllocator({ prefix: 0, prefixBits: 24 });
    const first = extranonces.allocate() ?? -1;
    for (let count = 1; count < 256; count += 1) extranonces.allocate();
    expect(extranonces.allocate()).toBeUndefined();
    extranonces.release(first, 10);
    for (const oldest of [9, 10]) {
      extranonces.expire(oldest);
      expect(extranonces.allocate()).toBeUndefined();
      expect(extranonces.free).toBe(0);
    }
    extranonces.expire(11);
    expect(extranonces.free).toBe(1);
    expect(extranonces.allocate()).toBe(first);
    expect(extranonces.allocate()).toBeUndefined();
  });

  it('never has one value twice while a job of its last session can be answered: a million opens and closes', () => {
    const extranonces = new ExtranonceAllocator({ prefix: 0x5, prefixBits: 20 });
    const jobsAnswerable = 8;
    let seed = 12345;
    const random = (): number => {
      // Numerical Recipes' generator: the run is the same every time.
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return seed / 2 ** 32;
    };
    const live: number[] = [];
    const isLive = new Set<number>();
    const releasedAt = new Map<number, number>();
    let [newest, opens, exhausted, reused] = [jobsAnswerable, 0, 0, 0];
    extranonces.expire(newest - jobsAnswerable + 1);
    for (let step = 0; step < 2_000_000; step += 1) {
      if (random() < 0.001) {
        newest += 1;
        extranonces.expire(newest - jobsAnswerable + 1);
      }
      if (random() < 0.502) {
        const value = extranonces.allocate();
        if (value === undefined) {
          exhausted += 1;
          continue;
        }
        opens += 1;
        const job = releasedAt.get(value);
        if (job !== undefined) reused += 1;
        const overlaps =
          isLive.has(value) || (job !== undefined && job > newest - jobsAnswerable) || value >>> 12 !== 5;
        if (overlaps) throw new Error(`step ${step}: ${value} is in use`);
        isLive.add(value);
        live.push(value);
      } else if (live.length > 0) {
        const place = Math.floor(random() * live.length);
        const value = live[place] ?? -1;
        live[place] = live.at(-1) ?? -1;
        live.pop();
        isLive.delete(value);
        releasedAt.set(value, newest);
        extranonces.release(value, newest);
      }
    }
    expect(opens).toBeGreaterThan(500_000);
    // The run must have seen both ends: the space used up, and values coming back.
    expect(reused).toBeGreaterThan(100_000);
    expect(exhausted).toBeGreaterThan(0);
  });

  it('shares the space among gateways without overlap', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 24 }), fc.nat(2 ** 24 - 1), (prefixBits, seed) => {
        const prefix = seed % 2 ** prefixBits;
        const value = new ExtranonceAllocator({ prefix, prefixBits }).allocate() ?? -1;
        expect(Math.floor(value / 2 ** (32 - prefixBits))).toBe(prefix);
      }),
    );
  });
});
