import { Lanes } from './lanes';
import { SCRATCH } from './layout';
import { IV } from './sha256';

/**
 * Where the SIMD build works. A group is four messages, one a lane; two groups are hashed at a time where there are
 * enough messages. Word `i` of lane `l` of a vector sequence is at 16 · i + 4 · l.
 */
export const GROUP_A: usize = SCRATCH;
export const GROUP_B: usize = SCRATCH + 0x500;
export const GROUP_BYTES: usize = GROUP_B - GROUP_A;

/** In a group: the message schedule, 64 vectors. A digest comes out in its first 8, as words of the next message. */
export const WORDS: usize = 0;
/** In a group: a vector that is written and never read. */
export const SINK: usize = 0x400;
/** In a group: the state between two blocks of a message, 8 vectors. */
export const CHAIN: usize = 0x410;
/** In a group: a word of the message that is kept aside. */
export const ASIDE: usize = 0x490;

/** The initial state in all lanes, 8 vectors. */
export const IV4: usize = SCRATCH + 0xa00;
/** The nonce scan's midstate, 8 vectors, and the three words before the nonce. */
export const MIDSTATE4: usize = SCRATCH + 0xa80;
export const TAIL4: usize = SCRATCH + 0xb00;
/** Addresses of eight shares, u32. */
export const LIST: usize = SCRATCH + 0xb40;

/** Writes what the SIMD build expects in SCRATCH. */
export function initGroups(): void {
  splatWords(IV4, IV, 8);
}

/** `count` words, each in all four lanes. */
export function splatWords(to: usize, words: usize, count: usize): void {
  for (let index: usize = 0; index < count; index++) v128.store(to + 16 * index, Lanes.splat(words + 4 * index));
}
