import type { Job } from './job.ts';
import type { Verdict } from './verdict.ts';

/** A JSON-RPC id: echoed unchanged. Strings are BFGMiner's, null is a notification's. */
export type RequestId = string | number | null;

/** `mining.submit` with its fields decoded; a field that is no hex of the right length makes `malformed` name it. */
export interface SubmitRequest {
  readonly id: RequestId;
  /** As sent, capped and cleaned of control characters. */
  readonly workerName: string;
  readonly jobId: string;
  /** Canonical: lower-case hex without prefix; its length is checked against the session's. */
  readonly extranonce2: string;
  readonly ntime: number;
  readonly nonce: number;
  /** BIP310 sixth parameter; undefined where absent. */
  readonly versionBits: number | undefined;
  readonly malformed: string | undefined;
}

/** Somebody who mines under one name on one connection. */
export interface Worker {
  /** The name as authorised. */
  readonly name: string;
  /** The payable address (before `.` or `_`). */
  readonly account: string;
  /** What follows `.` or `_`; may be empty. */
  readonly rig: string;
}

/** What a session was promised with a job id: a share of that id is judged by these and nothing else. */
export interface Terms {
  /** Difficulty as a number for people, wire and tables. */
  readonly difficulty: number;
  /** 256-bit share target, 32 bytes little-endian. */
  readonly target: Uint8Array;
  /** Expected hashes of one share at this difficulty, ≥ 1: the unit in which work is summed. */
  readonly work: bigint;
  /** Version bits that the miner may change (BIP310/BIP320), u32; 0 for none. */
  readonly versionMask: number;
}

/** A session as the share path sees it. */
export interface Submitter {
  /** Unique in the data directory. */
  readonly sessionId: bigint;
  readonly subscribed: boolean;
  /** EXTRANONCE1_BYTES bytes. */
  readonly extranonce1: Uint8Array;
  readonly remoteIp: string;
  readonly userAgent: string;
  /** Undefined unless a worker of that name is authorised on this connection. */
  worker(name: string): Worker | undefined;
  /** What was promised with this id; undefined where this session was never given it. */
  terms(serial: number, variant: number): Terms | undefined;
  /**
   * Version bits that a share of an expired job may have, whose terms are forgotten: those of the session now. Undefined for a
   * job that this session can not have had.
   */
  lateVersionMask(serial: number): number | undefined;
  /** A worker may not mine on this connection any more, unless it logs in again and is let in. */
  expel(name: string): void;
  /**
   * Called once for each submission, in the order in which they came in; an accepted one only when it is durable. One that
   * is refused because too many wait for the log does not wait with them, and overtakes them.
   */
  settle(share: JudgedShare): void;
  /** Ends the session, after what is queued for its client. */
  close(): void;
}

/** One submission with its verdict: everything that the log, the reply and the metrics need. */
export interface JudgedShare {
  readonly submitter: Submitter;
  readonly request: SubmitRequest;
  /** Undefined where the submission named nobody authorised. */
  readonly worker: Worker | undefined;
  /** Undefined where the submission named no known job. */
  readonly job: Job | undefined;
  readonly terms: Terms | undefined;
  readonly verdict: Verdict;
  /** Of the job id that it named (ids.ts); 0 without a known job. */
  readonly variant: number;
  /** u32 as hashed; the job's where there is nothing better; 0 without a job. */
  readonly version: number;
  /** Achieved difficulty, 0 where nothing was hashed. */
  readonly shareDifficulty: number;
  /** True where the hash also meets the network's target. */
  readonly block: boolean;
  /** Header hash of a share that meets the network's target, 32 bytes in internal order; undefined of any other. */
  readonly hash?: Uint8Array | undefined;
  /** Pool clock when the line arrived, ms. */
  readonly receivedMs: number;
  /** From the line's arrival to the verdict, µs. */
  readonly latencyUs: number;
}

/** What makes a header of a job: no two shares of a job have the same. */
export interface HeaderInputs {
  /** Of the job id that the share named (ids.ts). */
  readonly variant: number;
  readonly extranonce1: Uint8Array;
  /** Lower-case hex. */
  readonly extranonce2: string;
  /** u32, as hashed. */
  readonly version: number;
  readonly ntime: number;
  readonly nonce: number;
}

/** A share that solves a block, in so few words that it can go from a gateway to the pool. */
export interface Solution extends HeaderInputs {
  /** Header hash, 64 hex digits, display (big-endian) order. */
  readonly hash: string;
  readonly serial: number;
  readonly account: string;
  readonly rig: string;
  readonly shareDifficulty: number;
  readonly foundMs: number;
}
