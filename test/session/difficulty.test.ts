import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DifficultyOptions, SessionDifficulty } from '../../src/session/difficulty.ts';
import { retarget, roundDifficulty } from '../../src/session/vardiff.ts';

const options: DifficultyOptions = { start: 65536, min: 1e-5, max: 1e12, vardiff: true, sharesPerMinute: 12 };

/** Seeded exponential arrivals. */
function randomness(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 1) / (2 ** 32 + 1);
  };
}

/** Mines for a while and returns the shares of the last half, the changes in it, and the last difficulty. */
function mine(hashrate: number, minutes: number, start: number, seed: number) {
  const random = randomness(seed);
  const control = new SessionDifficulty({ ...options, start });
  let [nowMs, announced, shares, changes] = [0, control.wanted, 0, 0];
  const halfMs = (minutes * 60_000) / 2;
  control.begin(0);
  let nextTickMs = 1000;
  while (nowMs < 2 * halfMs) {
    const waitMs = (-Math.log(random()) * announced * 2 ** 32 * 1000) / hashrate;
    const found = nowMs + waitMs <= nextTickMs;
    nowMs = found ? nowMs + waitMs : nextTickMs;
    if (found) {
      control.accept(announced);
      if (nowMs > halfMs) shares += 1;
    } else nextTickMs += 1000;
    control.review(nowMs);
    if (control.wanted !== announced) {
      announced = control.wanted;
      if (nowMs > halfMs) changes += 1;
      control.begin(nowMs);
    }
  }
  return { perMinute: shares / (minutes / 2), changes, difficulty: announced };
}

describe('retarget', () => {
  it('keeps what may well be right', () => {
    expect(retarget({ difficulty: 8, elapsedMs: 60_000, acceptedDifficulty: 8 * 12 }, 12)).toBeUndefined();
    expect(retarget({ difficulty: 8, elapsedMs: 60_000, acceptedDifficulty: 8 * 18 }, 12)).toBeUndefined();
    expect(retarget({ difficulty: 8, elapsedMs: 1, acceptedDifficulty: 8 }, 12), 'one lucky share').toBeUndefined();
    expect(
      retarget({ difficulty: 8, elapsedMs: 30_000, acceptedDifficulty: 0 }, 12),
      'a short silence',
    ).toBeUndefined();
  });

  it('goes up at once for a flood and down for silence', () => {
    expect(retarget({ difficulty: 1, elapsedMs: 1000, acceptedDifficulty: 1000 }, 12)).toBeGreaterThan(1000);
    expect(retarget({ difficulty: 1024, elapsedMs: 90_000, acceptedDifficulty: 0 }, 12)).toBeLessThan(64);
  });

  it('rounds to quarters of a power of two, never far off', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-9, max: 1e12, noNaN: true }), (difficulty) => {
        const rounded = roundDifficulty(difficulty);
        expect(rounded / difficulty).toBeGreaterThan(0.88);
        expect(rounded / difficulty).toBeLessThan(1.13);
        expect(roundDifficulty(rounded)).toBe(rounded);
      }),
    );
  });
});

describe('SessionDifficulty', () => {
  it.each([
    ['a NerdMiner', 80e3],
    ['a Bitaxe', 1e12],
    ['an S21', 200e12],
    ['a farm', 1e18],
  ])('brings %s near the share rate aimed at, and leaves it there', (_who, hashrate) => {
    const runs = [1, 2, 3, 4, 5].map((seed) => mine(hashrate, 120, 65536, seed));
    for (const { perMinute, changes } of runs) {
      expect(perMinute).toBeGreaterThan(6);
      expect(perMinute).toBeLessThan(24);
      // In an hour.
      expect(changes).toBeLessThanOrEqual(4);
    }
  });

  it('starts within the bounds', () => {
    expect(new SessionDifficulty({ ...options, start: 5, min: 10 }).wanted).toBe(10);
    expect(new SessionDifficulty({ ...options, start: 5, max: 2 }).wanted).toBe(2);
  });

  it('takes a suggestion as a start, once, within the bounds', () => {
    const control = new SessionDifficulty(options);
    control.suggest(2000);
    expect(control.wanted).toBe(2000);
    control.begin(0);
    control.review(120_000);
    const lower = control.wanted;
    expect(lower).toBeLessThan(2000);
    control.suggest(2000);
    expect(control.wanted, 'the same wish again').toBe(lower);
    control.suggest(1e-12);
    expect(control.wanted).toBe(options.min);
    control.suggest(1e300);
    expect(control.wanted).toBe(options.max);
  });

  it('leaves a fixed difficulty alone, within the bounds', () => {
    const control = new SessionDifficulty(options);
    control.fix(50);
    control.begin(0);
    control.suggest(99);
    control.review(600_000);
    expect(control.wanted).toBe(50);
    control.fix(1e-12);
    expect(control.wanted).toBe(options.min);
  });

  it('never goes below a miner’s own minimum', () => {
    const control = new SessionDifficulty(options);
    control.keepAbove(4096);
    control.begin(0);
    for (let minute = 1; minute < 60; minute += 1) control.review(minute * 60_000);
    expect(control.wanted).toBe(4096);
    control.keepAbove(1e300);
    expect(control.wanted).toBe(options.max);
  });

  it('stays where it is without vardiff', () => {
    const control = new SessionDifficulty({ ...options, vardiff: false });
    control.begin(0);
    for (let share = 0; share < 1000; share += 1) control.accept(65536);
    control.review(1000);
    expect(control.wanted).toBe(65536);
  });

  it('takes one late share of a harder job for one share', () => {
    const control = new SessionDifficulty({ ...options, start: 1 });
    control.begin(0);
    control.accept(1e6);
    control.review(10_000);
    expect(control.wanted).toBe(1);
  });
});
