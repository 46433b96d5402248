import { prepareJob } from './job';
import {
  JOB_BITS,
  JOB_BLOCKS,
  JOB_BRANCH_WORDS,
  JOB_BRANCHES,
  JOB_BYTES,
  JOB_COINB1_BYTES,
  JOB_COINBASE,
  JOB_CONSTANT_BLOCK,
  JOB_EXTRANONCE_BYTES,
  JOB_FIRST_BLOCK,
  JOB_MIDSTATE,
  JOB_NETWORK_TARGET,
  JOB_PREVIOUS_WORDS,
  JOB_SCHEDULES,
  JOBS,
  SCRATCH,
  SHARE_BYTES,
  SHARE_EXTRANONCE,
  SHARE_HASH,
  SHARE_NONCE,
  SHARE_NTIME,
  SHARE_SLOT,
  SHARE_STATUS,
  SHARE_TARGET,
  SHARE_VERSION,
  SHARES,
} from './layout';
import { recallRoot, rememberRoot } from './memo';
import { compress, copyWords, hashDigest, hashPair, IV, padWords, rounds, schedule, swapWords, W, WK } from './sha256';

/** The header's state, 8 words. */
const HEADER: usize = SCRATCH + 0x1320;

/** True where the 32-byte little-endian number at `value` is at most the one at `bound`. */
export function atMost(value: usize, bound: usize): bool {
  for (let at: i32 = 24; at >= 0; at -= 8) {
    const a = load<u64>(value + at);
    const b = load<u64>(bound + at);
    if (a !== b) return a < b;
  }
  return true;
}

/** The share's job, prepared. */
export function jobOf(share: usize): usize {
  const job: usize = JOBS + JOB_BYTES * load<u32>(share + SHARE_SLOT);
  prepareJob(job);
  return job;
}

/** Writes the share's extranonces into the hole of the job's coinbase. */
export function fillHole(job: usize, share: usize): void {
  const hole = job + JOB_COINBASE + load<u32>(job + JOB_COINB1_BYTES);
  const extranonceBytes = load<u32>(job + JOB_EXTRANONCE_BYTES);
  for (let at: u32 = 0; at < extranonceBytes; at++) store<u8>(hole + at, load<u8>(share + SHARE_EXTRANONCE + at));
}

/** Hashes the coinbase and folds it over the branches: the root goes to SHARE_HASH, 8 words. */
export function findRoot(job: usize, share: usize): void {
  const root = share + SHARE_HASH;
  const coinbase = job + JOB_COINBASE;
  const constant = load<u32>(job + JOB_CONSTANT_BLOCK);
  const blocks = load<u32>(job + JOB_BLOCKS);
  let index = load<u32>(job + JOB_FIRST_BLOCK);
  fillHole(job, share);
  copyWords(root, job + JOB_MIDSTATE);
  for (; index < constant; index++) compress(root, coinbase + 64 * index);
  for (; index < blocks; index++) rounds(root, root, job + JOB_SCHEDULES + 256 * index);
  hashDigest(root, root);

  let branch = job + JOB_BRANCH_WORDS;
  const end = branch + 32 * load<u32>(job + JOB_BRANCHES);
  for (; branch < end; branch += 32) {
    copyWords(W, root);
    copyWords(W + 32, branch);
    hashPair(root);
  }
  rememberRoot(job, share);
}

/** Hashes the 80-byte header with the root in SHARE_HASH; writes hash and status. */
export function hashHeader(job: usize, share: usize): void {
  const hash = share + SHARE_HASH;
  store<u32>(W, bswap<u32>(load<u32>(share + SHARE_VERSION)));
  copyWords(W + 4, job + JOB_PREVIOUS_WORDS);
  copyWords(W + 36, hash);
  schedule(WK);
  rounds(IV, HEADER, WK);
  store<u32>(W, load<u32>(hash, 28), 0);
  store<u32>(W, bswap<u32>(load<u32>(share + SHARE_NTIME)), 4);
  store<u32>(W, bswap<u32>(load<u32>(job + JOB_BITS)), 8);
  store<u32>(W, bswap<u32>(load<u32>(share + SHARE_NONCE)), 12);
  padWords(4, 640);
  schedule(WK);
  rounds(HEADER, HEADER, WK);
  hashDigest(HEADER, HEADER);
  swapWords(hash, HEADER);
  judge(job, share);
}

/** Compares the hash with both targets. */
export function judge(job: usize, share: usize): void {
  const hash = share + SHARE_HASH;
  const status = (atMost(hash, share + SHARE_TARGET) ? 1 : 0) | (atMost(hash, job + JOB_NETWORK_TARGET) ? 2 : 0);
  store<u32>(share + SHARE_STATUS, status);
}

/** Verifies shares 0…count−1, one after the other. */
export function runScalar(count: u32): void {
  const end = SHARES + SHARE_BYTES * count;
  for (let share: usize = SHARES; share < end; share += SHARE_BYTES) {
    const job = jobOf(share);
    if (!recallRoot(job, share)) findRoot(job, share);
    hashHeader(job, share);
  }
}
