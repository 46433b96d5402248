import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mustBeDifficulty as d } from '#base/domain/difficulty';
import { limits } from '#base/limits';
import { type DifficultyOptions, SessionDifficulty } from '#front/session/work/difficulty';
import { retarget, roundDifficulty, type VardiffView } from '#front/session/work/vardiff';

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

/** Settled at difficulty 8, with so many shares in so long a time. */
function view(elapsedMs: number, shares: number, changes: Partial<VardiffView> = {}): VardiffView {
  const window = { elapsedMs, shares };
  return { difficulty: d(8), long: window, short: window, settling: false, ...changes };
}

describe('retarget', () => {
  it('keeps what may well be right', () => {
    expect(retarget(view(60_000, 12), 12)).toBeUndefined();
    expect(retarget(view(60_000, 18), 12)).toBeUndefined();
    expect(retarget(view(1, 1), 12), 'one lucky share').toBeUndefined();
    expect(retarget(view(1, 1, { settling: true }), 12), 'one lucky share at the start').toBeUndefined();
    expect(retarget(view(20_000, 0), 12), 'a short silence').toBeUndefined();
    // However long it was looked at: a fifth more or less is near enough.
    expect(retarget(view(900_000, 216), 12)).toBeUndefined();
    expect(retarget(view(900_000, 144), 12)).toBeUndefined();
  });

  it('goes up at once for a flood and down for silence, to what was seen', () => {
    expect(retarget(view(1000, 1000), 12)).toBeGreaterThan(8000);
    expect(retarget(view(60_000, 0), 12)).toBeLessThan(8 / 16);
    expect(retarget(view(300_000, 120), 12)).toBe(16);
    expect(retarget(view(300_000, 30), 12)).toBe(4);
  });

  it('is quicker while it knows little', () => {
    const early = view(22_000, 0);
    expect(retarget(early, 12)).toBeUndefined();
    expect(retarget({ ...early, settling: true }, 12)).toBeLessThan(2);
  });

  it('sees in the short window what the long one has yet to notice', () => {
    const switchedOff = view(600_000, 110, { short: { elapsedMs: 60_000, shares: 1 } });
    expect(retarget({ ...switchedOff, short: switchedOff.long }, 12)).toBeUndefined();
    expect(retarget(switchedOff, 12)).toBeLessThan(2);
  });

  it('is a function of time and work alone: the same view gives the same answer, finite and near what was seen', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1e-9, max: 1e12, noNaN: true }),
        fc.nat(900_000),
        fc.nat(100_000),
        fc.boolean(),
        (difficulty, elapsedMs, shares, settling) => {
          const state = { ...view(elapsedMs, shares, { settling }), difficulty: d(difficulty) };
          const next = retarget(state, 12);
          expect(retarget(state, 12)).toBe(next);
          if (next === undefined) return;
          const expected = elapsedMs / 5000;
          expect(next > difficulty).toBe(shares > expected);
          expect(next).toBeLessThanOrEqual(difficulty * 65_536 * 1.13);
          expect(next).toBeGreaterThanOrEqual((difficulty / 32) * 0.88);
        },
      ),
    );
  });

  it('rounds to quarters of a power of two, never far off', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-9, max: 1e12, noNaN: true }), (difficulty) => {
        const rounded = roundDifficulty(d(difficulty));
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
    control.suggest(d(2000));
    expect(control.wanted, 'of few values').toBe(2048);
    control.begin(0);
    control.review(120_000);
    const lower = control.wanted;
    expect(lower).toBeLessThan(2048);
    control.suggest(d(2000));
    expect(control.wanted, 'the same wish again').toBe(lower);
    control.suggest(d(1e-12));
    expect(control.wanted).toBe(options.min);
    control.suggest(d(1e300));
    expect(control.wanted).toBe(options.max);
  });

  it('has no fraction above 1, and is never less than was asked for at least', () => {
    const control = new SessionDifficulty(options);
    control.suggest(d(2048.5));
    expect(control.wanted).toBe(2048);
    control.suggest(d(0.75));
    expect(control.wanted).toBe(0.75);
    control.keepAbove(d(1000.5));
    expect(control.wanted).toBe(1001);
    control.fix(d(1.75));
    expect(control.wanted).toBe(1001);
    expect(new SessionDifficulty({ ...options, min: 2.5, start: 1 }).wanted, 'the operator’s bound stands').toBe(2.5);
  });

  it('leaves a fixed difficulty alone, within the bounds', () => {
    const control = new SessionDifficulty(options);
    control.fix(d(50));
    control.begin(0);
    control.suggest(d(99));
    control.review(600_000);
    expect(control.wanted).toBe(50);
    control.fix(d(1e-12));
    expect(control.wanted).toBe(options.min);
  });

  it('never goes below a miner’s own minimum', () => {
    const control = new SessionDifficulty(options);
    control.keepAbove(d(4096));
    control.begin(0);
    for (let minute = 1; minute < 60; minute += 1) control.review(minute * 60_000);
    expect(control.wanted).toBe(4096);
    control.keepAbove(d(1e300));
    expect(control.wanted).toBe(options.max);
  });

  it('limits suggestions to the network’s difficulty, on networks with a real one', () => {
    const control = new SessionDifficulty(options);
    control.networkDifficulty = 1e6;
    control.suggest(d(1e9));
    expect(control.wanted).toBe(1e6);
    control.keepAbove(d(1e8));
    expect(control.wanted).toBe(1e6);
    control.fix(d(1e9));
    expect(control.wanted).toBe(1e6);
    control.networkDifficulty = 5e5;
    expect(control.wanted, 'a fixed one follows it').toBe(5e5);
    control.networkDifficulty = 1e12;
    expect(control.wanted).toBe(1e9);
  });

  it('ends wishes at the network’s difficulty that were made before it was known', () => {
    const wishing = (say: (control: SessionDifficulty) => void): number => {
      const control = new SessionDifficulty(options);
      say(control);
      control.networkDifficulty = 1e6;
      return control.wanted;
    };
    expect(wishing((control) => control.suggest(d(2 ** 30)))).toBe(1e6);
    expect(wishing((control) => control.keepAbove(d(1e8)))).toBe(1e6);
    expect(wishing((control) => control.fix(d(1e8)))).toBe(1e6);
    expect(wishing((control) => control.suggest(d(4096)))).toBe(4096);
    // That was measured.
    expect(wishing((control) => control.resume(d(1e8)))).toBe(1e8);
    const later = new SessionDifficulty(options);
    later.networkDifficulty = 2 ** 40;
    later.suggest(d(2 ** 30));
    later.begin(0);
    later.networkDifficulty = 1e6;
    expect(later.wanted, 'from the first work on vardiff has its say').toBe(2 ** 30);
  });

  it('rounds wishes as vardiff rounds, but keeps what is as good, and what is fixed, exactly', () => {
    const control = new SessionDifficulty({ ...options, start: 1000 });
    control.suggest(d(1001));
    expect(control.wanted).toBe(1000);
    control.suggest(d(5000));
    expect(control.wanted).toBe(5120);
    control.suggest(d(0.0003));
    expect(control.wanted).toBe(2 ** -12 * 1.25);
    control.fix(d(1024));
    expect(control.wanted).toBe(1024);
    control.fix(d(5000));
    expect(control.wanted).toBe(5000);
  });

  it.each([
    ['regtest', 4.6e-10, 0.0002],
    ['an embedded chain', 0.005, 0.0002],
    ['testnet’s blocks of difficulty 1', 1, 65_536],
  ])('is not pushed into a flood by %s', (_network, networkDifficulty, start) => {
    const control = new SessionDifficulty({ ...options, start, min: 1e-9 });
    control.networkDifficulty = networkDifficulty;
    expect(control.wanted).toBe(start);
    control.suggest(d(1024));
    expect(control.wanted).toBe(1024);
  });

  it('gives a device its own floor and start, but goes by what the miner said or showed', () => {
    const small = new SessionDifficulty({ ...options, min: 1 });
    small.device(1e-4, 1.5e-4);
    expect(small.wanted).toBe(1.5e-4);
    const wished = new SessionDifficulty({ ...options, min: 1 });
    wished.suggest(d(512));
    wished.device(1e-4, 1.5e-4);
    expect(wished.wanted).toBe(512);
    const rental = new SessionDifficulty(options);
    rental.device(524_288, undefined);
    expect(rental.wanted).toBe(524_288);
    rental.suggest(d(1));
    expect(rental.wanted).toBe(524_288);
  });

  it('falls without limit in silence only if no share was ever found', () => {
    const decay = (shares: number): number => {
      const control = new SessionDifficulty(options);
      control.begin(0);
      for (let share = 0; share < shares; share += 1) control.accept(65536);
      for (let second = 1; second < 7200; second += 1) {
        const before = control.wanted;
        control.review(second * 1000);
        if (control.wanted !== before) control.begin(second * 1000);
      }
      return control.wanted;
    };
    expect(decay(0)).toBe(options.min);
    expect(decay(1)).toBe(1024);
  });

  it('is not raised by silence', () => {
    const control = new SessionDifficulty(options);
    control.begin(0);
    control.accept(65_536);
    control.suggest(d(16));
    control.begin(0);
    for (let second = 1; second < 600; second += 1) {
      control.review(second * 1000);
      expect(control.wanted).toBeLessThanOrEqual(16);
    }
  });

  it('resumes at the former connection’s difficulty, unless the miner suggests another', () => {
    const back = new SessionDifficulty(options);
    back.resume(d(123));
    expect(back.wanted).toBe(123);
    const wishing = new SessionDifficulty(options);
    wishing.suggest(d(10));
    wishing.resume(d(123));
    expect(wishing.wanted).toBe(10);
  });

  it('does not change without vardiff', () => {
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

describe('a difficulty that its miner has fixed', () => {
  /** `perSecond` accepted shares at difficulty 1 for `seconds`, looked at once a second. */
  const flood = (perSecond: number, seconds: number, changes: Partial<DifficultyOptions> = {}): SessionDifficulty => {
    const control = new SessionDifficulty({ ...options, ...changes });
    control.fix(d(1));
    control.begin(0);
    for (let second = 1; second <= seconds; second += 1) {
      for (let share = 0; share < perSecond; share += 1) control.accept(1);
      control.review(second * 1000);
    }
    return control;
  };

  it('is raised if it floods the pool, and is not lowered again', () => {
    const control = flood(1000, 2);
    expect(control.wanted).toBeGreaterThanOrEqual(20);
    const { wanted } = control;
    control.begin(2000);
    for (let second = 3; second < 3600; second += 1) control.review(second * 1000);
    expect(control.wanted).toBe(wanted);
  });

  it('is raised below the pool’s minimum as well, if a strong machine uses up the budget there', () => {
    const control = new SessionDifficulty({ ...options, min: 1 });
    control.fix(d(0.001));
    control.begin(0);
    for (let second = 1; second <= 60 && control.wanted < 1; second += 1) {
      const before = control.wanted;
      // What is over the budget is not accepted.
      for (let share = 0; share < limits.easySharesPerSessionMax; share += 1) control.accept(control.wanted);
      control.review(second * 1000);
      if (control.wanted !== before) control.begin(second * 1000);
    }
    expect(control.wanted).toBeGreaterThanOrEqual(1);
    const weak = new SessionDifficulty({ ...options, min: 1 });
    weak.fix(d(0.001));
    weak.begin(0);
    for (let second = 1; second <= 60; second += 1) {
      weak.accept(0.001);
      weak.review(second * 1000);
    }
    expect(weak.wanted).toBe(0.001);
  });

  it('stays at the rate of a farm, and without vardiff', () => {
    expect(flood(90, 600).wanted).toBe(1);
    expect(flood(1000, 10, { vardiff: false }).wanted).toBe(1);
  });
});
