import { distribute } from './distribute.ts';
import type { Distribution, Fees, Slice } from './scheme.ts';

/**
 * Solo: the account that found the block gets the whole reward less fees.
 *
 * Source: M. Rosenfeld, "Analysis of Bitcoin Pooled Mining Reward Systems", arXiv:1112.4980, § 1.2.
 *
 * `slice` is the block's own. The credit's weight is 1, its work what the finder has in that slice. Nobody is credited if `finder` is
 * empty, since it is unknown: a block that was found while another scheme was in force.
 */
export function solo(rewardSats: bigint, finder: string, slice: Slice, fees: Fees): Distribution {
  const work = slice.entries.find(({ account }) => account === finder)?.work ?? 0n;
  const { jobId } = slice;
  const weighed = finder === '' ? [] : [{ account: finder, weight: 1n, work }];
  return distribute(rewardSats, weighed, fees, { fromJobId: jobId, toJobId: jobId });
}
