import type { BlockOutcome, Clock, Logger, ShareRecorder, SpareDescriptors } from '#base/domain/ports';
import type { BlockHead } from './candidates/candidate.ts';
import type { Timers } from './journal/timers.ts';
import type { Disk } from './segments/disk.ts';

export interface ShareLogOptions {
  /** The data folder; made if it does not exist. */
  readonly folder: string;
  /** The `node` column: which pool of several wrote a row. Undefined: a name of the data folder's own (`defaultNode`). */
  readonly node?: string | undefined;
  /** The consumers of the log. A batch is kept until all consumers have confirmed it; without consumers, up to the size limit. */
  readonly consumers: readonly string[];
  readonly batchRowsMax?: number;
  readonly batchBytesMax?: number;
  readonly keptBytesMax?: number;
  readonly keptMsMax?: number;
  /** Length of the log's files; what is confirmed goes file by file. */
  readonly segmentBytes?: number;
  /** How long `close` waits for the disk. */
  readonly closeMsMax?: number;
}

export interface ShareLogModules {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Default: the system's. */
  readonly disk?: Disk;
  /** For the files of block candidates. Default: none. */
  readonly spare?: SpareDescriptors;
  /** Default: the system's. */
  readonly timers?: Timers;
  /** A group commit is on the disk, and how long that took, ms. */
  readonly committed?: (durationMs: number) => void;
}

export interface ShareLogStatus {
  readonly healthy: boolean;
  /** Why it is not; empty if it is. */
  readonly reason: string;
  /** Rows and bytes that are not on the disk yet. */
  readonly pendingRows: number;
  readonly pendingBytes: number;
  /** Callbacks that wait for their commit. */
  readonly pendingCommits: number;
  /** What not every consumer has confirmed. */
  readonly keptBatches: number;
  readonly keptRows: number;
  readonly keptBytes: number;
  readonly keptMs: number;
  /** Set if a consumer's lag exceeds the bound of the log. No batch is dropped because of it. */
  readonly alarm: string | undefined;
  /** Rows dropped because the log has no consumers. */
  readonly droppedRows: number;
}

/** The log as a whole: of its journals, the first that fails says why. */
export function mergeStatuses(statuses: readonly [ShareLogStatus, ...ShareLogStatus[]]): ShareLogStatus {
  return statuses.reduce((a, b) => ({
    healthy: a.healthy && b.healthy,
    reason: a.reason || b.reason,
    pendingRows: a.pendingRows + b.pendingRows,
    pendingBytes: a.pendingBytes + b.pendingBytes,
    pendingCommits: a.pendingCommits + b.pendingCommits,
    keptBatches: a.keptBatches + b.keptBatches,
    keptRows: a.keptRows + b.keptRows,
    keptBytes: a.keptBytes + b.keptBytes,
    keptMs: Math.max(a.keptMs, b.keptMs),
    alarm: a.alarm ?? b.alarm,
    droppedRows: a.droppedRows + b.droppedRows,
  }));
}

/** The durable log. After `close` every method but `status` and `close` throws. */
export interface ShareLog extends ShareRecorder {
  /** Random, of this data folder. */
  readonly logId: string;
  /** The data folder's random identity: 16 bytes in hex. A copy of the folder has the same one. */
  readonly folderId: string;
  /** The `node` column of its rows. */
  readonly node: string;
  /** Random, of this boot: 16 hex digits. No other boot has it, not even one of a copy of the folder that has the same epoch. */
  readonly bootId: string;
  /** Boots of this data folder, this one included: 1 for the first. */
  readonly epoch: number;
  /** Counts a further epoch, durably, and returns it: greater than any before, and less than the next start's. Throws if the disk refuses. */
  nextEpoch(): number;
  /** Block candidates of earlier boots that the chain had not settled: to be followed, and `settled` in the end. */
  readonly unresolved: readonly BlockHead[];
  /** The block of a candidate that is not settled, from its file; undefined if it can not be read. */
  blockOf(hash: string): Promise<Uint8Array | undefined>;
  /** Resolves when every block candidate so far is on the disk. */
  kept(): Promise<void>;
  /** Records a candidate's new status: its row in `blocks`. */
  resolved(candidate: BlockHead, outcome: BlockOutcome): void;
  /** `consumer` has stored all batches up to and including `seq` for good. */
  confirm(consumer: string, seq: number): void;
  status(): ShareLogStatus;
  /** Commits the open batch, waits for it (up to `closeMsMax`) and unlocks the folder. */
  close(): Promise<void>;
}
