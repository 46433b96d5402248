import type { Job } from './job.ts';
import type { Verdict } from './verdict.ts';

/** A worker: one name on one connection. */
export interface Worker {
  /** The name as authorised. */
  readonly name: string;
  /** The payable address (before `.` or `_`). */
  readonly account: string;
  /** What follows `.` or `_`; may be empty. */
  readonly rig: string;
}

/** An account that the coinbases of its own sessions pay. One object per account. */
export interface Payee {
  readonly account: string;
  /** scriptPubKey of its address. */
  readonly script: Uint8Array;
  /** What the pool keeps of a reward: its fee for this account, and the donation; basis points of the whole. */
  readonly feeBasisPoints: number;
  readonly donationBasisPoints: number;
}

/** The maximum length of a coinbase, without witness, that some devices accept. One object per size. */
export interface CoinbaseSize {
  readonly bytesMax: number;
}

/** Which of a job's coinbases a session mines on, if it is not the job's own: one for its account, or one for its device. */
export type CoinbaseChoice = Payee | CoinbaseSize;

/** The terms of a session's job id. A share of that id is judged by them alone. */
export interface Terms {
  /** Difficulty as a number for people, wire and tables. */
  readonly difficulty: number;
  /** 256-bit share target, 32 bytes little-endian. */
  readonly target: Uint8Array;
  /** Expected hashes of one share at this difficulty, ≥ 1: the unit in which work is summed. */
  readonly work: bigint;
  /** Version bits that the miner may change (BIP310/BIP320), u32; 0 for none. */
  readonly versionMask: number;
  /** Which coinbase was sent with the id; undefined: the job's own. */
  readonly coinbase?: CoinbaseChoice | undefined;
}

/**
 * The source of a session's shares. Immutable: if a session's extranonce or user agent changes, it gets a new source, so earlier shares
 * keep theirs.
 */
export interface Source {
  /** Unique in the data directory. */
  readonly sessionId: bigint;
  /** EXTRANONCE1_BYTES bytes; zeros before the client has one. */
  readonly extranonce1: Uint8Array;
  readonly remoteIp: string;
  readonly userAgent: string;
}

/** The fields of a share, as its client sent them in whatever protocol. */
export interface ShareFields {
  /** Capped, and cleaned of control characters. */
  readonly workerName: string;
  /** How the client named the job. Capped and cleaned, because the row of a share of an unknown job keeps the name. */
  readonly jobName: string;
  /** Of the job that it names; NO_SERIAL if the pool can not have issued that name. */
  readonly serial: number;
  /** The variant of that job (ids.ts). */
  readonly variant: number;
  /** Its length is checked with the share; empty if it could not be read. */
  readonly extranonce2: Uint8Array;
  /** u32, UNIX seconds. */
  readonly ntime: number;
  /** u32. */
  readonly nonce: number;
  /** Version bits that the miner has rolled, u32 (BIP310); undefined if it sent none. */
  readonly versionBits: number | undefined;
}

export const NO_SERIAL = -1;

/** A fault of a share that is independent of its job. */
export type SubmissionFault = 'not-subscribed' | 'malformed';

/** A share as a session hands it in, with everything that the session knows of it: nothing is asked back. */
export interface Submission extends ShareFields {
  readonly source: Source;
  /** Undefined unless a worker of that name is authorised on this connection. */
  readonly worker: Worker | undefined;
  /** The terms of this job and variant; undefined if the session never got them, or they are forgotten. */
  readonly terms: Terms | undefined;
  /** Version bits that the share may have, u32; undefined if this session can not have had the job. */
  readonly versionMask: number | undefined;
  /** Which coinbase was mined: that of the terms, or the session's if they are forgotten. Undefined: the job's own. */
  readonly coinbase?: CoinbaseChoice | undefined;
  readonly fault: SubmissionFault | undefined;
  /** Its sender has used up its budget. The share leaves no row unless it makes a block, and is never accepted otherwise. */
  readonly unwanted: boolean;
  readonly submitter: Submitter;
  /** Opaque data that the submitter needs to answer the share. */
  readonly reply: unknown;
}

/** Receives the verdicts of its shares. Only shares/verify/apply.ts calls these. */
export interface Submitter {
  /** The verdict stands; an accepted share may still be lost. Called once for each submission, in the order of arrival. */
  judged(share: JudgedShare): void;
  /**
   * The verdict may be told: an accepted share is on the disk. Called once for each submission, in the order of arrival, except
   * that a share which is refused because too many wait for the log overtakes those that wait.
   */
  durable(share: JudgedShare): void;
  /** Ends the session, after what is queued for its client. */
  close(): void;
}

/** One submission with its verdict: everything that the log, the reply and the metrics need. */
export interface JudgedShare {
  readonly submission: Submission;
  /** Undefined if the submission named no known job. */
  readonly job: Job | undefined;
  /** The terms of the credit: the submission's, or the network's for a block that misses the submission's difficulty. */
  readonly terms: Terms | undefined;
  readonly verdict: Verdict;
  /** u32 as hashed; the job's if the share was not hashed; 0 without a job. */
  readonly version: number;
  /** Achieved difficulty, 0 if nothing was hashed. */
  readonly shareDifficulty: number;
  /** True if the hash also meets the network's target. */
  readonly block: boolean;
  /** Header hash of a share that meets the network's target, 32 bytes in internal order; undefined of any other. */
  readonly hash?: Uint8Array | undefined;
  /** Pool clock when the share arrived, ms. */
  readonly receivedMs: number;
  /** From the share's arrival to the verdict, µs. */
  readonly latencyUs: number;
}

/** What makes a header of a job: no two shares of a job have the same. */
export interface HeaderInputs {
  /** Of the job id that the share named (ids.ts). */
  readonly variant: number;
  readonly extranonce1: Uint8Array;
  readonly extranonce2: Uint8Array;
  /** u32, as hashed. */
  readonly version: number;
  readonly ntime: number;
  readonly nonce: number;
}

/** A share that solves a block, in so few words that it can go from a gateway to the pool. */
export interface Solution extends HeaderInputs {
  /** Of the coinbase that was mined; undefined: the job's. */
  readonly coinb2?: Uint8Array | undefined;

  /** Header hash, 64 hex digits, display (big-endian) order. */
  readonly hash: string;
  readonly serial: number;
  readonly account: string;
  readonly rig: string;
  readonly shareDifficulty: number;
  readonly foundMs: number;
}
