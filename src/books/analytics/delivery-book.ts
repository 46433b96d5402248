import type { Table } from '#shares/sharelog/rows/rows';
import type { Part, Position, Shipment } from './ship-state.ts';
import { insertSettings, quoted, type Warehouse } from './warehouse.ts';

/** Rows of each kind in one part of a shipment. */
export type RowCounts = Readonly<Record<Table, number>>;

/** Rows that the table `deliveries` has and the table itself has not. */
export interface Missing {
  readonly table: Table;
  readonly delivered: number;
  readonly missing: number;
}

/**
 * What a ClickHouse says was delivered to it: its table `deliveries`, which is written with each shipment, after the rows.
 * So the position is the database's own: whatever becomes of the data folder, and under whatever name the database is
 * reached. With the counts in it, rows that the tables have lost are noticed.
 */
export class DeliveryBook {
  readonly #warehouse: Warehouse;

  constructor(warehouse: Warehouse) {
    this.#warehouse = warehouse;
  }

  /** How far each life of these journals has been delivered. */
  async positions(logIds: readonly string[]): Promise<ReadonlyMap<string, Position>> {
    if (logIds.length === 0) return new Map();
    const rows = await this.#warehouse.rows(
      `SELECT log, max(last), max(rows_total) FROM ${this.#warehouse.database}.deliveries
       WHERE substring(log, 1, 36) IN (${logIds.map(quoted).join(', ')}) GROUP BY log`,
    );
    return new Map(rows.map(([log = '', seq, rowsTotal]) => [log, { seq: Number(seq), rowsTotal: Number(rowsTotal) }]));
  }

  /** Books a shipment whose rows are in. The same token as for its rows: it is booked once, too. */
  async add(shipment: Shipment, token: string, counts: (part: Part) => RowCounts): Promise<void> {
    const values = shipment.map((part) => {
      const { jobs, shares, blocks } = counts(part);
      return `(${quoted(part.log)}, ${part.last}, ${part.rowsTotal}, ${jobs}, ${shares}, ${blocks})`;
    });
    await this.#warehouse.command(
      `INSERT INTO ${this.#warehouse.database}.deliveries (log, last, rows_total, jobs, shares, blocks)
       SETTINGS ${insertSettings(token)} VALUES ${values.join(', ')}`,
    );
  }

  /** The tables that have fewer rows than were delivered. Other pools may add rows meanwhile, so more is no fault. */
  async missing(): Promise<Missing[]> {
    const { database } = this.#warehouse;
    const [[jobs, shares] = []] = await this.#warehouse.rows(
      `SELECT sum(jobs), sum(shares) FROM ${database}.deliveries`,
    );
    const [[jobsThere, sharesThere] = []] = await this.#warehouse.rows(
      `SELECT (SELECT count() FROM ${database}.jobs), (SELECT count() FROM ${database}.shares)`,
    );
    const found: Missing[] = [
      { table: 'jobs', delivered: Number(jobs), missing: Number(jobs) - Number(jobsThere) },
      { table: 'shares', delivered: Number(shares), missing: Number(shares) - Number(sharesThere) },
    ];
    return found.filter(({ missing }) => missing > 0);
  }

  /** Whether the book itself is whole. (It has had a row since it was made.) */
  async intact(): Promise<boolean> {
    const [[first] = []] = await this.#warehouse.rows(
      `SELECT count() FROM ${this.#warehouse.database}.deliveries WHERE log = 'before'`,
    );
    return Number(first ?? 0) > 0 && !(await this.brokenParts()).has('deliveries');
  }

  /**
   * Parts of tables that the engine has put aside because it can not read them, by table. None if it does not say: a
   * server's user need not have the right to look.
   */
  async brokenParts(): Promise<ReadonlyMap<string, number>> {
    const rows = await this.#warehouse
      .rows(
        `SELECT table, count() FROM system.detached_parts
         WHERE database = '${this.#warehouse.database}' AND startsWith(reason, 'broken') GROUP BY table ORDER BY table`,
      )
      .catch(() => []);
    return new Map(rows.map(([table = '', count]) => [table, Number(count)]));
  }
}
