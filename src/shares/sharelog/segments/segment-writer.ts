import { close, constants, fstatSync, open } from 'node:fs';
import type { Clock } from '#base/domain/ports';
import type { KeptMarks, Mark } from '../journal/kept.ts';
import type { EncodedBatch } from '../journal/open-batch.ts';
import { ROW_FORMAT } from '../rows/rows.ts';
import type { Disk } from './disk.ts';
import { encodeHead, HEAD_BYTES } from './segment.ts';
import { segmentPath } from './segment-files.ts';
import type { SegmentStore } from './segment-store.ts';

const RETRY_MS_MIN = 20;
const RETRY_MS_MAX = 2_000;
/** Each write returns when its bytes are on the disk (as after fdatasync): one call, and so one hand-over, a commit. */
const FLAGS = constants.O_WRONLY | constants.O_DSYNC;

/** Batches that are acknowledged together. */
interface Commit {
  readonly batches: readonly EncodedBatch[];
  /** Pool clock when they were handed over, ms. */
  readonly handedMs: number;
  /** Called when they are on the disk. */
  readonly durable: () => void;
}

/** A commit on its way to the disk. */
interface Writing extends Commit {
  /** Where it ends in the segment, and in the log. */
  readonly end: number;
  readonly marks: readonly Mark[];
}

export interface SegmentWriterOptions {
  readonly folder: string;
  readonly segmentBytes: number;
  readonly epoch: number;
  /** The end of the log: the segment, and the position in it. */
  readonly segment: number;
  readonly offset: number;
}

export interface SegmentWriterModules {
  readonly clock: Clock;
  readonly disk: Disk;
  readonly store: Pick<SegmentStore, 'make'>;
  readonly marks: KeptMarks;
  /** Why successful writes would be lost; undefined if they would not. */
  readonly displaced: () => string | undefined;
  /** The disk has failed, and is asked again until it does not: its words. */
  readonly failing: (reason: string) => void;
  /** A write is on the disk, in the segment with this first sequence number; its commits are answered next. */
  readonly written: (segment: number) => void;
  /** How long a write took until all of it was on the disk, ms. */
  readonly took: (ms: number) => void;
}

/**
 * Appends batches to the log. One write is in progress at a time; commits added meanwhile form the next write and share its sync. A
 * failed write is repeated with the same bytes at the same place until it succeeds, because a reader may have seen them.
 */
export class SegmentWriter {
  readonly #options: SegmentWriterOptions;
  readonly #modules: SegmentWriterModules;
  #segment: number;
  #offset: number;
  #fd: number | undefined;
  /** The file of the segment. It is opened again after a failure, and another file would have other frames. */
  #file: { readonly segment: number; readonly dev: number; readonly ino: number } | undefined;
  /** The last batch that has a place, whether it is on the disk or not. */
  #last: Mark;
  #queue: Commit[] = [];
  /** The write in progress: its commits in order, and the bytes from `#offset` on. */
  #writing: Writing[] = [];
  #bytes: Uint8Array[] = [];
  #startedMs = 0;
  #busy = false;
  #retryMs = RETRY_MS_MIN;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;
  #idle: () => void = () => {};

  constructor(options: SegmentWriterOptions, modules: SegmentWriterModules) {
    this.#options = options;
    this.#modules = modules;
    this.#segment = options.segment;
    this.#offset = options.offset;
    this.#last = modules.marks.last;
  }

  /** For how long the disk has not answered, ms; 0 if it is not being waited for. */
  get waitingMs(): number {
    return this.#bytes.length === 0 ? 0 : this.#modules.clock.monotonicMs() - this.#startedMs;
  }

  append(commit: Commit): void {
    this.#queue.push(commit);
    this.#next();
  }

  /** Stops writing. A write in progress may still finish; `idle` is called when none is left. */
  close(idle: () => void): void {
    this.#closed = true;
    this.#idle = idle;
    if (!this.#busy || this.#retry !== undefined) this.#end();
  }

  /** Begins the next write, unless one is under way. */
  #next(): void {
    if (this.#busy || this.#closed || this.#queue.length === 0) return;
    this.#busy = true;
    this.#startedMs = this.#modules.clock.monotonicMs();
    const { commits, bytes } = this.#take();
    const rolls = this.#offset > 0 && this.#offset + bytes > this.#options.segmentBytes;
    const firstSeq = this.#last.seq + 1;
    if (rolls) this.#offset = 0;
    this.#place(commits);
    if (rolls) this.#roll(firstSeq);
    else this.#write();
  }

  /** As many commits as fit a segment, at least one. */
  #take(): { readonly commits: readonly Commit[]; readonly bytes: number } {
    let count = 0;
    let bytes = 0;
    for (const { batches } of this.#queue) {
      const more = bytesOf(batches);
      if (count > 0 && bytes + more > this.#options.segmentBytes) break;
      count += 1;
      bytes += more;
    }
    return { commits: this.#queue.splice(0, count), bytes };
  }

  /** Gives each batch its number and each commit its place. */
  #place(commits: readonly Commit[]): void {
    let end = this.#offset;
    for (const commit of commits) {
      const marks: Mark[] = [];
      for (const { kind, rows, length, buffer } of commit.batches) {
        const body = new Uint8Array(buffer, 0, length);
        const last = { seq: this.#last.seq + 1, rows: this.#last.rows + rows, bytes: this.#last.bytes + length };
        const head = {
          seq: last.seq,
          kind,
          format: ROW_FORMAT,
          rows,
          bytes: length,
          rowsTotal: last.rows,
          bytesTotal: last.bytes,
          storedMs: commit.handedMs,
          epoch: this.#options.epoch,
          place: this.#bytes.length / 2,
        };
        this.#bytes.push(encodeHead(head, body), body);
        end += HEAD_BYTES + length;
        marks.push(last);
        this.#last = last;
      }
      this.#writing.push({ ...commit, end, marks });
    }
  }

  #roll(firstSeq: number): void {
    this.#closeFile();
    this.#modules.store.make(firstSeq).then(
      () => {
        this.#segment = firstSeq;
        this.#goOn(this.#write);
      },
      (error: unknown) => this.#failed(error, () => this.#roll(firstSeq)),
    );
  }

  readonly #write = (): void => {
    if (this.#fd === undefined) {
      this.#openFile();
      return;
    }
    this.#modules.disk.writev(this.#fd, this.#bytes, this.#offset, this.#written);
  };

  readonly #written = (error: Error | null, count: number): void => {
    const lost = error === null ? this.#lost() : undefined;
    if (error !== null) this.#failed(error, this.#write);
    else if (lost !== undefined) this.#failed(new Error(lost), this.#write);
    else if (count === 0) this.#failed(new Error('the disk takes nothing'), this.#write);
    else {
      this.#offset += count;
      this.#bytes = drop(this.#bytes, count);
      this.#retryMs = RETRY_MS_MIN;
      const done = this.#bytes.length === 0;
      if (done) {
        this.#busy = false;
        this.#modules.took(this.#modules.clock.monotonicMs() - this.#startedMs);
      }
      // Callbacks may add commits at once, so the next write does not wait for replies to be sent.
      this.#settle();
      if (!done) this.#goOn(this.#write);
      else if (!this.#busy) this.#goOn(() => this.#next());
    }
  };

  /** Why what was just written is lost; undefined if it is not. (A segment that was removed takes writes as ever.) */
  #lost(): string | undefined {
    if (this.#fd !== undefined && fstatSync(this.#fd).nlink === 0) return 'the share log was removed';
    return this.#modules.displaced();
  }

  /** Answers the commits that are on the disk. */
  #settle(): void {
    const under = this.#writing.findIndex(({ end }) => end > this.#offset);
    const durable = this.#writing.splice(0, under < 0 ? this.#writing.length : under);
    for (const { marks, handedMs } of durable) for (const mark of marks) this.#modules.marks.add(mark, handedMs);
    // Only then has the segment a frame, and the log something behind which it may be found again.
    if (durable.length > 0) this.#modules.written(this.#segment);
    for (const commit of durable) commit.durable();
  }

  #failed(error: unknown, again: () => void): void {
    const { code, message } = error as NodeJS.ErrnoException;
    this.#modules.failing(code === 'ENOSPC' ? 'disk full' : message);
    // After an I/O error the system's own view of an open file is not to be trusted.
    if (code !== 'ENOSPC') this.#closeFile();
    this.#goOn(() => {
      this.#retry = setTimeout(() => {
        this.#retry = undefined;
        again();
      }, this.#retryMs);
      this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS_MAX);
    });
  }

  /** Takes the next step, unless the log was closed meanwhile. */
  #goOn(step: () => void): void {
    if (this.#closed) this.#end();
    else step();
  }

  #end(): void {
    clearTimeout(this.#retry);
    this.#closeFile();
    this.#idle();
  }

  #openFile(): void {
    open(segmentPath(this.#options.folder, this.#segment), FLAGS, (error, fd) => {
      if (error !== null) {
        this.#failed(error, this.#write);
        return;
      }
      this.#fd = fd;
      const { dev, ino } = fstatSync(fd);
      if (this.#file?.segment !== this.#segment) this.#file = { segment: this.#segment, dev, ino };
      if (this.#file.dev === dev && this.#file.ino === ino) this.#goOn(this.#write);
      else this.#failed(new Error('another file is in the place of the share log: start the pool again'), this.#write);
    });
  }

  #closeFile(): void {
    if (this.#fd !== undefined) close(this.#fd, () => {});
    this.#fd = undefined;
  }
}

function bytesOf(batches: readonly EncodedBatch[]): number {
  return batches.reduce((sum, { length }) => sum + HEAD_BYTES + length, 0);
}

/** What is left of the pieces behind the first `count` bytes. */
function drop(pieces: readonly Uint8Array[], count: number): Uint8Array[] {
  let rest = count;
  let whole = 0;
  for (; whole < pieces.length && rest >= (pieces[whole]?.length ?? 0); whole += 1) rest -= pieces[whole]?.length ?? 0;
  const left = pieces.slice(whole);
  if (left[0] !== undefined && rest > 0) left[0] = left[0].subarray(rest);
  return left;
}
