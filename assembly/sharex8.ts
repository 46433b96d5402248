import { ASIDE, CHAIN, GROUP_A, GROUP_B, GROUP_BYTES, LIST, splatWords } from './groups';
import { Lanes } from './lanes';
import {
  JOB_BITS,
  JOB_BLOCKS,
  JOB_BRANCH_WORDS,
  JOB_BRANCHES,
  JOB_COINB1_BYTES,
  JOB_COINBASE,
  JOB_CONSTANT_BLOCK,
  JOB_EXTRANONCE_BYTES,
  JOB_FIRST_BLOCK,
  JOB_MIDSTATE,
  JOB_PREVIOUS_WORDS,
  JOB_SCHEDULES,
  SHARE_BYTES,
  SHARE_HASH,
  SHARE_NONCE,
  SHARE_NTIME,
  SHARE_SLOT,
  SHARE_VERSION,
  SHARES,
  WAITING,
  WAITING_SHARES,
  WAITING_SLOT_BYTES,
} from './layout';
import { recallRoot, rememberRoot } from './memo';
import {
  A_WORDS,
  beginMessages,
  continueKnown,
  continueMessages,
  hashDigests,
  hashHeaderEnds,
  hashWithBranch,
} from './messages';
import { fillHole, findRoot, hashHeader, jobOf, judge } from './share';
import { gatherWords, scatterWords } from './transpose';

/**
 * Share verification, eight or four at a time. Coinbase and merkle branches are hashed for shares of one job, so that
 * all but the extranonces is the same in every lane; headers then for any shares. A single one left over goes the
 * scalar way; otherwise the last one is repeated in the lanes that are left.
 */

/** The chaining states of `job`'s coinbases for the shares in `list`, and at last their hashes in the words. */
function hashCoinbases(pair: bool, job: usize, list: usize): void {
  const constant = load<u32>(job + JOB_CONSTANT_BLOCK);
  const blocks = load<u32>(job + JOB_BLOCKS);
  let index = load<u32>(job + JOB_FIRST_BLOCK);
  splatWords(GROUP_A + CHAIN, job + JOB_MIDSTATE, 8);
  if (pair) splatWords(GROUP_B + CHAIN, job + JOB_MIDSTATE, 8);
  for (; index < constant; index++) {
    fillBlock(pair, job, list, 64 * index);
    continueMessages(pair);
  }
  for (; index < blocks; index++) continueKnown(pair, job + JOB_SCHEDULES + 256 * index);
  memory.copy(A_WORDS, GROUP_A + CHAIN, 128);
  if (pair) memory.copy(A_WORDS + GROUP_BYTES, GROUP_B + CHAIN, 128);
  hashDigests(pair);
}

/** The words of the coinbase's block at byte `start`; those that hold bytes of the hole differ from lane to lane. */
function fillBlock(pair: bool, job: usize, list: usize, start: u32): void {
  const hole = load<u32>(job + JOB_COINB1_BYTES);
  const holeEnd = hole + load<u32>(job + JOB_EXTRANONCE_BYTES);
  const from: u32 = hole > start ? (hole - start) & ~3 : 0;
  const to: u32 = min<u32>(holeEnd - start, 64);
  const block = job + JOB_COINBASE + start;
  for (let at: u32 = 0; at < 64; at += 4) {
    const word = Lanes.swap(Lanes.splat(block + at));
    v128.store(A_WORDS + 4 * at, word);
    if (pair) v128.store(A_WORDS + GROUP_BYTES + 4 * at, word);
  }
  const lanes: u32 = pair ? 8 : 4;
  for (let lane: u32 = 0; lane < lanes; lane++) {
    fillHole(job, shareOf(list, lane));
    const words = (lane < 4 ? A_WORDS : A_WORDS + GROUP_BYTES) + 4 * (lane & 3);
    for (let at = from; at < to; at += 4) store<u32>(words + 4 * at, bswap<u32>(load<u32>(block + at)));
  }
}

/** The merkle roots of shares of the job, to their SHARE_HASH as words. */
function findRoots(pair: bool, job: usize, list: usize): void {
  hashCoinbases(pair, job, list);
  let branch = job + JOB_BRANCH_WORDS;
  const end = branch + 32 * load<u32>(job + JOB_BRANCHES);
  for (; branch < end; branch += 32) hashWithBranch(pair, branch);
  scatterHashes(A_WORDS, list, false);
  if (pair) scatterHashes(A_WORDS + GROUP_BYTES, list + 16, false);
  const lanes: u32 = pair ? 8 : 4;
  for (let lane: u32 = 0; lane < lanes; lane++) rememberRoot(job, shareOf(list, lane));
}

/** Hashes the headers of any shares whose roots are in SHARE_HASH; writes hashes and statuses. */
function hashHeaders(pair: bool, list: usize): void {
  beginHeaders(A_WORDS, list);
  if (pair) beginHeaders(A_WORDS + GROUP_BYTES, list + 16);
  beginMessages(pair);
  endHeaders(GROUP_A, list);
  if (pair) endHeaders(GROUP_B, list + 16);
  hashHeaderEnds(pair, GROUP_A + CHAIN, GROUP_BYTES);
  scatterHashes(A_WORDS, list, true);
  if (pair) scatterHashes(A_WORDS + GROUP_BYTES, list + 16, true);
  const lanes: u32 = pair ? 8 : 4;
  for (let lane: u32 = 0; lane < lanes; lane++) {
    const share = shareOf(list, lane);
    judge(jobOf(share), share);
  }
}

/** The first 64 bytes of four headers. The root's last word belongs to the rest and is kept aside. */
function beginHeaders(words: usize, list: usize): void {
  const previous = JOB_PREVIOUS_WORDS;
  v128.store(words, Lanes.swap(gather(list, SHARE_VERSION)));
  gatherWords(
    words + 16,
    jobOf(shareOf(list, 0)) + previous,
    jobOf(shareOf(list, 1)) + previous,
    jobOf(shareOf(list, 2)) + previous,
    jobOf(shareOf(list, 3)) + previous,
    false,
  );
  gatherWords(
    words + 144,
    shareOf(list, 0) + SHARE_HASH,
    shareOf(list, 1) + SHARE_HASH,
    shareOf(list, 2) + SHARE_HASH,
    shareOf(list, 3) + SHARE_HASH,
    false,
  );
  v128.store(words + ASIDE, v128.load(words, 256));
}

/** The last 16 bytes of four headers. */
function endHeaders(words: usize, list: usize): void {
  v128.store(words, v128.load(words + ASIDE));
  v128.store(words, Lanes.swap(gather(list, SHARE_NTIME)), 16);
  for (let lane: u32 = 0; lane < 4; lane++) {
    store<u32>(words + 32 + 4 * lane, bswap<u32>(load<u32>(jobOf(shareOf(list, lane)) + JOB_BITS)));
  }
  v128.store(words, Lanes.swap(gather(list, SHARE_NONCE)), 48);
}

function shareOf(list: usize, lane: u32): usize {
  return load<u32>(list + 4 * lane);
}

/** The u32 at `offset` of four shares, one a lane. */
function gather(list: usize, offset: usize): v128 {
  let lanes = v128.load32_zero(shareOf(list, 0) + offset);
  lanes = i32x4.replace_lane(lanes, 1, load<i32>(shareOf(list, 1) + offset));
  lanes = i32x4.replace_lane(lanes, 2, load<i32>(shareOf(list, 2) + offset));
  return i32x4.replace_lane(lanes, 3, load<i32>(shareOf(list, 3) + offset));
}

function scatterHashes(words: usize, list: usize, swapped: bool): void {
  scatterWords(
    words,
    shareOf(list, 0) + SHARE_HASH,
    shareOf(list, 1) + SHARE_HASH,
    shareOf(list, 2) + SHARE_HASH,
    shareOf(list, 3) + SHARE_HASH,
    swapped,
  );
}

/** Repeats the last of `count` addresses up to eight. */
function fillList(list: usize, count: u32): void {
  const last = load<u32>(list + 4 * (count - 1));
  for (let lane = count; lane < 8; lane++) store<u32>(list + 4 * lane, last);
}

/** Finds the roots of the shares that wait for others of their job. */
function flush(job: usize, waiting: usize): void {
  const count = load<u32>(waiting);
  if (count === 0) return;
  store<u32>(waiting, 0);
  const list = waiting + WAITING_SHARES;
  if (count === 1) {
    findRoot(job, shareOf(list, 0));
    return;
  }
  fillList(list, count);
  findRoots(count > 4, job, list);
}

function waitingOf(share: usize): usize {
  return WAITING + WAITING_SLOT_BYTES * load<u32>(share + SHARE_SLOT);
}

/** Verifies shares 0…count−1. */
export function runSimd(count: u32): void {
  const end: usize = SHARES + SHARE_BYTES * count;
  for (let share: usize = SHARES; share < end; share += SHARE_BYTES) {
    const job = jobOf(share);
    if (recallRoot(job, share)) continue;
    const waiting = waitingOf(share);
    const others = load<u32>(waiting);
    store<u32>(waiting + WAITING_SHARES + 4 * others, <u32>share);
    store<u32>(waiting, others + 1);
    if (others === 7) flush(job, waiting);
  }
  for (let share: usize = SHARES; share < end; share += SHARE_BYTES) flush(jobOf(share), waitingOf(share));
  let share: usize = SHARES;
  while (share < end) {
    const lanes = min<u32>(8, <u32>(end - share) / SHARE_BYTES);
    if (lanes === 1) {
      hashHeader(jobOf(share), share);
      return;
    }
    for (let lane: u32 = 0; lane < lanes; lane++) store<u32>(LIST + 4 * lane, <u32>share + SHARE_BYTES * lane);
    fillList(LIST, lanes);
    hashHeaders(lanes > 4, LIST);
    share += SHARE_BYTES * lanes;
  }
}
