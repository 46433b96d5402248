import type { Clock, Logger } from '#base/domain/ports';
import type { BatchHead, LogReader } from '#shares/sharelog/consumers/log-reader';
import type { LogReaders } from '#shares/sharelog/consumers/log-readers';
import { layoutOf, layoutsOf, tables } from '#shares/sharelog/rows/rows';
import { connect } from './connect.ts';
import { DeliveryBook, type RowCounts } from './delivery-book.ts';
import { Losses } from './losses.ts';
import { offersOf } from './offers.ts';
import { Progress } from './progress.ts';
import type { Part, Position, Shipment, ShipState } from './ship-state.ts';
import type { Warehouse } from './warehouse.ts';

/** How often the log is looked at when there was nothing new. */
const POLL_MS = 200;
/** Shipments that are not full leave at most this often: ClickHouse likes few large inserts. Who queries hurries the next. */
const SHIP_EVERY_MS = 1_000;
const RETRY_MS_MIN = 250;
const RETRY_MS_MAX = 15_000;

export interface ShipStatus {
  /** Rows in the log that are not in yet, and how long the oldest of them has waited. */
  readonly lagRows: number;
  readonly lagMs: number;
  readonly shippedRows: number;
  /** Rows that ClickHouse had confirmed and does not have any more, as of the last time that it was connected to. */
  readonly missingRows: number;
  /** Why the last try failed; empty where it did not. */
  readonly lastError: string;
}

export interface ShipperModules {
  readonly readers: LogReaders;
  readonly state: ShipState;
  readonly warehouse: Warehouse;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The `node` column of this pool's rows: nothing is shipped while it is another data folder's. Undefined: not checked. */
  readonly node?: string | undefined;
  /** ClickHouse was tried for the first time. */
  readonly tried?: (error: unknown) => void;
  /** All batches of a journal up to and including `seq` are in for good: it may let them go. */
  readonly delivered: (journal: string, seq: number) => void;
}

/** A part of a shipment, and those of its batches that are there. */
interface Run {
  readonly reader: LogReader;
  readonly part: Part;
  readonly heads: readonly BatchHead[];
}

/**
 * Carries the log's batches into ClickHouse, those of each journal in order, each exactly once. Batches of all journals are
 * grouped into a shipment, the grouping is written down, and the shipment is sent under a token made of it until ClickHouse
 * says that it is in; a second copy of one that was in already is recognised by its token and dropped there, by the tables
 * and by the rollups behind them.
 */
export class Shipper {
  readonly #m: ShipperModules;
  #lastError = '';
  #retryMs = RETRY_MS_MIN;
  /** The tables are this version's, and the positions are those that the database has. */
  #connected = false;
  readonly #losses: Losses;
  readonly #progress: Progress;
  readonly #book: DeliveryBook;
  #shippedAtMs = Number.NEGATIVE_INFINITY;
  #stopped = false;
  #wake: (() => void) | undefined;
  #hurried = 0;
  /** Who waits for these batches, the last of each journal, and those before them. */
  #waiting: { readonly last: ReadonlyMap<string, number>; readonly resolve: () => void }[] = [];
  /** What is to be done between two shipments. */
  #pauses: { readonly act: () => Promise<void>; readonly failed: (error: unknown) => void }[] = [];
  #done: Promise<void> | undefined;

  constructor(modules: ShipperModules) {
    this.#m = modules;
    this.#progress = new Progress(modules.state);
    this.#book = new DeliveryBook(modules.warehouse);
    this.#losses = new Losses(this.#book, modules.logger);
  }

  /** Ships until `stop`. */
  start(): void {
    this.#done ??= this.#loop();
  }

  /** Whether the tables are there, as this version wants them. */
  get connected(): boolean {
    return this.#connected;
  }

  /** Resolves when the tables are there and what the log holds now is in, or when the next try fails. */
  async caughtUp(): Promise<void> {
    const last = new Map(this.#m.readers.all().map((reader) => [reader.logId, reader.last().seq]));
    if (this.#connected && this.#isIn(last)) return;
    this.#hurried += 1;
    await new Promise<void>((resolve) => {
      this.#waiting.push({ last, resolve });
      this.#wake?.();
    });
    this.#hurried -= 1;
  }

  /**
   * Calls `act` while no shipment is under way: what ClickHouse has then is what it says that it has. Rejects if `act` does, or
   * if the next try to ship fails.
   */
  between<T>(act: (positions: ReadonlyMap<string, Position>) => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const logIds = this.#m.readers.all().map(({ logId }) => logId);
      this.#pauses.push({
        act: () => this.#book.positions(logIds).then(act).then(resolve, reject),
        failed: reject,
      });
      this.#wake?.();
    });
  }

  status(): ShipStatus {
    const { readers, state, clock } = this.#m;
    let lagRows = 0;
    let lagMs = 0;
    for (const reader of readers.all()) {
      const { seq, rowsTotal } = this.#progress.of(reader);
      const [oldest] = reader.heads(seq, { rowsMax: 1, bytesMax: 1 });
      lagRows += Math.max(0, reader.last().rows - rowsTotal);
      if (oldest !== undefined) lagMs = Math.max(lagMs, clock.nowMs() - oldest.storedMs);
    }
    return {
      lagRows,
      lagMs,
      shippedRows: state.shippedRows(),
      missingRows: this.#losses.missingRows,
      lastError: this.#lastError,
    };
  }

  /** Lets the shipment under way come to an end. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake?.();
    await this.#done;
  }

  async #loop(): Promise<void> {
    while (!this.#stopped) {
      try {
        if (!this.#connected) await this.#connect();
        const more = await this.#step();
        // After a step nothing is sealed.
        for (const { act } of this.#pauses.splice(0)) await act();
        this.#release(({ last }) => this.#isIn(last));
        this.#lastError = '';
        this.#retryMs = RETRY_MS_MIN;
        if (!more) await this.#sleep(POLL_MS);
      } catch (error) {
        this.#failed(error);
        await this.#sleep(this.#retryMs);
        this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS_MAX);
      }
    }
  }

  #failed(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    if (reason !== this.#lastError)
      this.#m.logger.warn({ reason }, 'a shipment to ClickHouse failed; it is tried again');
    this.#lastError = reason;
    // It may be another, empty ClickHouse when it answers again.
    this.#connected = false;
    for (const { failed } of this.#pauses.splice(0)) failed(error);
    this.#release(() => true);
  }

  async #connect(): Promise<void> {
    const { readers, state } = this.#m;
    try {
      await connect(this.#m, this.#book, async (how) => {
        await this.#send(state.sealed(), how);
        state.delivered();
      });
      await this.#losses.look();
      this.#m.tried?.(undefined);
    } catch (error) {
      this.#m.tried?.(error);
      throw error;
    }
    this.#progress.clear();
    for (const reader of readers.all()) this.#m.delivered(reader.journal, this.#progress.of(reader).seq);
    this.#connected = true;
  }

  /** Ships one shipment; false where there is none to ship yet. */
  async #step(): Promise<boolean> {
    const { state, clock } = this.#m;
    const sealed = state.sealed();
    const shipment = sealed.length > 0 ? sealed : this.#seal();
    if (shipment.length === 0) return false;
    this.#shippedAtMs = clock.monotonicMs();
    const runs = await this.#send(shipment, 'booked');
    state.delivered();
    for (const { reader, heads } of runs) {
      const last = heads.at(-1);
      if (last === undefined) continue;
      this.#progress.reached(reader.logId, last);
      this.#m.delivered(reader.journal, last.seq);
    }
    return true;
  }

  #isIn(last: ReadonlyMap<string, number>): boolean {
    // A journal that is gone was delivered before it went.
    return this.#m.readers.all().every((reader) => this.#progress.of(reader).seq >= (last.get(reader.logId) ?? 0));
  }

  /** Lets go those who need not wait any more. */
  #release(may: (waiter: { readonly last: ReadonlyMap<string, number> }) => boolean): void {
    const free = this.#waiting.filter(may);
    this.#waiting = this.#waiting.filter((waiter) => !free.includes(waiter));
    for (const { resolve } of free) resolve();
  }

  /** Groups the next batches, unless it is better to wait for more of them: then it is empty. */
  #seal(): Shipment {
    const { state, clock } = this.#m;
    const offers = offersOf(this.#m.readers.all(), this.#progress);
    const full = offers.some(({ heads, end }) => (heads.at(-1)?.seq ?? 0) < end);
    const due = clock.monotonicMs() - this.#shippedAtMs >= SHIP_EVERY_MS;
    if (!full && !due && this.#hurried === 0 && !this.#stopped) return [];
    const parts = offers.flatMap(({ reader, after, heads }): Part[] => {
      const [first] = heads;
      const last = heads.at(-1);
      if (first === undefined || last === undefined) return [];
      if (first.seq !== after + 1) this.#onGap(reader, after + 1, first.seq - 1);
      const rows = heads.reduce((sum, head) => sum + head.rows, 0);
      return [{ log: reader.lifeOf(first), first: first.seq, last: last.seq, rows, rowsTotal: last.rowsTotal }];
    });
    return parts.length === 0 ? [] : state.seal(parts);
  }

  /**
   * What was dropped while the log was kept for nobody is gone. What is missing in its middle may be there again when
   * somebody has mended it, so nothing behind it is shipped.
   */
  #onGap(reader: LogReader, from: number, to: number): void {
    if ((reader.oldestSeq() ?? 0) <= from) throw new Error(`the batches ${from} to ${to} of the log can not be read`);
    this.#m.logger.warn(
      { journal: reader.journal, from, to },
      'batches are gone from the log that never came to ClickHouse',
    );
  }

  /**
   * Returns what there was to send. `unbooked`: into tables of a version that keeps no book of what was delivered.
   */
  async #send(shipment: Shipment, how: 'booked' | 'unbooked'): Promise<readonly Run[]> {
    const { readers, warehouse } = this.#m;
    const there = readers.all();
    const runs = shipment.flatMap((part): Run[] => {
      const reader = there.find((each) => each.lived(part.log));
      const heads = reader === undefined ? [] : this.#heads(reader, part);
      if (reader !== undefined && heads.length > 0) return [{ reader, part, heads }];
      // Nobody can send them any more. The rest goes under the token of all: they may be in already.
      this.#m.logger.warn({ ...part }, 'batches are gone from the log that may never have come to ClickHouse');
      return [];
    });
    const batches = shipment.map(({ log, first, last }) => `${log}/${first}-${last}`).join('+');
    for (const table of tables) {
      // After an update the log has rows of the version before, which may have had other columns.
      for (const layout of layoutsOf(table)) {
        const parts = runs.flatMap(({ reader, heads }) => {
          const [first = 0, last = 0] = [heads[0]?.seq, heads.at(-1)?.seq];
          return reader.bodies(table, first, last, layout);
        });
        if (parts.length === 0) continue;
        const token = `${batches}/${table}${layout.since === 1 ? '' : `/${layout.since}`}`;
        await warehouse.insert({ table, columns: layout.columns, token, parts });
      }
    }
    if (how === 'booked') {
      const counts = (part: Part): RowCounts => countRows(runs.find((run) => run.part === part)?.heads ?? []);
      await this.#book.add(shipment, `${batches}/deliveries`, counts);
    }
    return runs;
  }

  /**
   * The batches of a part that are there. Those of an older copy of the log may end before, or be another life's. Throws
   * if not all of them can be read and understood.
   */
  #heads(reader: LogReader, { log, first, last }: Part): BatchHead[] {
    const unbounded = { rowsMax: Number.POSITIVE_INFINITY, bytesMax: Number.POSITIVE_INFINITY };
    const there = reader.heads(first - 1, { ...unbounded, last });
    const heads = there.filter((head) => reader.lifeOf(head) === log);
    const replaced = heads.length < there.length || reader.last().seq < last;
    if (heads.length !== last - first + 1 && !replaced) this.#onGap(reader, first, last);
    const alien = heads.find(({ format, kind }) => layoutOf(kind, format) === undefined);
    if (alien !== undefined) throw new Error(`batch ${alien.seq} has rows of an unknown layout ${alien.format}`);
    return heads;
  }

  async #sleep(ms: number): Promise<void> {
    if (this.#stopped) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
  }
}

function countRows(heads: readonly BatchHead[]): RowCounts {
  const counts = { jobs: 0, shares: 0, blocks: 0 };
  for (const { kind, rows } of heads) if (kind !== 'marks') counts[kind] += rows;
  return counts;
}
