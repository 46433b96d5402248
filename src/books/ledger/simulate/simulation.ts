import { type Outcome, simulateBlockSchemes } from './block-schemes.ts';
import { type Figure, holds } from './figure.ts';
import { type Hop, simulateHopper } from './hopper.ts';
import { type Reserve, simulatePayPerShare } from './pay-per-share.ts';
import type { Progress } from './progress.ts';

export interface Simulation {
  readonly blocks: number;
  readonly seed: number;
  readonly outcomes: readonly Outcome[];
  readonly hops: readonly Hop[];
  readonly reserves: readonly Reserve[];
  readonly figures: readonly Figure[];
  /** Whether every figure is within its tolerance. */
  readonly ok: boolean;
}

/**
 * Runs the reward schemes over histories of `blocks` blocks each, and puts what came out beside what theory says. The same seed
 * gives the same numbers.
 */
export function simulateRewards(blocks: number, seed: number, progress: Progress): Simulation {
  const stayed = simulateBlockSchemes(blocks, seed, progress);
  const hopped = simulateHopper(blocks, seed, progress);
  const paid = simulatePayPerShare(blocks, seed, progress);
  const figures = [...stayed.figures, ...hopped.figures, ...paid.figures];
  return {
    blocks,
    seed,
    outcomes: stayed.outcomes,
    hops: hopped.hops,
    reserves: paid.reserves,
    figures,
    ok: figures.every(holds),
  };
}
