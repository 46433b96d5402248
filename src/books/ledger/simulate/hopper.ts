import { distribute } from '../rewards/distribute.ts';
import { windowOfBlocks } from '../rewards/fixed-point.ts';
import { prop } from '../rewards/prop.ts';
import { type Distribution, noFees, type Slice } from '../rewards/scheme.ts';
import { WINDOW_BLOCKS } from './block-schemes.ts';
import type { Figure } from './figure.ts';
import type { Progress } from './progress.ts';
import { Random } from './random.ts';
import { RollingWindow } from './rolling-window.ts';
import { propHopperGain } from './theory.ts';
import { HOPPER_SHARE, SLICES_PER_BLOCK, SUBSIDY_SATS, World } from './world.ts';

/** Where leaving pays best, in blocks' worth of work: Rosenfeld, appendix B. */
export const BEST_LEAVE = 0.435;
/** Further points for the plot; they are simulated over a tenth of the blocks. */
const OTHER_LEAVES = [0.1, 0.2, 0.7, 1, 1.5, 2, 3];

/** What a hopper that leaves each round at `leaveAfter` gains over a miner that stays, as a fraction. */
export interface Hop {
  readonly leaveAfter: number;
  readonly blocks: number;
  readonly pplns: number;
  readonly prop: number;
  /** prop, by theory. */
  readonly theory: number;
}

export function simulateHopper(
  blocks: number,
  seed: number,
  progress: Progress,
): { readonly hops: readonly Hop[]; readonly figures: readonly Figure[] } {
  const best = hop(blocks, seed, BEST_LEAVE, (done) => progress('a hopper', done));
  const tenth = Math.max(1, Math.floor(blocks / 10));
  const others = OTHER_LEAVES.map((leave, at) => {
    progress('hoppers that leave elsewhere', at / OTHER_LEAVES.length);
    return hop(tenth, seed + 1 + at, leave, () => undefined);
  });
  const noise = Math.sqrt(100_000 / blocks);
  return {
    hops: [best, ...others].sort((a, b) => a.leaveAfter - b.leaveAfter),
    figures: [
      {
        name: 'pplns.hopper',
        text: `pplns: gain of a hopper that leaves at ${BEST_LEAVE * 100} % of a block`,
        formula: '0',
        theory: 0,
        measured: best.pplns,
        tolerance: 0.005 * noise,
      },
      {
        name: 'prop.hopper',
        text: `prop: gain of a hopper that leaves at ${BEST_LEAVE * 100} % of a block`,
        formula: 'Σ q^(i−1) (V_i − 1) / (S + (K − S) / (1 − h))',
        theory: best.theory,
        measured: best.prop,
        tolerance: 0.01 * noise,
      },
    ],
  };
}

function hop(blocks: number, seed: number, leaveAfter: number, progress: (done: number) => void): Hop {
  const world = new World(new Random(seed), leaveAfter);
  const window = new RollingWindow(windowOfBlocks(WINDOW_BLOCKS));
  let round: Slice[] = [];
  let [pplnsSats, propSats] = [0n, 0n];
  // In slices of the hopper's, and in blocks' worth of work.
  let [here, elsewhere, poolWork] = [0, 0, 0];
  for (let found = 0; found < blocks; ) {
    const { slice, finder, hopperHere, blocksWorth } = world.next();
    poolWork += blocksWorth;
    if (hopperHere) here += 1;
    else elsewhere += 1;
    window.push(slice);
    round.push(slice);
    if (finder === undefined) continue;
    const jobs = { fromJobId: undefined, toJobId: slice.jobId };
    pplnsSats += hopperSats(distribute(SUBSIDY_SATS, window.sums(), noFees, jobs));
    propSats += hopperSats(prop(SUBSIDY_SATS, round.toReversed(), { afterSerial: undefined, fees: noFees }));
    round = [];
    found += 1;
    if (found % 256 === 0) progress(found / blocks);
  }
  // The pool's luck is taken out: work is worth here, and elsewhere, what it was worth to the whole pool.
  const sliceSats = (Number(SUBSIDY_SATS) * HOPPER_SHARE * blocks) / (SLICES_PER_BLOCK * poolWork);
  const worth = (slices: number): number => slices * sliceSats;
  const gain = (sats: bigint): number => (Number(sats) + worth(elsewhere)) / worth(here + elsewhere) - 1;
  const slicesHere = Math.ceil(leaveAfter * SLICES_PER_BLOCK - 1e-9);
  const theory = propHopperGain(slicesHere, SLICES_PER_BLOCK, HOPPER_SHARE);
  return { leaveAfter, blocks, pplns: gain(pplnsSats), prop: gain(propSats), theory };
}

function hopperSats({ credits }: Distribution): bigint {
  return credits.find(({ account }) => account === 'hopper')?.sats ?? 0n;
}
