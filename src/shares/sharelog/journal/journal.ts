import { join } from 'node:path';
import type { JudgedShare } from '#base/domain/share';
import { limits } from '#base/limits';
import { syncFolderSync } from '#base/std/sync-folder';
import { until } from '#base/std/until';
import { within } from '#base/std/within';
import { BufferPool } from '../segments/buffer-pool.ts';
import { systemDisk } from '../segments/disk.ts';
import { SegmentStore } from '../segments/segment-store.ts';
import { SegmentWriter } from '../segments/segment-writer.ts';
import type { ShareLogModules, ShareLogOptions, ShareLogStatus } from '../share-log.ts';
import { CommitWindow } from './commit-window.ts';
import { type FolderLock, lockFile } from './folder-lock.ts';
import { Gate } from './gate.ts';
import { bootIdOf, countBoot, defaultNode, type LogIdentity } from './identity.ts';
import { journalLock, POOL_JOURNAL } from './journals.ts';
import type { KeptMarks } from './kept.ts';
import { makeFolder } from './make-folder.ts';
import { type EncodedBatch, OpenBatch } from './open-batch.ts';
import { FolderWatch } from './opened-folder.ts';
import { findEnd, type LogEnd } from './recovery.ts';
import { systemTimers } from './timers.ts';

export interface JournalOptions extends ShareLogOptions {
  /** Which of the data folder's journals it is: see journals.ts. */
  readonly journal: string;
  /** How long to wait for the lock of a process that has just ended, ms. Default: 0. */
  readonly lockMsMax?: number;
  /** False for a journal that only waits for delivery, and gets no new rows. Default: true. */
  readonly appends?: boolean;
}

export interface JournalModules extends ShareLogModules {
  /** What must be on the disk before anything more is appended; undefined for nothing. Default: nothing. */
  readonly ready?: () => Promise<void> | undefined;
}

/** Only the owner may read the folder, because rows have miners' addresses. */
const FOLDER_MODE = 0o700;
const CLOSE_MS_MAX = 5_000;
/** How long `close` waits for a disk that does not answer, before it leaves the journal locked until it does. */
const RELEASE_MS_MAX = 1_000;
/** A write that takes longer is logged. */
const PATIENCE_MS = 5_000;
const LOCK_POLL_MS = 20;

/** Opens a journal of a data folder; rejects where another process has it, or where it can not be written. */
export async function openJournal(options: JournalOptions, modules: JournalModules): Promise<Journal> {
  const { folder, journal } = options;
  const path = join(folder, journal);
  makeFolder(path, FOLDER_MODE);
  syncFolderSync(folder);
  const lock = await lockJournal(options);
  if (lock === undefined) {
    const holder = journal === POOL_JOURNAL ? 'another pool is running on this data folder' : `${journal}/ is in use`;
    throw notOpened(folder, holder);
  }
  try {
    const store = new SegmentStore(path, options.segmentBytes ?? limits.logSegmentBytes);
    const end = findEnd(path);
    const identity = countBoot(path, end);
    if (end.segment === undefined) {
      await store.prepare();
      await store.make(1);
    } else await store.rewrite(end.segment, end.offset);
    if (options.appends !== false) void store.prepare();
    return new Journal(options, modules, { path, lock, identity, store, end });
  } catch (error) {
    lock.release();
    throw notOpened(folder, error);
  }
}

export function notOpened(folder: string, error: unknown): Error {
  const reason = error instanceof Error ? error.message : String(error);
  return new Error(`the share log in ${folder} can not be opened: ${reason}`);
}

function lockJournal({ folder, journal, lockMsMax = 0 }: JournalOptions): Promise<FolderLock | undefined> {
  return until(() => lockFile(journalLock(folder, journal)), { everyMs: LOCK_POLL_MS, msMax: lockMsMax });
}

/**
 * A journal that one process appends to. Rows gather in the open batch; a commit calls back when they are on disk. Readers read by
 * position (log-reader.ts). Segments are released as all consumers confirm them.
 */
export class Journal {
  /** Random, of this journal's folder. */
  readonly logId: string;
  /** How often it has been opened, this time included. */
  readonly epoch: number;
  /** Random, of this boot: 16 hex digits. */
  readonly bootId: string;
  /** The `node` column of its rows. */
  readonly node: string;
  /** The batches of the next commit. */
  readonly rows: OpenBatch;
  readonly #path: string;
  #lastEpoch: number;
  readonly #options: JournalOptions;
  readonly #modules: JournalModules;
  readonly #lock: FolderLock;
  readonly #pool = new BufferPool(4, limits.logBatchBytesMax * 2);
  readonly #window: CommitWindow;
  readonly #store: SegmentStore;
  readonly #writer: SegmentWriter;
  readonly #gate = new Gate();
  readonly #marks: KeptMarks;
  readonly #positions: Map<string, number>;
  /** First sequence numbers of the segments that are there. */
  readonly #segments: number[];
  /** Files are released one after another. */
  #trimming: Promise<void> = Promise.resolve();
  #droppedRows = 0;
  /** The last mark of this boot. */
  #closedSerial = -1;
  #failing: string | undefined;
  /** Of the data folder, and the journal's in it. */
  readonly #folders: FolderWatch;
  #closed: Promise<void> | undefined;

  constructor(
    options: JournalOptions,
    modules: JournalModules,
    parts: { path: string; lock: FolderLock; identity: LogIdentity; store: SegmentStore; end: LogEnd },
  ) {
    const { path, identity, store, end } = parts;
    this.logId = identity.logId;
    this.epoch = identity.epoch;
    this.bootId = bootIdOf(identity);
    this.node = options.node ?? defaultNode(identity);
    this.#path = path;
    this.#lastEpoch = identity.epoch;
    this.#options = options;
    this.#modules = modules;
    this.#lock = parts.lock;
    this.#store = store;
    this.#segments = end.segments;
    this.#marks = end.marks;
    this.#folders = new FolderWatch([options.folder, path], (reason) =>
      modules.logger.error(
        { reason },
        'the share log was removed or replaced: shares are not acknowledged until it is back',
      ),
    );
    this.#positions = new Map(options.consumers.map((consumer) => [consumer, 0]));
    this.#writer = new SegmentWriter(
      {
        folder: path,
        segmentBytes: options.segmentBytes ?? limits.logSegmentBytes,
        epoch: identity.epoch,
        segment: end.segment ?? 1,
        offset: end.offset,
      },
      {
        clock: modules.clock,
        disk: modules.disk ?? systemDisk,
        store,
        marks: end.marks,
        displaced: () => this.#folders.reason,
        failing: (reason) => this.failing(reason),
        written: (segment) => this.#onWritten(segment),
        took: (ms) => modules.committed?.(ms),
      },
    );
    const bounds = {
      rowsMax: options.batchRowsMax ?? limits.logBatchRowsMax,
      bytesMax: options.batchBytesMax ?? limits.logBatchBytesMax,
    };
    this.rows = new OpenBatch({ node: this.node, bounds, clock: modules.clock }, this.#pool);
    this.#window = new CommitWindow(
      { commitBytesMax: bounds.bytesMax },
      {
        clock: modules.clock,
        timers: modules.timers ?? systemTimers,
        open: this.rows,
        post: (batches) => this.#post(batches),
      },
    );
  }

  /** Counts a further epoch, durably, as a start does. The frames of this process keep the epoch that it began with. */
  nextEpoch(): number {
    this.assertOpen();
    // Every boot's id is kept: frames go on under the epoch that this process began with.
    this.#lastEpoch = countBoot(this.#path, { oldestEpoch: 0, epoch: this.#lastEpoch }).epoch;
    return this.#lastEpoch;
  }

  /** The last batch that is on the disk, and the last one that every consumer has; 0 for none. */
  get lastSeq(): number {
    return this.#marks.last.seq;
  }

  get confirmedSeq(): number {
    return this.#marks.confirmedSeq;
  }

  share(share: JudgedShare): void {
    this.assertOpen();
    this.rows.share(share);
  }

  /** Marks that no accepted share of a job with this serial number or less is recorded any more. */
  closed(serial: number): void {
    this.assertOpen();
    if (serial <= this.#closedSerial) return;
    this.#closedSerial = serial;
    this.rows.closed(serial);
  }

  /** `durable` is called when everything recorded so far is on the disk. */
  commit(durable: () => void): void {
    this.assertOpen();
    this.#window.commit(durable);
  }

  /** All batches up to and including `seq` are with that consumer for good. */
  confirm(consumer: string, seq: number): void {
    if (this.#closed !== undefined) return;
    const position = this.#positions.get(consumer);
    if (position === undefined) throw new Error(`sharelog: no consumer ${consumer}`);
    if (seq <= position) return;
    this.#positions.set(consumer, seq);
    this.#marks.confirm(Math.min(...this.#positions.values()));
    this.#trim();
  }

  status(): ShareLogStatus {
    const reason = this.#failing ?? this.#folders.reason ?? this.#impatience();
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

  /**
   * Waits for a while until all rows are on disk, then releases the lock. `others` closes what else the lock protects, after the last
   * append; its argument says whether all rows are on disk.
   */
  close(others: (drained: boolean) => Promise<void> = async () => {}): Promise<void> {
    this.#closed ??= this.#close(others);
    return this.#closed;
  }

  assertOpen(): void {
    if (this.#closed !== undefined) throw new Error('sharelog: used after close');
  }

  /** The disk does not take something, and is asked again until it does. */
  failing(reason: string): void {
    if (this.#failing !== reason) {
      this.#modules.logger.error({ reason }, 'the share log can not write: shares are not acknowledged until it can');
    }
    this.#failing = reason;
  }

  async #close(others: (drained: boolean) => Promise<void>): Promise<void> {
    const { closeMsMax = CLOSE_MS_MAX } = this.#options;
    const drained = await this.#window.drain(closeMsMax);
    if (!drained) {
      const { reason, pendingRows } = this.status();
      this.#modules.logger.error({ reason, pendingRows }, 'the share log was closed with rows that are not on disk');
    }
    const idle = new Promise<void>((resolve) => this.#writer.close(resolve));
    await others(drained);
    // What is still with the disk must not come into another process's journal: until then the folder is this one's.
    const closed = [idle, this.#trimming, this.#store.close(), this.#folders.close()];
    const released = Promise.all(closed).then(() => this.#lock.release());
    await within(released, Math.min(closeMsMax, RELEASE_MS_MAX), { ref: false });
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

  #post(batches: readonly EncodedBatch[]): void {
    const handedMs = this.#modules.clock.nowMs();
    const durable = (): void => {
      for (const { buffer } of batches) this.#pool.give(buffer);
      this.#window.durable();
    };
    this.#gate.pass(this.#modules.ready?.(), () => this.#writer.append({ batches, handedMs, durable }));
  }

  /** A write came to its end, in this segment. */
  #onWritten(segment: number): void {
    if (this.#failing !== undefined) this.#modules.logger.info({}, 'the share log writes again');
    this.#failing = undefined;
    if (segment !== this.#segments.at(-1)) this.#segments.push(segment);
    if (this.#positions.size > 0) return;
    const { keptBytesMax, keptMsMax } = this.#bounds();
    const dropped = this.#marks.cut(keptBytesMax, this.#modules.clock.nowMs() - keptMsMax);
    if (dropped === 0) return;
    this.#droppedRows += dropped;
    this.#trim();
  }

  #trim(): void {
    this.#trimming = this.#trimming.then(() => this.#letGo());
  }

  /**
   * Releases the segments that no consumer needs. The last segment with a frame stays, because its frames give the last sequence number.
   */
  async #letGo(): Promise<void> {
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
    }
  }
}
