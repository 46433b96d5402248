import { SCAN, SCAN_HEADER, SCAN_NONCE, SCAN_STATE, SCAN_TARGET } from './layout';
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
