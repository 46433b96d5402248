import type { BlockTemplate } from './template.ts';

/**
 * One unit of work, the same for every miner: a template with the pool's coinbase around an extranonce-shaped hole.
 * Immutable. Hashes are in internal (little-endian) order, as they stand in the header.
 */
export interface Job {
  /** Ten hex digits, unique in the data directory (see ids.ts). */
  readonly id: string;
  /** In the tables: `id`, and what no other start has, not even that of a copy of the data directory. */
  readonly rowId: string;
  /** The number behind `id`; later jobs have greater serials. */
  readonly serial: number;
  readonly height: number;
  /** u32; miners may roll the bits of their session's mask. */
  readonly version: number;
  /** 32 bytes. */
  readonly previousHash: Uint8Array;
  /** Compact target, u32. */
  readonly bits: number;
  /** 256-bit network target, 32 bytes little-endian: a header hash at or below it is a block. */
  readonly networkTarget: Uint8Array;
  /** Network difficulty, for people and metrics. */
  readonly networkDifficulty: number;
  /** Earliest ntime, UNIX seconds. */
  readonly minTime: number;
  /** The ntime that the notify carries, UNIX seconds. */
  readonly curTime: number;
  /** Serialised coinbase (without witness) up to the variant, which is followed by the extranonces. */
  readonly coinb1: Uint8Array;
  /** Serialised coinbase (without witness) after extranonce2, unless a session's coinbase pays its own account. */
  readonly coinb2: Uint8Array;
  /** Where in `coinb2` the outputs begin: with their number. */
  readonly outputsAt: number;
  /** The same with fewer outputs, for devices that take no coinbase as long as this one: the longest first. Default: there is none. */
  readonly shorterCoinbases?: readonly ShorterCoinbase[] | undefined;
  /** Sibling hashes from the coinbase's leaf to the root, 32 bytes each. */
  readonly merkleBranch: readonly Uint8Array[];
  /**
   * The coinbase pays accounts by the window of slices that ends with the slice of this job (a `rowId`); undefined if it pays the
   * pool alone, or the account of the session that mines it.
   */
  readonly windowEnd?: string | undefined;
  /** True if the work before this job is worthless: the tip changed. */
  readonly cleanJobs: boolean;
  /** The sum that the coinbase pays. */
  readonly rewardSats: bigint;
  /** Pool clock at creation, ms. */
  readonly createdMs: number;
  /** The parts of a block beside the header and the coinbase. */
  readonly template: BlockTemplate;
}

/** Another second half of a job's coinbase. */
export interface ShorterCoinbase {
  /** Of the whole coinbase without witness. */
  readonly bytes: number;
  readonly coinb2: Uint8Array;
}

/**
 * The coinbase has the variant of the job id before the extranonces (ids.ts), u16 big-endian, so a header is valid for one id only. The
 * difficulty of an id is fixed before a miner can know the work: a job's own id is only broadcast, and other variants are random. So a
 * miner can not choose the difficulty after seeing the hash.
 */
export const VARIANT_BYTES = 2;
/** extranonce1 is the pool's, 4 bytes; extranonce2 is the miner's, 8 bytes: what every client in the field accepts. */
export const EXTRANONCE1_BYTES = 4;
export const EXTRANONCE2_BYTES = 8;
