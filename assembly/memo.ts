import {
  JOB_EXTRANONCE_BYTES,
  JOB_PREPARED,
  MEMO,
  MEMO_ENTRIES,
  MEMO_ENTRY_BYTES,
  MEMO_EXTRANONCE,
  MEMO_JOB,
  MEMO_ROOT,
  SHARE_EXTRANONCE,
  SHARE_HASH,
} from './layout';
import { copyWords } from './sha256';

/**
 * Merkle roots of this memory's last shares. A miner that rolls version bits and nonces stays on one extranonce2 for
 * long, and then all but the header's two hashes is known. An entry counts only where the job (as prepared, so that a
 * reloaded slot never matches) and every byte of the extranonces are the same.
 */

/** The one entry that the share's root may be in. */
function entryOf(share: usize, extranonceBytes: u32): usize {
  let mix: u32 = 0x9e3779b9;
  for (let at: u32 = 0; at < extranonceBytes; at += 4) {
    mix = rotl<u32>(mix ^ wordOf(share + SHARE_EXTRANONCE, at, extranonceBytes), 15) * 0x85ebca6b;
  }
  mix ^= mix >> 15;
  return MEMO + MEMO_ENTRY_BYTES * (mix % MEMO_ENTRIES);
}

/** Four bytes at `at`; those behind the end count as 0. */
function wordOf(bytes: usize, at: u32, end: u32): u32 {
  const word = load<u32>(bytes + at);
  return at + 4 <= end ? word : word & ((1 << (8 * (end - at))) - 1);
}

/** Writes the share's root to SHARE_HASH (8 words) where it is known; false where it is not. */
export function recallRoot(job: usize, share: usize): bool {
  const extranonceBytes = load<u32>(job + JOB_EXTRANONCE_BYTES);
  const entry = entryOf(share, extranonceBytes);
  if (load<u32>(entry + MEMO_JOB) !== load<u32>(job + JOB_PREPARED)) return false;
  for (let at: u32 = 0; at < extranonceBytes; at += 4) {
    const asked = wordOf(share + SHARE_EXTRANONCE, at, extranonceBytes);
    if (asked !== wordOf(entry + MEMO_EXTRANONCE, at, extranonceBytes)) return false;
  }
  copyWords(share + SHARE_HASH, entry + MEMO_ROOT);
  return true;
}

/** Keeps the share's root, which is in SHARE_HASH. */
export function rememberRoot(job: usize, share: usize): void {
  const entry = entryOf(share, load<u32>(job + JOB_EXTRANONCE_BYTES));
  store<u32>(entry + MEMO_JOB, load<u32>(job + JOB_PREPARED));
  copyWords(entry + MEMO_EXTRANONCE, share + SHARE_EXTRANONCE);
  copyWords(entry + MEMO_ROOT, share + SHARE_HASH);
}
