import { distribute } from './distribute.ts';
import type { Distribution, Fees, Slice } from './scheme.ts';
import { Tally } from './tally.ts';
import { sliceWindow } from './window.ts';

export interface PplnsOptions {
  /** Length of the window in units of 2^-64 of a block (`windowOfBlocks`). */
  readonly window: bigint;
  readonly fees: Fees;
}

/**
 * Pay per last N shares, in the unit variant: N is measured in blocks' worth of work.
 *
 *     w_e = ⌊work × 2^64 ÷ network work of the entry's own job⌋
 *     credit_a = reward less fees × Σ w_e of the account in the window ÷ Σ w_e of the window
 *
 * The window is the newest N × 2^64 units of weight and ends with the block's own slice; `sliceWindow` says how the oldest slice is
 * cut. As long as history does not fill the window, the whole reward goes to what is there: the denominator is the window's actual
 * total. Work of a job whose network difficulty was lower weighs more, because it was worth more of a block; so a change of
 * difficulty gives no reason to leave.
 *
 * Source: M. Rosenfeld, "Analysis of Bitcoin Pooled Mining Reward Systems", arXiv:1112.4980, § 3.3 (PPLNS), § 5.2 and 5.3
 * (units of a block's work).
 *
 * `slices` comes newest first and begins with the block's own. A credit's weight is in units of 2^-64 of a block.
 */
export function pplns(rewardSats: bigint, slices: Iterable<Slice>, { window, fees }: PplnsOptions): Distribution {
  const tally = new Tally();
  let fromJobId: string | undefined;
  let toJobId: string | undefined;
  for (const { slice, entries } of sliceWindow(slices, window)) {
    toJobId ??= slice.jobId;
    fromJobId = slice.jobId;
    for (const { account, weight, work } of entries) tally.add(account, weight, work);
  }
  return distribute(rewardSats, tally.sums(), fees, { fromJobId, toJobId });
}
