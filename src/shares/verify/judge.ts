import type { Verdict } from '#base/domain/verdict';
import { MEETS_NETWORK_TARGET, MEETS_SHARE_TARGET } from '#shares/kernel/memory';
import type { Seen } from './seen.ts';

/**
 * The verdict on a hashed share. A hash that makes a block is accepted whatever the share's difficulty: where the
 * network asks for less than the pool (regtest), a block is still a block.
 */
export function judge(meets: number, seen: Seen): Verdict {
  if (seen === 'known') return 'duplicate';
  if ((meets & (MEETS_SHARE_TARGET | MEETS_NETWORK_TARGET)) === 0) return 'low-difficulty';
  if (seen === 'closed') return 'stale';
  return seen === 'full' ? 'overloaded' : 'accepted';
}
