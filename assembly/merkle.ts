import { GROUP_BYTES } from './groups';
import { BRANCH, BYTES } from './layout';
import { A_WORDS, hashPairs } from './messages';
import { hashPair, swapWords, W } from './sha256';
import { gatherWords, scatterWords } from './transpose';

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
    let index: u32 = 2;
    if (ASC_FEATURE_SIMD) {
      for (; index + 16 <= count; index += 16) hashEightPairs(BYTES + 32 * index, BYTES + 16 * index);
    }
    for (; index < count; index += 2) {
      const left = BYTES + 32 * index;
      swapWords(W, left);
      swapWords(W + 32, index + 1 < count ? left + 32 : left);
      hashPair(W);
      swapWords(BYTES + 16 * index, W);
    }
  }
  return branches;
}

/** Eight hashes of 32 bytes at `to` from sixteen at `from`. */
function hashEightPairs(from: usize, to: usize): void {
  gatherPairs(A_WORDS, from);
  gatherPairs(A_WORDS + GROUP_BYTES, from + 256);
  hashPairs(true);
  scatterWords(A_WORDS, to, to + 32, to + 64, to + 96, true);
  scatterWords(A_WORDS + GROUP_BYTES, to + 128, to + 160, to + 192, to + 224, true);
}

function gatherPairs(words: usize, from: usize): void {
  gatherWords(words, from, from + 64, from + 128, from + 192, true);
  gatherWords(words + 128, from + 32, from + 96, from + 160, from + 224, true);
}
