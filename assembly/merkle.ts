import { BRANCH, BYTES } from './layout';
import { hashPair, swapWords, W } from './sha256';

/**
 * The merkle branch of leaf 0 over `leaves` leaves of 32 bytes in BYTES. Leaf 0 itself is never read: it is the
 * coinbase, which each share has its own of. Overwrites the leaves, leaves the branch in BRANCH and returns its length.
 * An odd level repeats its last hash (Bitcoin Core, consensus/merkle.cpp).
 */
export function merkleBranch(leaves: u32): u32 {
  let branches: u32 = 0;
  for (let count = leaves; count > 1; count = (count + 1) >> 1) {
    memory.copy(BRANCH + 32 * branches, BYTES + 32, 32);
    branches += 1;
    for (let index: u32 = 2; index < count; index += 2) {
      const left = BYTES + 32 * index;
      swapWords(W, left);
      swapWords(W + 32, index + 1 < count ? left + 32 : left);
      hashPair(W);
      swapWords(BYTES + 16 * index, W);
    }
  }
  return branches;
}
