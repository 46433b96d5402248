/**
 * The memory map, the same for every build. One instance owns one memory; another thread may fill it between runs.
 * Every region and record is 16-byte aligned, so that the SIMD build can load vectors anywhere.
 *
 *     0x000000  statics (round constants, initial state): data segments, rewritten by every instantiation
 *     0x002000  SCRATCH    8 KiB   message schedules and states, four lanes wide; schedules of paddings
 *     0x004000  SCAN     256 B     header 80 B · target 32 B at +96 · found nonce u32 at +128 · working state from +144
 *     0x004100  DIGEST   256 B     streaming state 32 B · digest 32 B at +32
 *     0x004200  BRANCH  1 KiB     the merkle branch that was built, 32 × 32 B
 *     0x005000  WAITING    4 KiB   per job slot, 64 B: shares that wait for a group of eight
 *     0x008000  MEMO     96 KiB    merkle roots already folded, 1024 × 96 B
 *     0x020000  SHARES  128 KiB    1,024 records × 128 B
 *     0x040000  JOBS   1440 KiB    64 slots × 23,040 B
 *     0x1A8000  BYTES     1 MiB    messages to hash; leaves of a merkle tree, 32,768 × 32 B
 *     0x2A8000  end, within 43 pages
 *
 * Bytes are as on the wire, integers little-endian u32. "Words" are big-endian words of SHA-256 held as native u32.
 * Exported by name, so that the glue can compare its own copy with what was compiled.
 */
export const SCRATCH: u32 = 0x2000;
export const SCRATCH_BYTES: u32 = 0x2000;

export const SCAN: u32 = 0x4000;
export const SCAN_BYTES: u32 = 0x100;
export const SCAN_HEADER: u32 = 0;
export const SCAN_TARGET: u32 = 96;
export const SCAN_NONCE: u32 = 128;
export const SCAN_STATE: u32 = 144;

export const DIGEST: u32 = 0x4100;
export const DIGEST_BYTES: u32 = 0x100;
export const DIGEST_STATE: u32 = 0;
export const DIGEST_OUT: u32 = 32;

export const BRANCH: u32 = 0x4200;
export const BRANCH_BYTES: u32 = 0x400;

/** While the SIMD build runs: how many shares of a job wait, u32, and their addresses, 8 × u32. */
export const WAITING: u32 = 0x5000;
export const WAITING_BYTES: u32 = 0x1000;
export const WAITING_SLOT_BYTES: u32 = 64;
export const WAITING_SHARES: u32 = 16;

export const MEMO: u32 = 0x8000;
export const MEMO_BYTES: u32 = 0x18000;
export const MEMO_ENTRIES: u32 = 1024;
export const MEMO_ENTRY_BYTES: u32 = 96;
/** JOB_PREPARED of the job, u32; 0 in an unused entry. */
export const MEMO_JOB: u32 = 0;
/** The extranonces, as long as the job's hole. */
export const MEMO_EXTRANONCE: u32 = 16;
/** The root, 8 words. */
export const MEMO_ROOT: u32 = 48;

export const SHARES: u32 = 0x20000;
export const SHARES_BYTES: u32 = 0x20000;
/** Shares of one batch: an audit has many, and a hand-over to another thread costs as much as hashing some ten of them. */
export const SHARE_CAPACITY: u32 = 1024;
export const SHARE_BYTES: u32 = 128;
/** In: job slot, u32. */
export const SHARE_SLOT: u32 = 0;
/** In: header version as hashed, u32. */
export const SHARE_VERSION: u32 = 4;
export const SHARE_NTIME: u32 = 8;
export const SHARE_NONCE: u32 = 12;
/** In: 256-bit number, 32 bytes little-endian. */
export const SHARE_TARGET: u32 = 16;
/** In: extranonce1 and extranonce2, as many bytes as the job's hole has. */
export const SHARE_EXTRANONCE: u32 = 48;
/** Out: header hash, 32 bytes as in the next header: a little-endian number. */
export const SHARE_HASH: u32 = 80;
/** Out: bit 0, the hash is at or below the share's target; bit 1, at or below the network's. */
export const SHARE_STATUS: u32 = 112;

export const JOBS: u32 = 0x40000;
export const JOBS_BYTES: u32 = 0x168000;
export const JOB_SLOTS: u32 = 64;
export const JOB_BYTES: u32 = 23040;
/** In: lengths in bytes. */
export const JOB_COINB1_BYTES: u32 = 0;
export const JOB_COINB2_BYTES: u32 = 4;
export const JOB_EXTRANONCE_BYTES: u32 = 8;
export const JOB_BRANCHES: u32 = 12;
/** In: compact network target, u32. */
export const JOB_BITS: u32 = 16;
/** Whoever loads a job writes 0; the first run after that prepares it and writes a number never used before. */
export const JOB_PREPARED: u32 = 20;
/** Prepared: the coinbase's 64-byte blocks [first, constant) hold extranonce bytes, [constant, blocks) never change. */
export const JOB_FIRST_BLOCK: u32 = 24;
export const JOB_CONSTANT_BLOCK: u32 = 28;
export const JOB_BLOCKS: u32 = 32;
/** In: 32 bytes. */
export const JOB_PREVIOUS_HASH: u32 = 64;
/** In: 256-bit number, 32 bytes little-endian. */
export const JOB_NETWORK_TARGET: u32 = 96;
/** Prepared: state after the blocks that coinb1 fills, 8 words. */
export const JOB_MIDSTATE: u32 = 128;
/** Prepared: the previous hash as 8 words. */
export const JOB_PREVIOUS_WORDS: u32 = 160;
/** In: merkle branches, 32 bytes each. */
export const JOB_BRANCH: u32 = 192;
/** Prepared: the branches as 8 words each. */
export const JOB_BRANCH_WORDS: u32 = 1216;
/** In: coinb1, hole, coinb2. Prepared: the padding of SHA-256 behind them. */
export const JOB_COINBASE: u32 = 2240;
export const JOB_COINBASE_BYTES: u32 = 4160;
/** Prepared: 64 words for each constant block, the round constants added. */
export const JOB_SCHEDULES: u32 = 6400;

export const COINBASE_BYTES_MAX: u32 = 4096;
export const EXTRANONCE_BYTES_MAX: u32 = 32;
export const MERKLE_BRANCHES_MAX: u32 = 32;

export const BYTES: u32 = 0x1a8000;
export const BYTES_BYTES: u32 = 0x100000;

export const MEMORY_PAGES: u32 = 43;
