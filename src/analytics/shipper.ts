import type { Clock, Logger } from '../domain/ports.ts';
import { limits } from '../limits.ts';
import type { LogReader } from '../sharelog/log-reader.ts';
import { type BatchKind, batchKinds, columnsOf, ROW_FORMAT } from '../sharelog/rows.ts';
import type { Shipment, ShipState } from './ship-state.ts';
import { migrate, type Warehouse } from './warehouse.ts';

/** How often the log is looked at when there was nothing new. */
const POLL_MS = 200;
/** Shipments that are not full leave at most this often: ClickHouse likes few large inserts. Who queries hurries the next. */
const SHIP_EVERY_MS = 1_000;
const RETRY_MS_MIN = 250;
const RETRY_MS_MAX = 15_000;

export interface ShipStatus {
  /** The last batch that is in. */
  readonly seq: number;
  /** Rows in the log that are not in yet, and how long the oldest of them has waited. */
  readonly lagRows: number;
  readonly lagMs: number;
  readonly shippedRows: number;
  /** Why the last try failed; empty where it did not. */
  readonly lastError: string;
}

export interface ShipperModules {
  readonly reader: LogReader;
  readonly state: ShipState;
  readonly warehouse: Warehouse;
  readonly clock: Clock;
  readonly logger: Logger;
  /** All batches up to and including `seq` are in for good: the log may let them go. */
  readonly delivered: (seq: number) => void;
}

/**
 * Carries the log's batches into ClickHouse, in order, each exactly once. Batches are grouped into a shipment, the grouping
 * is written down, and the shipment is sent under a token made of it until ClickHouse says that it is in; a second copy of
 * one that was in already is recognised by its token and dropped there, by the tables and by the rollups behind them.
 */
export class Shipper {
  readonly #m: ShipperModules;
  #lastError = '';
  #retryMs = RETRY_MS_MIN;
  #migrated = false;
  #shippedAtMs = Number.NEGATIVE_INFINITY;
  #stopped = false;
  #wake: (() => void) | undefined;
  #hurried = 0;
  #waiting: { readonly seq: number; readonly resolve: () => void }[] = [];
  #done: Promise<void> | undefined;

  constructor(modules: ShipperModules) {
    this.#m = modules;
  }

  /** Ships until `stop`. */
  start(): void {
    this.#done ??= this.#loop();
  }

  /** Resolves when the tables are there and what the log holds now is in, or when the next try fails. */
  async caughtUp(): Promise<void> {
    const { seq } = this.#m.reader.last();
    if (this.#migrated && this.#m.state.position().seq >= seq) return;
    this.#hurried += 1;
    await new Promise<void>((resolve) => {
      this.#waiting.push({ seq, resolve });
      this.#wake?.();
    });
    this.#hurried -= 1;
  }

  status(): ShipStatus {
    const { reader, state, clock } = this.#m;
    const { seq, rowsTotal, shippedRows } = state.position();
    const [oldest] = reader.heads(seq, { rowsMax: 1, bytesMax: 1 });
    return {
      seq,
      lagRows: Math.max(0, reader.last().rows - rowsTotal),
      lagMs: oldest === undefined ? 0 : Math.max(0, clock.nowMs() - oldest.storedMs),
      shippedRows,
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
        if (!this.#migrated) await migrate(this.#m.warehouse);
        this.#migrated = true;
        const more = await this.#step();
        this.#release(this.#m.state.position().seq);
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
    this.#migrated = false;
    this.#release(Number.POSITIVE_INFINITY);
  }

  /** Ships one shipment; false where there is none to ship yet. */
  async #step(): Promise<boolean> {
    const { state, clock } = this.#m;
    const shipment = state.sealed() ?? this.#seal();
    if (shipment === undefined) return false;
    this.#shippedAtMs = clock.monotonicMs();
    await this.#send(shipment);
    state.delivered(shipment);
    this.#m.delivered(shipment.last);
    return true;
  }

  /** Lets go who waits for `seq` or less. */
  #release(seq: number): void {
    for (const waiter of this.#waiting) if (waiter.seq <= seq) waiter.resolve();
    this.#waiting = this.#waiting.filter((waiter) => waiter.seq > seq);
  }

  /** Groups the next batches, unless it is better to wait for more of them. */
  #seal(): Shipment | undefined {
    const { reader, state, clock } = this.#m;
    const { seq } = state.position();
    const bounds = { rowsMax: limits.shipmentRowsMax, bytesMax: limits.shipmentBytesMax };
    const end = reader.last().seq;
    // Whatever came next would have a number that is taken for delivered.
    if (seq > end) throw new Error(`the log ends at batch ${end}, and ${seq} were delivered: it has lost its end`);
    const heads = reader.heads(seq, bounds);
    const [first] = heads;
    const last = heads.at(-1);
    if (first === undefined || last === undefined) return undefined;
    const full = last.seq < end;
    const due = clock.monotonicMs() - this.#shippedAtMs >= SHIP_EVERY_MS;
    if (!full && !due && this.#hurried === 0 && !this.#stopped) return undefined;
    if (first.seq !== seq + 1) this.#onGap(seq + 1, first.seq - 1);
    const rows = heads.reduce((sum, head) => sum + head.rows, 0);
    const shipment = { first: first.seq, last: last.seq, rows, rowsTotal: last.rowsTotal };
    state.seal(shipment);
    return shipment;
  }

  /**
   * What was dropped while the log was kept for nobody is gone. What is missing in its middle may be there again when
   * somebody has mended it, so nothing behind it is shipped.
   */
  #onGap(from: number, to: number): void {
    const { reader, logger } = this.#m;
    if ((reader.oldestSeq() ?? 0) <= from) throw new Error(`the batches ${from} to ${to} of the log can not be read`);
    logger.warn({ from, to }, 'batches are gone from the log that never came to ClickHouse');
  }

  async #send({ first, last }: Shipment): Promise<void> {
    const { reader, warehouse } = this.#m;
    const heads = reader.heads(first - 1, {
      rowsMax: Number.POSITIVE_INFINITY,
      bytesMax: Number.POSITIVE_INFINITY,
      last,
    });
    if (heads.length !== last - first + 1) this.#onGap(first, last);
    const alien = heads.find((head) => head.format !== ROW_FORMAT);
    if (alien !== undefined) throw new Error(`batch ${alien.seq} has rows of an unknown layout ${alien.format}`);
    for (const table of Object.keys(batchKinds) as BatchKind[]) {
      const parts = reader.bodies(table, first, last);
      if (parts.length === 0) continue;
      const token = `${reader.logId}/${first}-${last}/${table}`;
      await warehouse.insert({ table, columns: columnsOf[table], token, parts });
    }
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
