import type { Candidate } from './candidate.ts';
import type { LogIdentity } from './log-file.ts';
import type { Commit, Kept } from './log-store.ts';

/** What the log's thread is started with. */
export interface LogWorkerData {
  readonly folder: string;
  readonly pagesMax: number | undefined;
  /** False where nobody will read the log: then it is cut to `keptBytesMax` and `keptMsMax`. */
  readonly retain: boolean;
  readonly keptBytesMax: number;
  readonly keptMsMax: number;
  /** True where gateways in processes of their own commit too. */
  readonly serve: boolean;
}

/** To the log's thread. */
export type LogRequest =
  | { readonly type: 'commit'; readonly commit: Commit }
  /** Every consumer has all batches up to and including `seq`: they may go. */
  | { readonly type: 'confirmed'; readonly seq: number }
  | { readonly type: 'close' };

export interface KeptStatus extends Kept {
  /** When the oldest of them was stored, ms; undefined where there is none. */
  readonly oldestMs: number | undefined;
}

/** From the log's thread. */
export type LogReply =
  | {
      readonly type: 'ready';
      readonly identity: LogIdentity;
      readonly unresolved: Candidate[];
      readonly kept: KeptStatus;
    }
  | { readonly type: 'refused'; readonly reason: string }
  /** The next `commits` commits, in order, are on the disk. Their buffers come back. */
  | {
      readonly type: 'durable';
      readonly commits: number;
      readonly buffers: ArrayBuffer[];
      readonly commitMs: number;
      readonly kept: KeptStatus;
      /** Rows that nobody had confirmed and that went because the log is kept for nobody. */
      readonly droppedRows: number;
    }
  | { readonly type: 'trimmed'; readonly kept: KeptStatus }
  /** A commit failed; it is tried again until it succeeds. */
  | { readonly type: 'failing'; readonly reason: string }
  | { readonly type: 'closed' };
