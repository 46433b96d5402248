import { distribute } from '../rewards/distribute.ts';
import { windowOfBlocks } from '../rewards/fixed-point.ts';
import { prop } from '../rewards/prop.ts';
import { type Distribution, noFees, type Slice } from '../rewards/scheme.ts';
import { solo } from '../rewards/solo.ts';
import type { Figure } from './figure.ts';
import { Moments } from './moments.ts';
import type { Progress } from './progress.ts';
import { Random } from './random.ts';
import { RollingWindow } from './rolling-window.ts';
import { pplnsSliceVariance, propSliceVariance } from './theory.ts';
import { miners, NETWORK_WORK, SLICES_PER_BLOCK, type Step, SUBSIDY_SATS, World } from './world.ts';

export const WINDOW_BLOCKS = 8;
/** Income is compared over stretches of this many blocks' worth of slices. */
const STRETCH_BLOCKS = 10;
/** The miner whose income is looked at. */
const WATCHED = 'home';

const schemes = ['pplns', 'prop', 'solo'] as const;
type Scheme = (typeof schemes)[number];

/** What the miners got by one scheme. */
class Incomes {
  readonly byAccount = new Map<string, bigint>();
  readonly stretches = new Moments();
  /** Payoff of a slice. */
  readonly slices = new Moments();
  #stretch = 0;

  take({ credits }: Distribution): void {
    for (const { account, sats } of credits) {
      this.byAccount.set(account, (this.byAccount.get(account) ?? 0n) + sats);
      if (account === WATCHED) this.#stretch += Number(sats) / Number(SUBSIDY_SATS);
    }
  }

  endStretch(): void {
    this.stretches.add(this.#stretch);
    this.#stretch = 0;
  }
}

/** One miner's share of all work, and of all credits. */
export interface Outcome {
  readonly scheme: Scheme;
  readonly account: string;
  readonly workShare: number;
  readonly creditShare: number;
}

/**
 * Miners that stay, paid by `pplns`, `prop` and `solo` for the same blocks. Shows that the expectation is the share of work, and
 * that the variances of a slice's payoff and of a miner's income are as theory says.
 */
export function simulateBlockSchemes(
  blocks: number,
  seed: number,
  progress: Progress,
): { readonly outcomes: readonly Outcome[]; readonly figures: readonly Figure[] } {
  const run = new Run(seed);
  for (let found = 0; found < blocks; ) {
    if (run.step()) {
      found += 1;
      if (found % 256 === 0) progress('pplns, prop and solo', found / blocks);
    }
  }
  return { outcomes: run.outcomes(), figures: run.figures(blocks) };
}

class Run {
  readonly #world: World;
  readonly #window = new RollingWindow(windowOfBlocks(WINDOW_BLOCKS));
  readonly #incomes: Readonly<Record<Scheme, Incomes>> = {
    pplns: new Incomes(),
    prop: new Incomes(),
    solo: new Incomes(),
  };
  /** How often each crew mined a slice. */
  readonly #crews = new Map<Slice['entries'], number>();
  /** Slices since the last block, oldest first. */
  #round: Slice[] = [];
  #slices = 0;
  /** Sum of the blocks' payoffs per unit of weight; as it was when each slice came, by its place modulo the length. */
  #paid = 0;
  readonly #paidBefore = new Float64Array(2 * WINDOW_BLOCKS * SLICES_PER_BLOCK);
  #oldest = 0;
  /** What the oldest slice did not get because it was counted in part. */
  #cutOff = 0;

  constructor(seed: number) {
    this.#world = new World(new Random(seed));
  }

  /** One slice; true if it was a block. */
  step(): boolean {
    const step = this.#world.next();
    const { entries } = step.slice;
    this.#crews.set(entries, (this.#crews.get(entries) ?? 0) + 1);
    this.#round.push(step.slice);
    this.#slide(step);
    if (step.finder !== undefined) this.#pay(step, step.finder);
    if (this.#slices % (STRETCH_BLOCKS * SLICES_PER_BLOCK) === 0) {
      for (const scheme of schemes) this.#incomes[scheme].endStretch();
    }
    return step.finder !== undefined;
  }

  #slide({ slice }: Step): void {
    this.#paidBefore[this.#slices % this.#paidBefore.length] = this.#paid;
    this.#slices += 1;
    for (let left = this.#window.push(slice); left > 0; left -= 1) {
      const paid = this.#paid - (this.#paidBefore[this.#oldest % this.#paidBefore.length] ?? 0) - this.#cutOff;
      // The first windows are not full, so they pay more.
      if (this.#oldest > WINDOW_BLOCKS * SLICES_PER_BLOCK) this.#incomes.pplns.slices.add(paid);
      this.#oldest += 1;
      this.#cutOff = 0;
    }
  }

  #pay({ slice }: Step, finder: string): void {
    const jobs = { fromJobId: undefined, toJobId: slice.jobId };
    const window = distribute(SUBSIDY_SATS, this.#window.sums(), noFees, jobs);
    this.#incomes.pplns.take(window);
    const payoff = payoffOf(window, 2 ** 64);
    const { outside, whole } = this.#window.cutOff;
    this.#paid += payoff;
    this.#cutOff += (payoff * Number(outside)) / Number(whole);

    const round = prop(SUBSIDY_SATS, this.#round.toReversed(), { afterSerial: undefined, fees: noFees });
    this.#incomes.prop.take(round);
    this.#incomes.prop.slices.add(payoffOf(round, Number(NETWORK_WORK)), Number(round.totalWeight));
    this.#round = [];

    this.#incomes.solo.take(solo(SUBSIDY_SATS, finder, slice, noFees));
  }

  /** The share of each account in all work. */
  #workShares(): Map<string, number> {
    const shares = new Map<string, number>();
    let all = 0;
    for (const [entries, times] of this.#crews) {
      for (const { account, work } of entries) {
        shares.set(account, (shares.get(account) ?? 0) + Number(work) * times);
        all += Number(work) * times;
      }
    }
    for (const [account, work] of shares) shares.set(account, work / all);
    return shares;
  }

  outcomes(): Outcome[] {
    const shares = this.#workShares();
    return schemes.flatMap((scheme) => {
      const { byAccount } = this.#incomes[scheme];
      const allSats = Number([...byAccount.values()].reduce((sum, sats) => sum + sats, 0n));
      return miners.map((account) => ({
        scheme,
        account,
        workShare: shares.get(account) ?? 0,
        creditShare: Number(byAccount.get(account) ?? 0n) / allSats,
      }));
    });
  }

  figures(blocks: number): Figure[] {
    const { pplns, prop: proportional, solo: alone } = this.#incomes;
    const share = this.#workShares().get(WATCHED) ?? 0;
    const blockVariance = 1 - 1 / SLICES_PER_BLOCK;
    const pooled = STRETCH_BLOCKS * (0.99 * share ** 2 * blockVariance);
    const soloed = STRETCH_BLOCKS * share * (1 - share / SLICES_PER_BLOCK) * 0.99;
    const noise = Math.sqrt(100_000 / blocks);
    const income = `income of ${WATCHED} in ${STRETCH_BLOCKS} blocks' worth of time`;
    return [
      ...this.outcomes().map(({ scheme, account, workShare, creditShare }) => ({
        name: `${scheme}.expectation.${account}`,
        text: `${scheme}: share of all credits, ${account}`,
        formula: 'share of all work',
        theory: workShare,
        measured: creditShare,
        tolerance:
          noise *
          (scheme === 'solo'
            ? 4 * Math.sqrt(workShare / 100_000)
            : workShare * (account === 'parttime' ? 0.015 : 0.0003)),
      })),
      {
        name: 'pplns.variance.slice',
        text: "pplns: variance of a slice's payoff",
        formula: `(1 − 1/K) / N, K = ${SLICES_PER_BLOCK}, N = ${WINDOW_BLOCKS}`,
        theory: pplnsSliceVariance(WINDOW_BLOCKS, SLICES_PER_BLOCK),
        measured: pplns.slices.variance,
        tolerance: 0.05 * noise * pplnsSliceVariance(WINDOW_BLOCKS, SLICES_PER_BLOCK),
      },
      {
        name: 'prop.variance.slice',
        text: "prop: variance of a slice's payoff",
        formula: `ln K / (1 − 1/K) − 1, K = ${SLICES_PER_BLOCK}`,
        theory: propSliceVariance(SLICES_PER_BLOCK),
        measured: proportional.slices.variance,
        tolerance: 0.05 * noise * propSliceVariance(SLICES_PER_BLOCK),
      },
      ...[pplns, proportional].map((incomes, at) => ({
        name: `${schemes[at]}.variance.income`,
        text: `${schemes[at]}: variance of the ${income}`,
        formula: 's² × blocks × (1 − 1/K)',
        theory: pooled,
        measured: incomes.stretches.variance,
        tolerance: 0.06 * noise * pooled,
      })),
      {
        name: 'solo.variance.income',
        text: `solo: variance of the ${income}`,
        formula: 's × blocks × (1 − s/K)',
        theory: soloed,
        measured: alone.stretches.variance,
        tolerance: 0.06 * noise * soloed,
      },
    ];
  }
}

/** What a unit of weight of the watched miner gets, in parts of a block; `unit`: the weight of a block's worth of work. */
function payoffOf({ credits }: Distribution, unit: number): number {
  const credit = credits.find(({ account }) => account === WATCHED);
  if (credit === undefined) return 0;
  return (Number(credit.sats) / Number(SUBSIDY_SATS)) * (unit / Number(credit.weight));
}
