import { existsSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { LOG_FILE } from './log-file.ts';
import type { Mark } from './log-store.ts';
import { type BatchKind, batchKinds } from './rows.ts';

/** A batch without its rows. */
export interface BatchHead {
  readonly seq: number;
  readonly kind: BatchKind;
  /** Layout of the rows (rows.ts, ROW_FORMAT). */
  readonly format: number;
  readonly rows: number;
  readonly bytes: number;
  /** Rows of all batches ever written, up to and including this one. */
  readonly rowsTotal: number;
  /** Pool clock when it was handed to the log, ms. */
  readonly storedMs: number;
}

/** How much one read may return; the first batch comes whatever its size. */
export interface ReadBounds {
  readonly rowsMax: number;
  readonly bytesMax: number;
}

interface HeadRow {
  readonly seq: number;
  readonly kind: number;
  readonly format: number;
  readonly rows: number;
  readonly bytes: number;
  readonly rowsTotal: number;
  readonly storedMs: number;
}

const kindNames: ReadonlyMap<number, BatchKind> = new Map(
  Object.entries(batchKinds).map(([name, number]) => [number, name as BatchKind]),
);
/** Heads read at a time. */
const HEADS_MAX = 4096;

/**
 * Reads the log's batches by position, from any process, while the pool writes or when it is stopped. What it sees is on
 * the disk. Each call is a read of its own and short, so that the log's WAL can be reused.
 */
export class LogReader {
  readonly logId: string;
  readonly #database: Database.Database;
  readonly #heads: Database.Statement<[number, number], HeadRow>;
  readonly #bodies: Database.Statement<[number, number, number], { body: Buffer }>;
  readonly #last: Database.Statement<[], Mark>;

  constructor(database: Database.Database) {
    this.#database = database;
    const row = database.prepare<[], { log_id: string }>('SELECT log_id FROM log').get();
    if (row === undefined) throw new Error(`${LOG_FILE} has lost its identity`);
    this.logId = row.log_id;
    this.#heads = database.prepare(
      `SELECT seq, kind, format, rows, bytes, rows_total AS rowsTotal, stored_ms AS storedMs
       FROM batches WHERE seq > ? ORDER BY seq LIMIT ?`,
    );
    this.#bodies = database.prepare('SELECT body FROM batches WHERE seq BETWEEN ? AND ? AND kind = ? ORDER BY seq');
    this.#last = database.prepare('SELECT last_seq AS seq, rows_total AS rows, bytes_total AS bytes FROM log');
  }

  /** The last batch ever written, and the rows and bytes up to it. */
  last(): Mark {
    const mark = this.#last.get();
    if (mark === undefined) throw new Error(`${LOG_FILE} has lost its sequence`);
    return mark;
  }

  /** The batches after `seq`, in order, within the bounds. */
  heads(seq: number, bounds: ReadBounds): BatchHead[] {
    const heads: BatchHead[] = [];
    let rows = 0;
    let bytes = 0;
    for (const row of this.#heads.all(seq, HEADS_MAX)) {
      rows += row.rows;
      bytes += row.bytes;
      if (heads.length > 0 && (rows > bounds.rowsMax || bytes > bounds.bytesMax)) break;
      const kind = kindNames.get(row.kind);
      if (kind === undefined) throw new Error(`${LOG_FILE}: batch ${row.seq} is of an unknown kind ${row.kind}`);
      heads.push({ ...row, kind });
    }
    return heads;
  }

  /** The rows of one kind in the batches from `first` to `last`, both included. */
  bodies(kind: BatchKind, first: number, last: number): Uint8Array[] {
    return this.#bodies.all(first, last, batchKinds[kind]).map((row) => row.body);
  }

  close(): void {
    this.#database.close();
  }
}

/** Opens the log of a data folder for reading; undefined where no pool has ever made one. */
export function openLogReader(folder: string): LogReader | undefined {
  const path = join(folder, LOG_FILE);
  if (!existsSync(path)) return undefined;
  const database = new Database(path, { readonly: true, timeout: 5_000 });
  try {
    return new LogReader(database);
  } catch (error) {
    database.close();
    throw error;
  }
}
