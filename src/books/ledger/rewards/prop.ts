import { distribute } from './distribute.ts';
import type { Distribution, Fees, Slice } from './scheme.ts';
import { Tally } from './tally.ts';

export interface PropOptions {
  /** Serial of the slice with the pool's block before this one; undefined if this block is the pool's first. */
  readonly afterSerial: number | undefined;
  readonly fees: Fees;
}

/**
 * Proportional: each round, from one block of the pool to the next, shares its own reward.
 *
 *     credit_a = reward less fees × work of the account in the round ÷ work of the round
 *
 * The round has the slices after the one with the pool's last block, up to and with this block's own. The early shares of a round
 * are worth more than the late ones, so a miner that leaves a round at 43.5 % of the difficulty earns about 28 % more than one
 * that stays, at the expense of those who stay. Choose another scheme for a pool that is open to everybody.
 *
 * A round without any share is possible, if a crash took the shares of its last jobs before they were acknowledged. Its reward goes
 * to the newest slice before it, whose miners were the last at work, rather than to nobody.
 *
 * Source: M. Rosenfeld, "Analysis of Bitcoin Pooled Mining Reward Systems", arXiv:1112.4980, § 2.1 and appendix B.
 *
 * `slices` comes newest first, begins with the block's own, and is read no further than the round. A credit's weight is its work.
 */
export function prop(rewardSats: bigint, slices: Iterable<Slice>, { afterSerial, fees }: PropOptions): Distribution {
  const tally = new Tally();
  let fromJobId: string | undefined;
  let toJobId: string | undefined;
  for (const slice of slices) {
    // The newest slice counts always, so that a second block of one slice has a round as well.
    if (toJobId !== undefined && afterSerial !== undefined && slice.serial <= afterSerial) break;
    toJobId ??= slice.jobId;
    fromJobId = slice.jobId;
    for (const { account, work } of slice.entries) tally.add(account, work, work);
  }
  return distribute(rewardSats, tally.sums(), fees, { fromJobId, toJobId });
}
