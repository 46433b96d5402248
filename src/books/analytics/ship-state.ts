import { join } from 'node:path';
import Database from 'better-sqlite3';

export const STATE_FILE = 'analytics.db';
/** 3: targets are databases by their own identity, and logs are lives. */
const SCHEMA_VERSION = 3;

/** A run of batches that one life of a journal wrote. */
export interface Part {
  /** The life (shares/sharelog/journal/identity.ts). */
  readonly log: string;
  /** First and last batch, both included. */
  readonly first: number;
  readonly last: number;
  readonly rows: number;
  /** Rows of all batches ever logged, up to `last`. */
  readonly rowsTotal: number;
}

/** A sealed group of batches: the same ones under the same tokens, however often it is sent. A life has one part at most. */
export type Shipment = readonly Part[];

/** How far one ClickHouse has got with one life of a journal. */
export interface Position {
  /** The last batch that is in. */
  readonly seq: number;
  /** Rows of all batches ever logged, up to that one. */
  readonly rowsTotal: number;
}

/**
 * What the shipper must not forget, for each life of a journal and each database, synced before it acts on it: the
 * shipment that it may already have sent. How far it has got is here too, for the time until the database has said so.
 */
export class ShipState {
  readonly #database: Database.Database;
  /** Where the ClickHouse is reached. */
  readonly #name: string;
  /** The identity of the database that was last found there. */
  #target: string;

  constructor(folder: string, name: string) {
    this.#name = name;
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
      CREATE TABLE IF NOT EXISTS targets (name TEXT PRIMARY KEY, target TEXT NOT NULL) STRICT;
      PRAGMA user_version = ${SCHEMA_VERSION};
      COMMIT`);
    const known = this.#database
      .prepare<[string], string>('SELECT target FROM targets WHERE name = ?')
      .pluck()
      .get(name);
    this.#target = known ?? name;
  }

  /**
   * What is reached under the name is this database. `hadTables`: its tables are not new. Then what version 2 knew under
   * the name was about this database.
   */
  connected(target: string, hadTables: boolean): void {
    this.#target = target;
    this.#database.transaction(() => {
      if (target !== this.#name) {
        for (const table of ['positions', 'shipments']) {
          if (hadTables) {
            this.#database.prepare(`UPDATE OR IGNORE ${table} SET target = ? WHERE target = ?`).run(target, this.#name);
          }
          this.#database.prepare(`DELETE FROM ${table} WHERE target = ?`).run(this.#name);
        }
      }
      this.#database.prepare('INSERT OR REPLACE INTO targets VALUES (?, ?)').run(this.#name, target);
    })();
  }

  position(log: string): Position {
    const position = this.#database
      .prepare<[string, string], Position>(
        'SELECT seq, rows_total AS rowsTotal FROM positions WHERE log = ? AND target = ?',
      )
      .get(log, this.#target);
    return position ?? { seq: 0, rowsTotal: 0 };
  }

  /** The database itself says how far it has got. */
  place(log: string, { seq, rowsTotal }: Position): void {
    this.#database
      .prepare(
        `INSERT INTO positions VALUES (?, ?, ?, ?, 0)
         ON CONFLICT DO UPDATE SET seq = excluded.seq, rows_total = excluded.rows_total`,
      )
      .run(log, this.#target, seq, rowsTotal);
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

  /** The sealed shipment is not sent again: another life of the data folder, which this one is an older copy of, has done it. */
  forget(): void {
    this.#database.prepare('DELETE FROM shipments WHERE target = ?').run(this.#target);
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
           SET seq = max(seq, excluded.seq), rows_total = max(rows_total, excluded.rows_total),
             shipped_rows = shipped_rows + excluded.shipped_rows`,
        )
        .run(this.#target);
      this.#database.prepare('DELETE FROM shipments WHERE target = ?').run(this.#target);
    })();
  }

  close(): void {
    this.#database.close();
  }
}
