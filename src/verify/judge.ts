import type { Verdict } from '../domain/verdict.ts';
import type { Seen } from './seen.ts';

/** The kernel's bit for "the hash is at or below the share's target". */
export const MEETS_SHARE = 1;
/** The kernel's bit for "the hash is at or below the network's target". */
export const MEETS_NETWORK = 2;

/**
 * The verdict on a hashed share. A hash that makes a block is accepted whatever the share's difficulty: where the
 * network asks for less than the pool (regtest), a block is still a block.
 */
export function judge(meets: number, seen: Seen): Verdict {
  if (seen === 'known') return 'duplicate';
  if ((meets & (MEETS_SHARE | MEETS_NETWORK)) === 0) return 'low-difficulty';
  return seen === 'full' ? 'overloaded' : 'accepted';
}
