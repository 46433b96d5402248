import { join } from 'node:path';
import Database from 'better-sqlite3';

export const STATE_FILE = 'analytics.db';
/** 2: a shipment may have parts of several journals. An earlier version would send its own part under another token. */
const SCHEMA_VERSION = 2;

/** A run of one journal's batches. */
export interface Part {
  /** The journal's id. */
  readonly log: string;
  /** First and last batch, both included. */
  readonly first: number;
  readonly last: number;
  readonly rows: number;
  /** Rows of all batches ever logged, up to `last`. */
  readonly rowsTotal: number;
}

/** A sealed group of batches: the same ones under the same tokens, however often it is sent. A journal has one part at most. */
export type Shipment = readonly Part[];

/** How far one ClickHouse has got with one journal. */
export interface Position {
  /** The last batch that is in. */
  readonly seq: number;
  /** Rows of all batches ever logged, up to that one. */
  readonly rowsTotal: number;
}

/**
 * What the shipper must not forget, for each journal and each ClickHouse, synced before it acts on it: how far it has got,
 * and the shipment that it may already have sent.
 */
export class ShipState {
  readonly #database: Database.Database;
  readonly #target: string;

  constructor(folder: string, target: string) {
    this.#target = target;
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
      CREATE TABLE IF NOT EXISTS shipments ( -- the parts of the one that is sealed and not known to be in
        log TEXT NOT NULL, target TEXT NOT NULL,
        first INTEGER NOT NULL, last INTEGER NOT NULL, rows INTEGER NOT NULL, rows_total INTEGER NOT NULL,
        PRIMARY KEY (log, target)
      ) STRICT;
      PRAGMA user_version = ${SCHEMA_VERSION};
      COMMIT`);
  }

  position(log: string): Position {
    const position = this.#database
      .prepare<[string, string], Position>(
        'SELECT seq, rows_total AS rowsTotal FROM positions WHERE log = ? AND target = ?',
      )
      .get(log, this.#target);
    return position ?? { seq: 0, rowsTotal: 0 };
  }

  /** Rows that went in, from all journals. */
  shippedRows(): number {
    return this.#database
      .prepare<[string], number>('SELECT coalesce(sum(shipped_rows), 0) FROM positions WHERE target = ?')
      .pluck()
      .get(this.#target) as number;
  }

  /** The shipment that may have been sent already; empty where there is none. */
  sealed(): Shipment {
    return this.#database
      .prepare<[string], Part>(
        `SELECT log, first, last, rows, rows_total AS rowsTotal FROM shipments WHERE target = ? ORDER BY log`,
      )
      .all(this.#target);
  }

  /** Fixes what goes together, in the order of `sealed`; on the disk when it returns. */
  seal(parts: Shipment): Shipment {
    const insert = this.#database.prepare(
      'INSERT INTO shipments VALUES (@log, @target, @first, @last, @rows, @rowsTotal)',
    );
    this.#database.transaction(() => {
      for (const part of parts) insert.run({ target: this.#target, ...part });
    })();
    return this.sealed();
  }

  /** The sealed shipment is in. */
  delivered(): void {
    this.#database.transaction(() => {
      this.#database
        .prepare(
          `INSERT INTO positions SELECT log, target, last, rows_total, rows FROM shipments WHERE target = ?
           ON CONFLICT DO UPDATE
           SET seq = excluded.seq, rows_total = excluded.rows_total, shipped_rows = shipped_rows + excluded.shipped_rows`,
        )
        .run(this.#target);
      this.#database.prepare('DELETE FROM shipments WHERE target = ?').run(this.#target);
    })();
  }

  close(): void {
    this.#database.close();
  }
}
