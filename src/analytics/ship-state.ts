import { join } from 'node:path';
import Database from 'better-sqlite3';

export const STATE_FILE = 'analytics.db';
const SCHEMA_VERSION = 1;

/** A sealed group of the log's batches: the same batches under the same tokens, however often it is sent. */
export interface Shipment {
  /** First and last batch, both included. */
  readonly first: number;
  readonly last: number;
  readonly rows: number;
  /** Rows of all batches ever logged, up to `last`. */
  readonly rowsTotal: number;
}

/** How far one ClickHouse has got with one log. */
export interface Position {
  /** The last batch that is in. */
  readonly seq: number;
  /** Rows of all batches ever logged, up to that one. */
  readonly rowsTotal: number;
  /** Rows that went in from this log. */
  readonly shippedRows: number;
}

/**
 * What the shipper must not forget, for each log and each ClickHouse, synced before it acts on it: how far it has got, and
 * the shipment that it may already have sent.
 */
export class ShipState {
  readonly #database: Database.Database;
  readonly #key: { readonly log: string; readonly target: string };

  constructor(folder: string, logId: string, target: string) {
    this.#key = { log: logId, target };
    this.#database = new Database(join(folder, STATE_FILE), { timeout: 5_000 });
    this.#database.pragma('journal_mode = WAL');
    this.#database.pragma('synchronous = FULL');
    const version = Number(this.#database.pragma('user_version', { simple: true }));
    if (version > SCHEMA_VERSION) throw new Error(`${STATE_FILE} was written by a later version of Sluice`);
    this.#database.exec(`
      BEGIN;
      CREATE TABLE IF NOT EXISTS positions (
        log TEXT NOT NULL, target TEXT NOT NULL,
        seq INTEGER NOT NULL, rows_total INTEGER NOT NULL, shipped_rows INTEGER NOT NULL,
        PRIMARY KEY (log, target)
      ) STRICT;
      CREATE TABLE IF NOT EXISTS shipments ( -- sealed and not known to be in: at most one of a log and target
        log TEXT NOT NULL, target TEXT NOT NULL,
        first INTEGER NOT NULL, last INTEGER NOT NULL, rows INTEGER NOT NULL, rows_total INTEGER NOT NULL,
        PRIMARY KEY (log, target)
      ) STRICT;
      PRAGMA user_version = ${SCHEMA_VERSION};
      COMMIT`);
    this.#database
      .prepare('INSERT INTO positions VALUES (@log, @target, 0, 0, 0) ON CONFLICT DO NOTHING')
      .run(this.#key);
  }

  position(): Position {
    const position = this.#database
      .prepare<[object], Position>(
        `SELECT seq, rows_total AS rowsTotal, shipped_rows AS shippedRows
         FROM positions WHERE log = @log AND target = @target`,
      )
      .get(this.#key);
    if (position === undefined) throw new Error(`${STATE_FILE} has lost its position`);
    return position;
  }

  /** The shipment that may have been sent already. */
  sealed(): Shipment | undefined {
    return this.#database
      .prepare<[object], Shipment>(
        `SELECT first, last, rows, rows_total AS rowsTotal FROM shipments WHERE log = @log AND target = @target`,
      )
      .get(this.#key);
  }

  /** Fixes what goes together; on the disk when it returns. */
  seal(shipment: Shipment): void {
    this.#database
      .prepare('INSERT INTO shipments VALUES (@log, @target, @first, @last, @rows, @rowsTotal)')
      .run({ ...this.#key, ...shipment });
  }

  /** The sealed shipment is in. */
  delivered(shipment: Shipment): void {
    this.#database.transaction(() => {
      this.#database
        .prepare(
          `UPDATE positions SET seq = @last, rows_total = @rowsTotal, shipped_rows = shipped_rows + @rows
           WHERE log = @log AND target = @target`,
        )
        .run({ ...this.#key, ...shipment });
      this.#database
        .prepare('DELETE FROM shipments WHERE log = @log AND target = @target AND first = @first AND last = @last')
        .run({ ...this.#key, ...shipment });
    })();
  }

  close(): void {
    this.#database.close();
  }
}
