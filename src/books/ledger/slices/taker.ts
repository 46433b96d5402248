import type { Network } from '#base/bitcoin/address';
import { limits } from '#base/limits';
import type { BatchHead, LogReader } from '#shares/sharelog/consumers/log-reader';
import type { LogReaders } from '#shares/sharelog/consumers/log-readers';
import { decodeRows } from '#shares/sharelog/rows/row-reader';
import { type Layout, layoutOf } from '#shares/sharelog/rows/rows';
import { foundBlockOf, jobFactsOf } from './decode.ts';
import { LogMismatch, nextBatches } from './next-batches.ts';
import { ShareSkimmer } from './share-skimmer.ts';
import type { SliceStore } from './slice-store.ts';
import { SliceSums } from './slice-sums.ts';
import type { FoundBlockRow, JobFacts, Position } from './taking.ts';

/** What `step` has just done. */
export type TakeStep = 'read' | 'stored' | 'confirmed' | 'sealed';

export interface TakerOptions {
  readonly network: Network;
  /** What one transaction takes, over all journals. */
  readonly rowsMax?: number;
  readonly bytesMax?: number;
}

export interface TakerModules {
  readonly readers: LogReaders;
  readonly store: SliceStore;
  /** The ledger has all batches of a journal up to and including `seq`: the log may let them go. */
  readonly delivered: (journal: string, seq: number) => void;
  /** Called between the steps, so that a test can stop there. */
  readonly did?: (step: TakeStep) => void;
  /**
   * Journals without a writer, by name: each is removed when all consumers have it up to this batch. Undefined: nothing is known
   * of them, so a journal that is gone is not noticed.
   */
  readonly orphans?: ReadonlyMap<string, number>;
}

/** How far the log is ahead. */
export interface Lag {
  readonly rows: number;
  /** Of the oldest batch that was not taken, pool clock; undefined if all was taken. */
  readonly sinceMs: number | undefined;
}

/** What was read of the log and is not stored yet. */
class Reading {
  readonly positions: Position[] = [];
  readonly jobs: JobFacts[] = [];
  readonly found: FoundBlockRow[] = [];
  readonly slices = new SliceSums();
  rows = 0;
  /** More is there than the bounds allow. */
  full = false;

  get sums(): ReturnType<SliceSums['all']> {
    return this.slices.all();
  }

  get shares(): number {
    return this.slices.shares;
  }
}

/**
 * Carries the share log into the tables of the ledger, each batch exactly once: where it stands in each journal is stored in
 * the transaction that stores what was read. Then the log is told what it may let go, and jobs are sealed.
 */
export class Taker {
  readonly #network: Network;
  readonly #rowsMax: number;
  readonly #bytesMax: number;
  readonly #m: TakerModules;
  readonly #skimmers = new Map<Layout, ShareSkimmer>();
  #positions: Map<string, Position>;
  #sealedSerial: number;
  /** By journal: what the log was told. */
  readonly #confirmed = new Map<string, number>();

  constructor(options: TakerOptions, modules: TakerModules) {
    const { network, rowsMax = limits.ledgerTakeRowsMax, bytesMax = limits.ledgerTakeBytesMax } = options;
    [this.#network, this.#rowsMax, this.#bytesMax] = [network, rowsMax, bytesMax];
    this.#m = modules;
    this.#positions = modules.store.positions();
    this.#sealedSerial = modules.store.taken().sealedSerial;
  }

  /**
   * Takes what is there, within the bounds of a transaction. Returns true if more is there. Throws a LogMismatch if log and
   * ledger contradict each other, and any other error if the log can not be read or the ledger not be written: then nothing
   * was taken, or all of it.
   */
  step(): boolean {
    const { readers, store } = this.#m;
    const there = readers.all();
    this.#checkGone(there);
    const reading = this.#read(there);
    this.#m.did?.('read');
    if (reading.positions.length > 0) {
      store.take(reading);
      for (const position of reading.positions) this.#positions.set(position.logId, position);
    }
    this.#m.did?.('stored');
    this.#confirm(there);
    this.#m.did?.('confirmed');
    this.#seal();
    this.#m.did?.('sealed');
    return reading.full;
  }

  lag(): Lag {
    let rows = 0;
    let sinceMs: number | undefined;
    for (const reader of this.#m.readers.all()) {
      const { seq = 0, rowsTotal = 0 } = this.#positions.get(reader.logId) ?? {};
      const [oldest] = reader.heads(seq, { rowsMax: 1, bytesMax: 1 });
      if (oldest === undefined) continue;
      rows += Math.max(0, reader.last().rows - rowsTotal);
      sinceMs = Math.min(sinceMs ?? oldest.storedMs, oldest.storedMs);
    }
    return { rows, sinceMs };
  }

  /** A journal goes only when the ledger has all of it, and says so in its position. */
  #checkGone(there: readonly LogReader[]): void {
    if (this.#m.orphans === undefined) return;
    for (const { logId, journal, seq, finished } of this.#positions.values()) {
      if (finished || there.some((reader) => reader.logId === logId)) continue;
      throw new LogMismatch(
        `${journal} is gone, and the ledger has not read it to its end (it has counted up to batch ${seq}): the ledger is an older copy, or the folder was removed; put it back`,
      );
    }
  }

  #read(there: readonly LogReader[]): Reading {
    const reading = new Reading();
    const begins = this.#positions.size === 0;
    const rowsMax = Math.ceil(this.#rowsMax / Math.max(1, there.length));
    const bytesMax = Math.ceil(this.#bytesMax / Math.max(1, there.length));
    for (const reader of there) {
      const position = this.#positions.get(reader.logId);
      const end = reader.last().seq;
      const heads = nextBatches(reader, position, begins, { rowsMax, bytesMax });
      const last = heads.at(-1);
      if (last !== undefined && last.seq < end) reading.full = true;
      const finished =
        (last?.seq ?? position?.seq ?? 0) >= (this.#m.orphans?.get(reader.journal) ?? Number.POSITIVE_INFINITY);
      if (last === undefined && (position === undefined || position.finished === finished)) continue;
      reading.positions.push(this.#readJournal(reading, reader, heads, position, finished));
    }
    return reading;
  }

  /** Returns where the journal stands then. */
  #readJournal(
    reading: Reading,
    reader: LogReader,
    heads: readonly BatchHead[],
    before: Position | undefined,
    finished: boolean,
  ): Position {
    let closedSerial = before?.closedSerial ?? -1;
    const last = heads.at(-1);
    if (last === undefined) {
      if (before === undefined) throw new Error(`${reader.journal} has no batch`);
      return { ...before, finished };
    }
    for (const { head, body } of reader.batches(heads[0]?.seq ?? 0, last.seq)) {
      reading.rows += head.rows;
      const layout = layoutOf(head.kind, head.format);
      if (layout === undefined) throw new Error(`batch ${head.seq} has rows of an unknown layout ${head.format}`);
      if (head.kind === 'shares') {
        const serial = this.#skimmer(layout).skim(body, reading.slices);
        if (serial <= Math.max(closedSerial, this.#sealedSerial)) {
          throw new LogMismatch(
            `batch ${head.seq} of ${reader.journal} has an accepted share of the job ${serial.toString(16)}, which was closed before`,
          );
        }
        continue;
      }
      const rows = decodeRows(layout.columns, body);
      if (head.kind === 'jobs') reading.jobs.push(...rows.map((row) => jobFactsOf(row, this.#network)));
      else if (head.kind === 'blocks') reading.found.push(...rows.map(foundBlockOf));
      else for (const row of rows) closedSerial = Math.max(closedSerial, Number(row['closed']));
    }
    return {
      logId: reader.logId,
      journal: reader.journal,
      life: reader.lifeOf(last),
      seq: last.seq,
      rowsTotal: last.rowsTotal,
      bytesTotal: last.bytesTotal,
      closedSerial,
      finished,
    };
  }

  #skimmer(layout: Layout): ShareSkimmer {
    const skimmer = this.#skimmers.get(layout) ?? new ShareSkimmer(layout.columns);
    this.#skimmers.set(layout, skimmer);
    return skimmer;
  }

  #confirm(there: readonly LogReader[]): void {
    for (const { logId, journal } of there) {
      const { seq = 0 } = this.#positions.get(logId) ?? {};
      if (seq <= (this.#confirmed.get(logId) ?? 0)) continue;
      this.#m.delivered(journal, seq);
      this.#confirmed.set(logId, seq);
    }
  }

  /**
   * A job is sealed if each journal that is there has a mark with its serial number or a greater one, and was read up to that
   * mark. The journals are listed anew: one that has come since holds what is later, and has not been read.
   */
  #seal(): void {
    const there = this.#m.readers.all();
    if (there.length === 0) return;
    const serial = Math.min(...there.map(({ logId }) => this.#positions.get(logId)?.closedSerial ?? -1));
    if (serial <= this.#sealedSerial) return;
    this.#m.store.seal(serial);
    this.#sealedSerial = serial;
  }
}
