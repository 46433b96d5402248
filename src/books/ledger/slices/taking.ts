import type { SliceSum } from './slice-sums.ts';

/** How far the ledger has read one journal. */
export interface Position {
  readonly logId: string;
  /** The name of its folder. */
  readonly journal: string;
  /** The life that wrote the batch `seq` (shares/sharelog/journal/identity.ts). */
  readonly life: string;
  /** The last batch that was taken; 0 for none. */
  readonly seq: number;
  /** Rows and bytes of all batches up to that one. */
  readonly rowsTotal: number;
  readonly bytesTotal: number;
  /** The greatest mark that was taken; -1 for none. */
  readonly closedSerial: number;
  /** The journal has no writer, and was read to its end. */
  readonly finished: boolean;
}

/** What the ledger must know of a job. */
export interface JobFacts {
  readonly jobId: string;
  readonly serial: number;
  readonly height: number;
  /** Compact target, u32. */
  readonly nbits: number;
  /** Expected hashes of a block. */
  readonly networkWork: bigint;
  readonly rewardSats: bigint;
  readonly subsidySats: bigint;
  readonly feesSats: bigint;
  readonly timeMs: number;
  /** The job with whose slice the window of its coinbase ends; empty if the coinbase pays the pool. */
  readonly windowEnd: string;
}

/** What the log says of a block candidate. */
export interface FoundBlockRow {
  /** 64 hex digits, display order. */
  readonly hash: string;
  readonly jobId: string;
  readonly account: string;
  readonly worker: string;
  readonly height: number;
  readonly foundMs: number;
  readonly rewardSats: bigint;
  readonly status: string;
  readonly reason: string;
  readonly revision: bigint;
}

/** What was read out of the log at a time: goes into the ledger as a whole, or not at all. */
export interface Taking {
  /** Where each journal stands then that was read from. */
  readonly positions: readonly Position[];
  readonly jobs: readonly JobFacts[];
  readonly found: readonly FoundBlockRow[];
  readonly sums: Iterable<SliceSum>;
  /** Rows of any kind, and accepted shares. */
  readonly rows: number;
  readonly shares: number;
}
