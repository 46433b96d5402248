/** The current job as the pool tells HTTP of it. Bytes are in hex, so that it goes over a channel of JSON. */
export interface JobReport {
  readonly id: string;
  readonly rowId: string;
  readonly height: number;
  readonly createdMs: number;
  readonly cleanJobs: boolean;
  /** Display order. */
  readonly previousHash: string;
  /** Eight hex digits. */
  readonly version: string;
  readonly bits: string;
  readonly networkDifficulty: number;
  /** UNIX seconds. */
  readonly minTime: number;
  readonly curTime: number;
  /** A decimal integer. */
  readonly rewardSats: string;
  readonly coinb1: string;
  readonly coinb2: string;
  readonly merkleBranch: readonly string[];
  /** Beside the coinbase. */
  readonly transactions: number;
  readonly transactionsBytes: number;
  /** Of the transactions beside the coinbase; null if the node does not say it. */
  readonly weight: number | null;
}
