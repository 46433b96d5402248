import { join } from 'node:path';
import { limits } from '#base/limits';
import { isLifeOf, type LogIdentity, lifeOf, livesOf, readIdentity } from '../journal/identity.ts';
import { POOL_JOURNAL } from '../journal/journals.ts';
import { LOG_START, type Mark } from '../journal/kept.ts';
import { decodeRows, type Row } from '../rows/row-reader.ts';
import { type BatchKind, layoutOf, ROW_FORMAT } from '../rows/rows.ts';
import type { BatchHead } from '../segments/segment.ts';
import { listSegments } from '../segments/segment-files.ts';
import { SegmentReader } from '../segments/segment-reader.ts';

export type { BatchHead } from '../segments/segment.ts';

/** How much one read may return; the first batch comes whatever its size. */
export interface ReadBounds {
  readonly rowsMax: number;
  readonly bytesMax: number;
  /** The last batch that is wanted. */
  readonly last?: number;
}

/** Segments held open with their known frames: enough for a shipment, and the segment being written. */
const OPEN_MAX = Math.ceil(limits.shipmentBytesMax / limits.logSegmentBytes) + 2;

/**
 * Reads a journal's batches by position, from any process, whether or not the journal is being written. All batches it returns are
 * on disk. Only batches that a consumer has not confirmed are guaranteed to exist.
 */
export class LogReader {
  readonly logId: string;
  /** Its name in the data folder. */
  readonly journal: string;
  readonly #folder: string;
  #identity: LogIdentity;
  /** The last used comes last. */
  #open: SegmentReader[] = [];
  /** Those that have been looked at since they can not grow any more. */
  readonly #complete = new WeakSet<SegmentReader>();

  constructor(folder: string, journal: string, identity: LogIdentity) {
    this.#folder = join(folder, journal);
    this.#identity = identity;
    this.journal = journal;
    this.logId = identity.logId;
  }

  /** The lives that are known of the journal, the oldest first. */
  get lives(): string[] {
    return livesOf(this.#identity);
  }

  /** The life that wrote a batch. Throws if it is not known (yet): the journal has been opened again since. */
  lifeOf({ epoch }: BatchHead): string {
    return lifeOf(this.#identity, epoch);
  }

  /** Whether a life is one of this journal's, known or not. */
  lived(life: string): boolean {
    return isLifeOf(this.logId, life);
  }

  /** The journal has been opened again, and knows of one more boot. */
  reopened(identity: LogIdentity): void {
    this.#identity = identity;
  }

  /** The first batch that is there; undefined if none has been written yet. */
  oldestSeq(): number | undefined {
    return this.#segments()[0];
  }

  /** The last batch ever written, and the rows and bytes up to it. */
  last(): Mark {
    const segments = this.#segments();
    // The newest may have been made for a batch that is yet to come.
    for (const firstSeq of segments.slice(-2).reverse()) {
      const head = this.#segment(firstSeq, true).heads.at(-1);
      if (head !== undefined) return { seq: head.seq, rows: head.rowsTotal, bytes: head.bytesTotal };
    }
    return LOG_START;
  }

  /** The batches after `seq`, in order, within the bounds, and up to the first one that is missing (damaged) after those. */
  heads(seq: number, bounds: ReadBounds): BatchHead[] {
    const { last = Number.POSITIVE_INFINITY } = bounds;
    const heads: BatchHead[] = [];
    let rows = 0;
    let bytes = 0;
    for (const head of this.#after(seq)) {
      const before = heads.at(-1);
      if (head.seq > last || (before !== undefined && head.seq !== before.seq + 1)) break;
      rows += head.rows;
      bytes += head.bytes;
      if (heads.length > 0 && (rows > bounds.rowsMax || bytes > bounds.bytesMax)) break;
      heads.push(head);
    }
    return heads;
  }

  /** The rows of one kind and layout in the batches from `first` to `last`, both included, as they were encoded. */
  bodies(kind: BatchKind, first: number, last: number, layout = layoutOf(kind, ROW_FORMAT)): Uint8Array[] {
    const bodies: Uint8Array[] = [];
    for (const head of this.#after(first - 1)) {
      if (head.seq > last) break;
      if (head.kind === kind && layoutOf(kind, head.format) === layout)
        bodies.push(this.#holding(head.seq).body(head.seq));
    }
    return bodies;
  }

  /** The batches from `first` to `last`, both included, in their order, with their rows as they were encoded. */
  *batches(first: number, last: number): Generator<{ readonly head: BatchHead; readonly body: Uint8Array }> {
    for (const head of this.#after(first - 1)) {
      if (head.seq > last) return;
      yield { head, body: this.#holding(head.seq).body(head.seq) };
    }
  }

  /** The rows of one kind in the batches from `first` to `last`, decoded, in their order. Throws for an unknown layout. */
  rows(kind: BatchKind, first: number, last: number): Row[] {
    const rows: Row[] = [];
    for (const head of this.#after(first - 1)) {
      if (head.seq > last) break;
      if (head.kind !== kind) continue;
      const layout = layoutOf(kind, head.format);
      if (layout === undefined) throw new Error(`share log: batch ${head.seq} has an unknown layout ${head.format}`);
      rows.push(...decodeRows(layout.columns, this.#holding(head.seq).body(head.seq)));
    }
    return rows;
  }

  /**
   * The serial number of the last mark in the batches from `first` to `last`: behind `last` the journal has no accepted share
   * of a job with that number or less. Undefined if there is no mark among these batches.
   */
  closedSerial(first: number, last: number): number | undefined {
    const closed = this.rows('marks', first, last).at(-1)?.['closed'];
    return closed === undefined ? undefined : Number(closed);
  }

  close(): void {
    for (const segment of this.#open) segment.close();
    this.#open = [];
  }

  *#after(seq: number): Generator<BatchHead> {
    const segments = this.#segments();
    const from = Math.max(
      0,
      segments.findLastIndex((firstSeq) => firstSeq <= seq + 1),
    );
    for (const firstSeq of segments.slice(from)) {
      // A segment followed by two others has its final length.
      const { heads } = this.#segment(firstSeq, segments.indexOf(firstSeq) >= segments.length - 2);
      for (const head of heads.slice(Math.max(0, seq + 1 - firstSeq))) yield head;
    }
  }

  #segments(): readonly number[] {
    return listSegments(this.#folder) ?? [];
  }

  /** The segment, with everything that is in it; `grows`: it may be the one that is written. */
  #segment(firstSeq: number, grows: boolean): SegmentReader {
    const known = this.#open.find((segment) => segment.firstSeq === firstSeq);
    const segment = known ?? new SegmentReader(this.#folder, firstSeq);
    this.#open = [...this.#open.filter((other) => other !== segment), segment];
    while (this.#open.length > OPEN_MAX) this.#open.shift()?.close();
    if (grows || !this.#complete.has(segment)) segment.extend();
    if (!grows) this.#complete.add(segment);
    return segment;
  }

  #holding(seq: number): SegmentReader {
    const segment = this.#open.findLast(({ firstSeq, heads }) => seq >= firstSeq && seq < firstSeq + heads.length);
    if (segment === undefined) throw new Error(`share log: batch ${seq} is not at hand`);
    return segment;
  }
}

/** Opens a journal of a data folder for reading; undefined if it does not exist. */
export function openLogReader(folder: string, journal = POOL_JOURNAL): LogReader | undefined {
  const identity = readIdentity(join(folder, journal));
  return identity && new LogReader(folder, journal, identity);
}
