import { prepareJob } from './job';
import {
  JOB_BITS,
  JOB_BLOCKS,
  JOB_BRANCH_WORDS,
  JOB_BRANCH_WORDS_BYTES,
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
  SHARE_EXTRANONCE,
  SHARE_HASH,
  SHARE_NONCE,
  SHARE_NTIME,
  SHARE_SLOT,
  SHARE_STATUS,
  SHARE_TARGET,
  SHARE_VERSION,
} from './layout';
import { compress, copyWords, hashDigest, hashPair, IV, padWords, rounds, schedule, swapWords, W, WK } from './sha256';

/** The merkle root, and before it the coinbase's hash, 8 words. */
const ROOT: usize = SCRATCH + 0x920;
/** The header's state, 8 words. */
const HEADER: usize = SCRATCH + 0x940;

/** True where the 32-byte little-endian number at `value` is at most the one at `bound`. */
export function atMost(value: usize, bound: usize): bool {
  for (let at: i32 = 24; at >= 0; at -= 8) {
    const a = load<u64>(value + at);
    const b = load<u64>(bound + at);
    if (a !== b) return a < b;
  }
  return true;
}

/** `ROOT` = hash of the coinbase with the share's extranonce, which is written into the hole of the job's copy. */
function hashCoinbase(job: usize, share: usize): void {
  const coinbase = job + JOB_COINBASE;
  const hole = coinbase + load<u32>(job + JOB_COINB1_BYTES);
  const extranonceBytes = load<u32>(job + JOB_EXTRANONCE_BYTES);
  for (let at: u32 = 0; at < extranonceBytes; at++) store<u8>(hole + at, load<u8>(share + SHARE_EXTRANONCE + at));
  const constant = load<u32>(job + JOB_CONSTANT_BLOCK);
  const blocks = load<u32>(job + JOB_BLOCKS);
  let index = load<u32>(job + JOB_FIRST_BLOCK);
  copyWords(ROOT, job + JOB_MIDSTATE);
  for (; index < constant; index++) compress(ROOT, coinbase + 64 * index);
  for (; index < blocks; index++) rounds(ROOT, ROOT, job + JOB_SCHEDULES + 256 * index);
  hashDigest(ROOT, ROOT);
}

/** Folds the coinbase's hash in `ROOT` over the job's branches. */
function foldBranches(job: usize): void {
  let branch = job + JOB_BRANCH_WORDS;
  const end = branch + JOB_BRANCH_WORDS_BYTES * load<u32>(job + JOB_BRANCHES);
  for (; branch < end; branch += JOB_BRANCH_WORDS_BYTES) {
    copyWords(W, ROOT);
    copyWords(W + 32, branch);
    hashPair(ROOT);
  }
}

/** Hashes the 80-byte header and writes hash and status. */
function hashHeader(job: usize, share: usize): void {
  store<u32>(W, bswap<u32>(load<u32>(share + SHARE_VERSION)));
  copyWords(W + 4, job + JOB_PREVIOUS_WORDS);
  copyWords(W + 36, ROOT);
  schedule(WK);
  rounds(IV, HEADER, WK);
  store<u32>(W, load<u32>(ROOT, 28), 0);
  store<u32>(W, bswap<u32>(load<u32>(share + SHARE_NTIME)), 4);
  store<u32>(W, bswap<u32>(load<u32>(job + JOB_BITS)), 8);
  store<u32>(W, bswap<u32>(load<u32>(share + SHARE_NONCE)), 12);
  padWords(4, 640);
  schedule(WK);
  rounds(HEADER, HEADER, WK);
  hashDigest(HEADER, HEADER);
  const hash = share + SHARE_HASH;
  swapWords(hash, HEADER);
  const status = (atMost(hash, share + SHARE_TARGET) ? 1 : 0) | (atMost(hash, job + JOB_NETWORK_TARGET) ? 2 : 0);
  store<u32>(share + SHARE_STATUS, status);
}

/** Verifies one share. */
export function verifyShare(share: usize): void {
  const job: usize = JOBS + JOB_BYTES * load<u32>(share + SHARE_SLOT);
  prepareJob(job);
  hashCoinbase(job, share);
  foldBranches(job);
  hashHeader(job, share);
}
