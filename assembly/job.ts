import {
  JOB_BLOCKS,
  JOB_BRANCH,
  JOB_BRANCH_WORDS,
  JOB_BRANCHES,
  JOB_COINB1_BYTES,
  JOB_COINB2_BYTES,
  JOB_COINBASE,
  JOB_CONSTANT_BLOCK,
  JOB_EXTRANONCE_BYTES,
  JOB_FIRST_BLOCK,
  JOB_MIDSTATE,
  JOB_PREPARED,
  JOB_PREVIOUS_HASH,
  JOB_PREVIOUS_WORDS,
  JOB_SCHEDULES,
} from './layout';
import { compress, copyWords, IV, loadBlock, schedule, swapWords } from './sha256';

/** Jobs prepared so far: never 0, which means "not prepared". */
let preparations: u32 = 0;

/** Makes what all shares of a job have in common, once after it was loaded. */
export function prepareJob(job: usize): void {
  if (load<u32>(job + JOB_PREPARED) !== 0) return;
  const coinbase = job + JOB_COINBASE;
  const hole = load<u32>(job + JOB_COINB1_BYTES);
  const holeEnd = hole + load<u32>(job + JOB_EXTRANONCE_BYTES);
  const bytes = holeEnd + load<u32>(job + JOB_COINB2_BYTES);
  const blocks = (bytes + 72) >> 6;
  const first = hole >> 6;
  const constant = (holeEnd + 63) >> 6;

  memory.fill(coinbase + bytes, 0, 64 * blocks - bytes);
  store<u8>(coinbase + bytes, 0x80);
  store<u32>(coinbase + 64 * blocks - 4, bswap<u32>(bytes << 3));
  copyWords(job + JOB_MIDSTATE, IV);
  for (let index: u32 = 0; index < first; index++) compress(job + JOB_MIDSTATE, coinbase + 64 * index);
  for (let index = constant; index < blocks; index++) {
    loadBlock(coinbase + 64 * index);
    schedule(job + JOB_SCHEDULES + 256 * index);
  }
  swapWords(job + JOB_PREVIOUS_WORDS, job + JOB_PREVIOUS_HASH);
  const branches = load<u32>(job + JOB_BRANCHES);
  for (let index: u32 = 0; index < branches; index++) {
    swapWords(job + JOB_BRANCH_WORDS + 32 * index, job + JOB_BRANCH + 32 * index);
  }
  store<u32>(job + JOB_FIRST_BLOCK, first);
  store<u32>(job + JOB_CONSTANT_BLOCK, constant);
  store<u32>(job + JOB_BLOCKS, blocks);
  preparations += 1;
  if (preparations === 0) preparations = 1;
  store<u32>(job + JOB_PREPARED, preparations);
}
