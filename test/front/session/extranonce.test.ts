import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ExtranonceAllocator } from '#front/session/extranonces/extranonce';

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

  it('gives a value without an accepted share again when all are begun, the oldest first, and no other', () => {
    const extranonces = new ExtranonceAllocator({ prefix: 0, prefixBits: 24 });
    for (let count = 0; count < 255; count += 1) extranonces.allocate();
    extranonces.release(7, 10, true);
    extranonces.release(9, 10, false);
    extranonces.release(8, 11, false);
    expect(extranonces.allocate(), 'as long as there is one that nobody had').toBe(255);
    expect(extranonces.free).toBe(2);
    expect([extranonces.allocate(), extranonces.allocate(), extranonces.allocate()]).toEqual([9, 8, undefined]);
    extranonces.expire(11);
    expect(extranonces.allocate()).toBe(7);
  });

  it('gives a value that was never mined with again at once', () => {
    const extranonces = new ExtranonceAllocator({ prefix: 0, prefixBits: 24 });
    for (let count = 0; count < 256; count += 1) extranonces.allocate();
    extranonces.release(3, 10);
    extranonces.release(7, undefined);
    expect(extranonces.free).toBe(1);
    expect([extranonces.allocate(), extranonces.allocate()]).toEqual([7, undefined]);
  });

  it('never has one value twice while a job of its last session can be answered: 16 gateways of 50,000 sessions, 10,000,000 opens and closes', () => {
    const [GATEWAYS, SESSIONS, STEPS, PREFIX_BITS] = [16, 50_000, 10_000_000, 10];
    const JOBS_ANSWERABLE = 64;
    /** Opens and closes for each new job: a value comes back after some 64 of them. */
    const STEPS_PER_JOB = 2000;
    let seed = 12345;
    // Numerical Recipes' generator: the run is the same every time.
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return Math.floor((seed / 2 ** 32) * below);
    };
    const LIVE = -1;
    const gateways = Array.from({ length: GATEWAYS }, (_, prefix) => ({
      prefix,
      extranonces: new ExtranonceAllocator({ prefix, prefixBits: PREFIX_BITS }),
      live: [] as number[],
      /** By value without its prefix: 0 before its first use, LIVE, or the newest job when it was given back, plus one. */
      state: new Int32Array(1 << 18),
    }));
    let [newest, reused, widest] = [0, 0, 0];
    for (let step = 0; step < STEPS; step += 1) {
      if (step % STEPS_PER_JOB === 0) {
        newest += 1;
        for (const { extranonces } of gateways) extranonces.expire(newest - JOBS_ANSWERABLE + 1);
      }
      const gateway = gateways[random(GATEWAYS)];
      if (gateway === undefined) continue;
      const { extranonces, live, state, prefix } = gateway;
      if (live.length < SESSIONS && (live.length === 0 || random(100) < 51)) {
        const value = extranonces.allocate() ?? -1;
        const place = value & (2 ** (32 - PREFIX_BITS) - 1);
        const was = state[place] ?? LIVE;
        if (value >>> (32 - PREFIX_BITS) !== prefix) throw new Error(`step ${step}: ${value} is another gateway's`);
        if (was === LIVE) throw new Error(`step ${step}: ${value} is in use`);
        if (was > 0 && was > newest - JOBS_ANSWERABLE + 1) throw new Error(`step ${step}: ${value} still has jobs`);
        if (was > 0) reused += 1;
        widest = Math.max(widest, place);
        state[place] = LIVE;
        live.push(value);
      } else {
        const at = random(live.length);
        const value = live[at] ?? -1;
        live[at] = live.at(-1) ?? -1;
        live.pop();
        state[value & (2 ** (32 - PREFIX_BITS) - 1)] = newest + 1;
        extranonces.release(value, newest);
      }
    }
    // The run has seen what it is about: values that come back, by the million, in a space that stays small.
    expect(reused).toBeGreaterThan(3_000_000);
    expect(widest).toBeLessThan(SESSIONS + (JOBS_ANSWERABLE + 1) * STEPS_PER_JOB);
  });

  it('is exhausted, and says so, rather than give out a value in use', () => {
    const extranonces = new ExtranonceAllocator({ prefix: 0x5, prefixBits: 20 });
    const values = Array.from({ length: 4096 }, () => extranonces.allocate());
    expect(new Set(values).size).toBe(4096);
    expect(extranonces.allocate()).toBeUndefined();
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
