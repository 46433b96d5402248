import { distribute } from './distribute.ts';
import type { Distribution, Fees, Slice } from './scheme.ts';

/**
 * Solo: the account that found the block gets the whole reward less fees.
 *
 * Source: M. Rosenfeld, "Analysis of Bitcoin Pooled Mining Reward Systems", arXiv:1112.4980, § 1.2.
 *
 * `slice` is the newest that is not newer than the block; undefined if there is none, because a crash took all shares before they
 * were acknowledged. The credit's weight is 1, its work what the finder has in that slice. Nobody is credited if `finder` is
 * empty, since it is unknown: a block that the chain alone told the pool of.
 */
export function solo(rewardSats: bigint, finder: string, slice: Slice | undefined, fees: Fees): Distribution {
  const work = slice?.entries.find(({ account }) => account === finder)?.work ?? 0n;
  const jobId = slice?.jobId;
  const weighed = finder === '' ? [] : [{ account: finder, weight: 1n, work }];
  return distribute(rewardSats, weighed, fees, { fromJobId: jobId, toJobId: jobId });
}
