/** What the log and the tables say of a block candidate. */
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
}

/** A block candidate with the bytes to submit. */
export interface Candidate extends BlockHead {
  /** Full serialisation for submitblock. */
  readonly block: Uint8Array;
}
