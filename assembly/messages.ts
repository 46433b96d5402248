import { CHAIN, GROUP_A, GROUP_BYTES, IV4, splatWords, WORDS } from './groups';
import { WK_PADDING_64 } from './sha256';
import { rounds4, roundsKnown4 } from './sha256x4';
import { rounds8, roundsKnown8 } from './sha256x8';

/**
 * Whole messages, in GROUP_A alone or, where `pair`, in both groups. Words go in and digests come out at WORDS, so that
 * one hash feeds the next without leaving the lanes.
 */

export const A_WORDS: usize = GROUP_A + WORDS;
const A_CHAIN: usize = GROUP_A + CHAIN;

/** One block, whose 16 words are there, from the state at `from` (GROUP_B's lies `step` behind) to `into`. */
function rounds(pair: bool, from: usize, step: usize, into: usize): void {
  if (pair) rounds8(from, step, into);
  else rounds4(from, into);
}

/** The first block of a message, to the chaining state. */
export function beginMessages(pair: bool): void {
  rounds(pair, IV4, 0, A_CHAIN);
}

/** The next block, from the chaining state and back to it. */
export function continueMessages(pair: bool): void {
  rounds(pair, A_CHAIN, GROUP_BYTES, A_CHAIN);
}

/** The next block where all lanes share its schedule, 64 words with the round constants added. */
export function continueKnown(pair: bool, wk: usize): void {
  roundsKnown(pair, A_CHAIN, wk);
}

function roundsKnown(pair: bool, into: usize, wk: usize): void {
  if (pair) roundsKnown8(A_CHAIN, GROUP_BYTES, into, wk);
  else roundsKnown4(A_CHAIN, into, wk);
}

/** SHA-256 of the 32-byte messages in the first 8 words. */
export function hashDigests(pair: bool): void {
  pad(A_WORDS, 8, 256);
  if (pair) pad(A_WORDS + GROUP_BYTES, 8, 256);
  rounds(pair, IV4, 0, A_WORDS);
}

/** SHA-256d of the 64-byte messages in the 16 words. */
export function hashPairs(pair: bool): void {
  beginMessages(pair);
  roundsKnown(pair, A_WORDS, WK_PADDING_64);
  hashDigests(pair);
}

/** SHA-256d of the 64-byte messages in the first 8 words and the branch, 8 words that all lanes share. */
export function hashWithBranch(pair: bool, branch: usize): void {
  splatWords(A_WORDS + 128, branch, 8);
  if (pair) splatWords(A_WORDS + GROUP_BYTES + 128, branch, 8);
  hashPairs(pair);
}

/** SHA-256d of headers: their states after 64 bytes are at `from`, their last 16 bytes in the first 4 words. */
export function hashHeaderEnds(pair: bool, from: usize, step: usize): void {
  pad(A_WORDS, 4, 640);
  if (pair) pad(A_WORDS + GROUP_BYTES, 4, 640);
  rounds(pair, from, step, A_WORDS);
  hashDigests(pair);
}

/** The padding of messages that end before word `at` of their last block. */
function pad(words: usize, at: usize, messageBits: u32): void {
  v128.store(words + 16 * at, i32x4.splat(0x80000000));
  for (let next = at + 1; next < 15; next++) v128.store(words + 16 * next, i32x4.splat(0));
  v128.store(words, i32x4.splat(messageBits), 240);
}
