import { GROUP_BYTES, MIDSTATE4, splatWords, TAIL4 } from './groups';
import { Lanes } from './lanes';
import { SCAN, SCAN_HEADER, SCAN_NONCE, SCAN_STATE, SCAN_TARGET } from './layout';
import { A_WORDS, hashHeaderEnds } from './messages';
import { compress, copyWords, hashDigest, IV, padWords, rounds, schedule, swapWords, W, WK } from './sha256';
import { atMost } from './share';

const MIDSTATE: usize = SCAN + SCAN_STATE;
const STATE: usize = SCAN + SCAN_STATE + 32;
const HASH: usize = SCAN + SCAN_STATE + 64;

/**
 * Tries `count` nonces from `first` on (wrapping at 2^32) in the header at SCAN_HEADER against SCAN_TARGET. True where
 * one meets it; the first that does is at SCAN_NONCE.
 */
export function scan(first: u32, count: u32): bool {
  const header: usize = SCAN + SCAN_HEADER;
  copyWords(MIDSTATE, IV);
  compress(MIDSTATE, header);
  let index: u32 = 0;
  if (ASC_FEATURE_SIMD) {
    prepareEight(header);
    for (; count - index >= 8; index += 8) {
      if (oneOfEightMayMeet(first + index) && scanOne(header, first + index, 8)) return true;
    }
  }
  return scanOne(header, first + index, count - index);
}

/** The same nonce by nonce, from the midstate on. */
function scanOne(header: usize, first: u32, count: u32): bool {
  for (let index: u32 = 0; index < count; index++) {
    const nonce = first + index;
    for (let at: usize = 0; at < 12; at += 4) store<u32>(W + at, bswap<u32>(load<u32>(header + 64 + at)));
    store<u32>(W, bswap<u32>(nonce), 12);
    padWords(4, 640);
    schedule(WK);
    rounds(MIDSTATE, STATE, WK);
    hashDigest(STATE, STATE);
    // Only the number's top word decides for nearly all nonces.
    if (bswap<u32>(load<u32>(STATE, 28)) > load<u32>(SCAN + SCAN_TARGET, 28)) continue;
    swapWords(HASH, STATE);
    if (atMost(HASH, SCAN + SCAN_TARGET)) {
      store<u32>(SCAN + SCAN_NONCE, nonce);
      return true;
    }
  }
  return false;
}

function prepareEight(header: usize): void {
  splatWords(MIDSTATE4, MIDSTATE, 8);
  for (let at: usize = 0; at < 12; at += 4) v128.store(TAIL4 + 4 * at, Lanes.swap(Lanes.splat(header + 64 + at)));
}

/** True where one of the eight nonces from `first` on may meet the target: its hash's top word does. */
function oneOfEightMayMeet(first: u32): bool {
  putTails(A_WORDS, first);
  putTails(A_WORDS + GROUP_BYTES, first + 4);
  hashHeaderEnds(true, MIDSTATE4, 0);
  return v128.any_true(v128.or(topMeets(A_WORDS), topMeets(A_WORDS + GROUP_BYTES)));
}

function putTails(words: usize, first: u32): void {
  memory.copy(words, TAIL4, 48);
  v128.store(words, Lanes.swap(Lanes.add(i32x4.splat(first), i32x4(0, 1, 2, 3))), 48);
}

function topMeets(words: usize): v128 {
  return i32x4.le_u(Lanes.swap(v128.load(words, 112)), Lanes.splat(SCAN + SCAN_TARGET + 28));
}
