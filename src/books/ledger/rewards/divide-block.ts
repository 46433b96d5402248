import { countedSlices } from './counted-slices.ts';
import { pplns } from './pplns.ts';
import { prop } from './prop.ts';
import type { BlockScheme, Distribution, Fees, Slice } from './scheme.ts';
import { solo } from './solo.ts';

/** All that the division of one block depends on beside its reward and the slices. */
export interface BlockTerms {
  readonly scheme: BlockScheme;
  readonly fees: Fees;
  /** pplns: units of 2^-64 of a block (`windowOfBlocks`). */
  readonly window: bigint;
  /** prop: serial of the slice with the pool's block before this one; undefined for the first. */
  readonly afterSerial: number | undefined;
  /** pplns: serial of the slice with the newest block below this one that ended a round of PROP; undefined for none. */
  readonly afterPropSerial?: number | undefined;
  /** solo: the account whose share is the block. */
  readonly finder: string;
}

/**
 * Divides the reward of a block as its scheme says. `slices` comes newest first, begins with the block's own slice, if that has a
 * share, and is read as far as the scheme needs.
 */
export function divideBlock(rewardSats: bigint, slices: Iterable<Slice>, terms: BlockTerms): Distribution {
  const { scheme, fees, window, afterSerial, finder } = terms;
  const counted = countedSlices(slices, terms);
  if (scheme === 'pplns') return pplns(rewardSats, counted, { window, fees });
  if (scheme === 'prop') return prop(rewardSats, counted, { afterSerial, fees });
  const [newest] = counted;
  return solo(rewardSats, finder, newest, fees);
}
