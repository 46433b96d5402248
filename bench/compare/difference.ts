import { quantile } from '../run/statistics.ts';

/** What two lots of measurements of the same thing say of the difference between them. */
export interface Difference {
  /** Median of B over median of A. */
  readonly ratio: number;
  /** Where the ratio is in 95 of 100 resamples of both lots. */
  readonly low: number;
  readonly high: number;
  /** How often lots that do not differ would part as far by chance (two-sided). */
  readonly chance: number;
  /** False: the noise explains it. */
  readonly differs: boolean;
}

const RESAMPLES = 4_000;
/** An error of one in twenty. */
const LEVEL = 0.05;
/** Ways to deal the measurements out that are all looked at; of more, as many are drawn. */
const DEALS_MAX = 20_000;

/**
 * Compares two lots, each with one number or more, all above zero. They differ if two tests say so: 1 is outside of the bootstrap
 * interval of the ratio of medians (B. Efron, "Bootstrap Methods: Another Look at the Jackknife", 1979; percentiles), and the rank
 * sums part further than chance explains (Mann–Whitney, by permutation). The second keeps the first from a verdict on a few
 * numbers: three against three can never be told apart, four against four only if all of one lot lie above the other.
 *
 * The same numbers give the same answer: what is drawn comes from a generator with a fixed seed.
 */
export function difference(a: readonly number[], b: readonly number[]): Difference {
  const random = generator(0x5105_1ce);
  const ratios: number[] = [];
  for (let i = 0; i < RESAMPLES; i += 1) ratios.push(median(redraw(b, random)) / median(redraw(a, random)));
  ratios.sort((x, y) => x - y);
  const [low, high] = [quantile(ratios, LEVEL / 2), quantile(ratios, 1 - LEVEL / 2)];
  const chance = chanceOf(a, b, random);
  return { ratio: median(b) / median(a), low, high, chance, differs: chance <= LEVEL && (low > 1 || high < 1) };
}

function median(values: readonly number[]): number {
  return quantile(
    [...values].sort((x, y) => x - y),
    0.5,
  );
}

function redraw(values: readonly number[], random: () => number): number[] {
  return values.map(() => values[Math.floor(random() * values.length)] ?? Number.NaN);
}

/** The part of all ways to deal the ranks out to the lots in which the rank sum is at least as far from its mean. */
function chanceOf(a: readonly number[], b: readonly number[], random: () => number): number {
  const ranks = ranksOf([...a, ...b]);
  const mean = (a.length * (ranks.length + 1)) / 2;
  // Halves of ranks are exact, so that equal distances compare as equal.
  const distance = (sum: number): number => Math.abs(sum - mean);
  const seen = distance(sumOf(ranks.slice(0, a.length)));
  let [deals, far] = [0, 0];
  const look = (sum: number): void => {
    deals += 1;
    if (distance(sum) >= seen) far += 1;
  };
  if (dealsOf(ranks.length, a.length) <= DEALS_MAX) eachDeal(ranks, a.length, look);
  else {
    look(sumOf(ranks.slice(0, a.length)));
    while (deals < DEALS_MAX) look(sumOf(shuffled(ranks, a.length, random)));
  }
  return far / deals;
}

/** From 1 on; equal values share the mean of their ranks. */
function ranksOf(values: readonly number[]): number[] {
  return values.map((value) => {
    const below = values.filter((other) => other < value).length;
    const equal = values.filter((other) => other === value).length;
    return below + (equal + 1) / 2;
  });
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

/** Binomial coefficient. */
function dealsOf(all: number, taken: number): number {
  let deals = 1;
  for (let i = 1; i <= taken; i += 1) deals = (deals * (all - taken + i)) / i;
  return Math.round(deals);
}

function eachDeal(ranks: readonly number[], taken: number, look: (sum: number) => void, from = 0, sum = 0): void {
  if (taken === 0) {
    look(sum);
    return;
  }
  for (let i = from; i <= ranks.length - taken; i += 1) {
    eachDeal(ranks, taken - 1, look, i + 1, sum + (ranks[i] ?? 0));
  }
}

/** So many of the values, drawn without putting back (Fisher–Yates). */
function shuffled(values: readonly number[], taken: number, random: () => number): number[] {
  const rest = [...values];
  for (let i = 0; i < taken; i += 1) {
    const at = i + Math.floor(random() * (rest.length - i));
    const drawn = rest[at] ?? Number.NaN;
    rest[at] = rest[i] ?? Number.NaN;
    rest[i] = drawn;
  }
  return rest.slice(0, taken);
}

/** Numbers from 0 to below 1: a 32-bit linear congruential generator (Numerical Recipes), of which the high bits are used. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
