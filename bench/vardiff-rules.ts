import { SessionDifficulty } from '#front/session/work/difficulty';

/**
 * Rules that choose a difficulty, behind one interface: Sluice's own, and those of two other pools as their authors
 * describe them, written from the description alone.
 */
export interface Rule {
  readonly name: string;
  /** The rule's target share rate. */
  readonly sharesPerMinute: number;
  start(difficulty: number): Controller;
}

export interface Controller {
  /** The miner's current difficulty. */
  readonly difficulty: number;
  /** An accepted share of the present difficulty. */
  share(nowMs: number): void;
  /** Once a second. */
  tick(nowMs: number): void;
}

/** The pool's minimum difficulty, for every rule. Without it, a difficulty lowered during silence would cause a flood at the return. */
const DIFFICULTY_MIN = 1;

/** As Session and Assignment use it: a change is announced two seconds after the last one at the soonest. */
const sluice: Rule = {
  name: 'Sluice',
  sharesPerMinute: 12,
  start(difficulty) {
    const control = new SessionDifficulty({
      start: difficulty,
      min: DIFFICULTY_MIN,
      max: 1e15,
      vardiff: true,
      sharesPerMinute: 12,
    });
    control.begin(0);
    let changedMs = Number.NEGATIVE_INFINITY;
    const review = (nowMs: number): void => {
      if (this_.difficulty === control.wanted) control.review(nowMs);
      if (this_.difficulty === control.wanted || nowMs - changedMs < 2000) return;
      this_.difficulty = control.wanted;
      changedMs = nowMs;
      control.begin(nowMs);
    };
    const this_ = {
      difficulty,
      share(nowMs: number): void {
        control.accept(this_.difficulty);
        review(nowMs);
      },
      tick: review,
    };
    return this_;
  },
};

/**
 * ckpool: an exponential mean of accepted difficulty per second (τ 300 s, corrected for its start), looked at with a share
 * after 72 shares or 240 s at one difficulty; no change while mean / difficulty is in (0.15, 0.4); new = mean × 3.33.
 * Assumed: it looks only when a share comes.
 */
const ckpool: Rule = {
  name: 'ckpool',
  sharesPerMinute: 60 / 3.33,
  start(difficulty) {
    const tauS = 300;
    let [perSecond, lastMs, changedMs, shares] = [0, 0, 0, 0];
    const this_ = {
      difficulty,
      share(nowMs: number): void {
        const elapsedS = Math.max((nowMs - lastMs) / 1000, 1e-3);
        const keep = Math.exp(-elapsedS / tauS);
        perSecond = perSecond * keep + (this_.difficulty / elapsedS) * (1 - keep);
        lastMs = nowMs;
        shares += 1;
        if (shares < 72 && nowMs - changedMs < 240_000) return;
        const mean = perSecond / (1 - Math.exp(-nowMs / 1000 / tauS));
        const ratio = mean / this_.difficulty;
        if (ratio > 0.15 && ratio < 0.4) return;
        this_.difficulty = Math.max(mean * 3.33, DIFFICULTY_MIN);
        changedMs = nowMs;
        shares = 0;
      },
      tick(): void {},
    };
    return this_;
  },
};

const sriSteps: readonly [atLeastS: number, off: number][] = [
  [300, 0.15],
  [240, 0.3],
  [180, 0.45],
  [120, 0.5],
  [60, 0.6],
  [15, 1],
];

/**
 * The Stratum Reference Implementation: not within 15 s; the rate seen against the one aimed at, off by 100 % at any time, 60 %
 * after 60 s, 50 after 120, 45 after 180, 30 after 240, 15 after 300; without shares the difficulty is divided by 1.5, 2
 * or 3 as time passes. Assumed: it looks once a minute (looking every second, it would change all the time), and the three
 * divisors belong to under 30 s, under 60 s, and longer.
 */
const sri: Rule = {
  name: 'SRI',
  sharesPerMinute: 12,
  start(difficulty) {
    let [changedMs, shares] = [0, 0];
    const this_ = {
      difficulty,
      share(): void {
        shares += 1;
      },
      tick(nowMs: number): void {
        if (Math.round(nowMs / 1000) % 60 !== 0) return;
        const elapsedS = (nowMs - changedMs) / 1000;
        if (elapsedS <= 15) return;
        const ratio = shares / ((elapsedS / 60) * 12);
        const allowed = sriSteps.find(([atLeastS]) => elapsedS >= atLeastS)?.[1] ?? 1;
        if (Math.abs(ratio - 1) < allowed) return;
        const factor = shares > 0 ? ratio : elapsedS <= 30 ? 1 / 1.5 : elapsedS < 60 ? 1 / 2 : 1 / 3;
        this_.difficulty = Math.max(this_.difficulty * factor, DIFFICULTY_MIN);
        changedMs = nowMs;
        shares = 0;
      },
    };
    return this_;
  },
};

export const rules: readonly Rule[] = [sluice, ckpool, sri];
