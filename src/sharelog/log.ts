import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Job } from '../domain/job.ts';
import type { FoundBlock, SubmitOutcome } from '../domain/ports.ts';
import type { JudgedShare } from '../domain/share.ts';
import { limits } from '../limits.ts';
import { headOf } from './block-rows.ts';
import { BufferPool } from './buffer-pool.ts';
import type { BlockHead, Candidate } from './candidate.ts';
import { CandidateStore } from './candidate-store.ts';
import { CommitWindow } from './commit-window.ts';
import { systemDisk } from './disk.ts';
import { type FolderLock, lockFile } from './folder-lock.ts';
import { Gate } from './gate.ts';
import { countBoot, type LogIdentity } from './identity.ts';
import type { KeptMarks } from './kept.ts';
import { LogServer } from './log-server.ts';
import { makeFolder } from './make-folder.ts';
import { type EncodedBatch, OpenBatch } from './open-batch.ts';
import { findEnd, type LogEnd } from './recovery.ts';
import { LOG_FOLDER } from './segment-files.ts';
import { SegmentStore } from './segment-store.ts';
import { SegmentWriter } from './segment-writer.ts';
import type { ShareLog, ShareLogModules, ShareLogOptions, ShareLogStatus } from './share-log.ts';

export type { ShareLog, ShareLogModules, ShareLogOptions, ShareLogStatus } from './share-log.ts';

/** In the data folder: held while a pool runs. */
export const LOG_LOCK_FILE = 'sharelog.lock';
/** What miners sent, from where: nobody else's business. */
const FOLDER_MODE = 0o700;
const CLOSE_MS_MAX = 5_000;
/** How long `close` waits for a disk that does not answer, before it leaves the folder locked until it does. */
const RELEASE_MS_MAX = 1_000;
/** A write that takes longer is told of. */
const PATIENCE_MS = 5_000;
/** What is gathered while a write is under way is the next one: more than one at a time would only be smaller. */
const POSTED_MAX = 1;

/** Opens the log of a data folder; rejects where another pool has it, or where it can not be written. */
export async function openShareLog(options: ShareLogOptions, modules: ShareLogModules): Promise<ShareLog> {
  const { folder } = options;
  makeFolder(join(folder, LOG_FOLDER), FOLDER_MODE);
  const lock = lockFile(join(folder, LOG_LOCK_FILE));
  if (lock === undefined) {
    throw new Error(`the share log in ${folder} can not be opened: another pool is running on this data folder`);
  }
  try {
    const store = new SegmentStore(folder, options.segmentBytes ?? limits.logSegmentBytes);
    const end = findEnd(folder);
    const identity = countBoot(folder, end.epoch);
    if (end.segment === undefined) {
      await store.prepare();
      await store.make(1);
    } else await store.rewrite(end.segment, end.offset);
    void store.prepare();
    const log = new SegmentLog(options, modules, { lock, identity, store, end });
    await log.serve();
    return log;
  } catch (error) {
    lock.release();
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`the share log in ${folder} can not be opened: ${reason}`);
  }
}

class SegmentLog implements ShareLog {
  readonly logId: string;
  readonly epoch: number;
  readonly unresolved: readonly Candidate[];
  readonly #options: ShareLogOptions;
  readonly #modules: ShareLogModules;
  readonly #lock: FolderLock;
  readonly #pool = new BufferPool(4, limits.logBatchBytesMax * 2);
  readonly #open: OpenBatch;
  readonly #window: CommitWindow;
  readonly #candidates: CandidateStore;
  readonly #store: SegmentStore;
  readonly #writer: SegmentWriter;
  readonly #server: LogServer | undefined;
  readonly #gate = new Gate();
  readonly #marks: KeptMarks;
  readonly #positions: Map<string, number>;
  /** First sequence numbers of the segments that are there. */
  readonly #segments: number[];
  /** Candidates whose outcome is among the rows that are not committed yet. */
  #decided: string[] = [];
  #trimming = false;
  #droppedRows = 0;
  #failing: string | undefined;
  #closed: Promise<void> | undefined;

  constructor(
    options: ShareLogOptions,
    modules: ShareLogModules,
    parts: { lock: FolderLock; identity: LogIdentity; store: SegmentStore; end: LogEnd },
  ) {
    const { folder } = options;
    const { identity, end } = parts;
    this.logId = identity.logId;
    this.epoch = identity.epoch;
    this.#options = options;
    this.#modules = modules;
    this.#lock = parts.lock;
    this.#store = parts.store;
    this.#segments = end.segments;
    this.#marks = end.marks;
    this.#positions = new Map(options.consumers.map((consumer) => [consumer, 0]));
    const failing = (reason: string): void => this.#onFailing(reason);
    this.#candidates = new CandidateStore(folder, { failing });
    this.unresolved = this.#candidates.unresolved;
    this.#writer = new SegmentWriter(
      {
        folder,
        segmentBytes: options.segmentBytes ?? limits.logSegmentBytes,
        epoch: identity.epoch,
        segment: end.segment ?? 1,
        offset: end.offset,
      },
      {
        clock: modules.clock,
        disk: modules.disk ?? systemDisk,
        store: parts.store,
        marks: end.marks,
        failing,
        written: (segment) => this.#onWritten(segment),
        took: (ms) => modules.committed?.(ms),
      },
    );
    const bounds = {
      rowsMax: options.batchRowsMax ?? limits.logBatchRowsMax,
      bytesMax: options.batchBytesMax ?? limits.logBatchBytesMax,
    };
    this.#open = new OpenBatch({ node: options.node, epoch: this.epoch, bounds }, this.#pool);
    this.#window = new CommitWindow(
      { commitBytesMax: bounds.bytesMax, postedMax: POSTED_MAX },
      { open: this.#open, post: (batches) => this.#post(batches) },
    );
    if (options.serve === true) {
      this.#server = new LogServer({ folder }, { append: (commit) => this.#append(commit) });
    }
  }

  /** Lets gateways in, where there are any. */
  async serve(): Promise<void> {
    await this.#server?.listen();
  }

  share(share: JudgedShare): void {
    this.#assertOpen();
    this.#open.share(share);
  }

  job(job: Job): void {
    this.#assertOpen();
    this.#open.job(job);
  }

  candidate(block: FoundBlock): void {
    this.#assertOpen();
    const head = headOf(block);
    this.#candidates.keep({ ...head, block: block.block });
    this.#open.block(head, { status: 'unknown', reason: 'no answer yet' });
  }

  kept(): Promise<void> {
    return this.#candidates.settled ?? Promise.resolve();
  }

  outcome(block: FoundBlock, outcome: SubmitOutcome): void {
    this.resolved(headOf(block), outcome);
  }

  resolved(candidate: BlockHead, outcome: SubmitOutcome): void {
    this.#assertOpen();
    this.#open.block(candidate, outcome);
    if (outcome.status !== 'unknown') this.#decided.push(candidate.hash);
  }

  commit(durable: () => void): void {
    this.#assertOpen();
    if (this.#decided.length === 0) {
      this.#window.commit(durable);
      return;
    }
    const decided = this.#decided;
    this.#decided = [];
    this.#window.commit(() => {
      for (const hash of decided) this.#candidates.drop(hash);
      durable();
    });
  }

  confirm(consumer: string, seq: number): void {
    if (this.#closed !== undefined) return;
    const position = this.#positions.get(consumer);
    if (position === undefined) throw new Error(`sharelog: no consumer ${consumer}`);
    if (seq <= position) return;
    this.#positions.set(consumer, seq);
    this.#marks.confirm(Math.min(...this.#positions.values()));
    void this.#trim();
  }

  status(): ShareLogStatus {
    const reason = this.#failing ?? this.#impatience();
    const { pending, waiting } = this.#window;
    const { oldestMs, batches, rows, bytes } = this.#marks.kept;
    const keptMs = oldestMs === undefined ? 0 : Math.max(0, this.#modules.clock.nowMs() - oldestMs);
    return {
      healthy: reason === '',
      reason,
      pendingRows: pending.rows,
      pendingBytes: pending.bytes,
      pendingCommits: waiting,
      keptBatches: batches,
      keptRows: rows,
      keptBytes: bytes,
      keptMs,
      alarm: this.#alarm(keptMs, bytes),
      droppedRows: this.#droppedRows,
    };
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const { closeMsMax = CLOSE_MS_MAX } = this.#options;
    if (await this.#window.drain(closeMsMax)) {
      for (const hash of this.#decided) this.#candidates.drop(hash);
    } else {
      const { reason, pendingRows } = this.status();
      this.#modules.logger.error({ reason, pendingRows }, 'share log closed with rows that never reached the disk');
    }
    this.#server?.close();
    const idle = new Promise<void>((resolve) => this.#writer.close(resolve));
    this.#candidates.close();
    await this.#candidates.settled;
    // What is still with the disk must not come into another pool's log: until then the folder is this one's.
    const released = Promise.all([idle, this.#store.close()]).then(() => this.#lock.release());
    await Promise.race([released, setTimeout(Math.min(closeMsMax, RELEASE_MS_MAX), undefined, { ref: false })]);
  }

  #impatience(): string {
    const ms = this.#writer.waitingMs;
    return ms > PATIENCE_MS ? `the disk has not answered for ${Math.floor(ms / 1000)} s` : '';
  }

  #alarm(keptMs: number, bytes: number): string | undefined {
    const { keptMsMax, keptBytesMax } = this.#bounds();
    if (this.#positions.size === 0) return undefined;
    if (keptMs > keptMsMax) return `a consumer is ${Math.round(keptMs / 3_600_000)} h behind`;
    if (bytes > keptBytesMax) return `a consumer is ${Math.round(bytes / 2 ** 20)} MiB behind`;
    return undefined;
  }

  #bounds(): { readonly keptBytesMax: number; readonly keptMsMax: number } {
    const { keptBytesMax = limits.logKeptBytesMax, keptMsMax = limits.logKeptMsMax } = this.#options;
    return { keptBytesMax, keptMsMax };
  }

  #assertOpen(): void {
    if (this.#closed !== undefined) throw new Error('sharelog: used after close');
  }

  #post(batches: readonly EncodedBatch[]): void {
    const handedMs = this.#modules.clock.nowMs();
    const durable = (): void => {
      for (const { buffer } of batches) this.#pool.give(buffer);
      this.#window.durable(1);
    };
    this.#append({ batches, handedMs, durable });
  }

  /** A block's share is not acknowledged before the block itself can not be lost. */
  #append(commit: Parameters<SegmentWriter['append']>[0]): void {
    this.#gate.pass(this.#candidates.settled, () => this.#writer.append(commit));
  }

  /** A write came to its end, in this segment. */
  #onWritten(segment: number): void {
    if (this.#failing !== undefined) this.#modules.logger.info({}, 'share log writes again');
    this.#failing = undefined;
    if (segment !== this.#segments.at(-1)) this.#segments.push(segment);
    if (this.#positions.size > 0) return;
    const { keptBytesMax, keptMsMax } = this.#bounds();
    const dropped = this.#marks.cut(keptBytesMax, this.#modules.clock.nowMs() - keptMsMax);
    if (dropped === 0) return;
    this.#droppedRows += dropped;
    void this.#trim();
  }

  #onFailing(reason: string): void {
    if (this.#failing !== reason) {
      this.#modules.logger.error({ reason }, 'share log can not write: shares are not acknowledged until it can');
    }
    this.#failing = reason;
  }

  /**
   * Lets go of the segments that nobody wants any more: those whose successor begins with what is still wanted. The last
   * one with a frame stays, since it says how far the log has come.
   */
  async #trim(): Promise<void> {
    if (this.#trimming) return;
    this.#trimming = true;
    try {
      for (;;) {
        const [oldest, next] = this.#segments;
        if (oldest === undefined || next === undefined || next > this.#marks.confirmedSeq + 1) break;
        if (this.#closed !== undefined) break;
        await this.#store.discard(oldest);
        this.#segments.shift();
      }
    } catch (error) {
      this.#modules.logger.warn({ err: error }, 'a segment of the share log can not be removed');
    } finally {
      this.#trimming = false;
    }
  }
}
