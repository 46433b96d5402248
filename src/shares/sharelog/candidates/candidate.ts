/** A block candidate's data in the log and the tables. */
export interface BlockHead {
  /** Header hash, 64 hex digits, display (big-endian) order. */
  readonly hash: string;
  readonly height: number;
  readonly jobId: string;
  readonly account: string;
  readonly rig: string;
  readonly rewardSats: bigint;
  readonly networkDifficulty: number;
  readonly shareDifficulty: number;
  /** Pool clock, ms. */
  readonly foundMs: number;
  /** With the job they name the block's share. Undefined for a candidate that an earlier version kept. */
  readonly inputs?: BlockInputs | undefined;
}

/** HeaderInputs (base/domain/share.ts) as text and numbers. */
export interface BlockInputs {
  readonly variant: number;
  /** Lower-case hex. */
  readonly extranonce1: string;
  readonly extranonce2: string;
  readonly ntime: number;
  readonly nonce: number;
  readonly version: number;
  /** Hex, of the coinbase that was mined; empty: the job's. Undefined: a version that knew no other kept it. */
  readonly coinb2?: string | undefined;
}

/** A candidate as it is on the disk. */
export interface KeptCandidate extends BlockHead {
  /** Full serialisation for submitblock. Undefined if the process was killed before the block had its file. */
  readonly block?: Uint8Array | undefined;
}
