import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import Database from 'better-sqlite3';

/** The log's file in the data folder. Only SQLite may open it while a pool runs (see folder-lock.ts). */
export const LOG_FILE = 'sharelog.db';
export const LOG_LOCK_FILE = 'sharelog.lock';
const SCHEMA_VERSION = 1;

/** Pages of 4 KiB in the WAL before they are moved to the main file; SQLite's 1000 would do it every 4 MiB of shares. */
const WAL_PAGES = 4096;

export interface LogFileOptions {
  readonly folder: string;
  /** Pages that the main file may have, for a data folder with a quota; undefined for SQLite's own limit. */
  readonly pagesMax: number | undefined;
}

/** What a log knows of itself. */
export interface LogIdentity {
  /** Random, of this data folder; part of every shipment's token. */
  readonly logId: string;
  /** Boots of this data folder, this one included. */
  readonly epoch: number;
}

/** Opens the log's file for writing, makes its tables when it is new, and sets it to sync every commit. */
export function openLogFile(options: LogFileOptions): Database.Database {
  const database = new Database(join(options.folder, LOG_FILE), { timeout: 5_000 });
  try {
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = FULL');
    database.pragma(`wal_autocheckpoint = ${WAL_PAGES}`);
    database.pragma(`journal_size_limit = ${WAL_PAGES * 4096}`);
    if (options.pagesMax !== undefined) database.pragma(`max_page_count = ${options.pagesMax}`);
    const version = Number(database.pragma('user_version', { simple: true }));
    if (version > SCHEMA_VERSION) {
      throw new Error(`${LOG_FILE} was written by a later version of Sluice (schema ${version})`);
    }
    if (version === 0) createTables(database);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Counts this boot, durably, and says whose log this is. */
export function countBoot(database: Database.Database): LogIdentity {
  const count = database.prepare<[], { log_id: string; epoch: number }>(
    'UPDATE log SET epoch = epoch + 1 RETURNING log_id, epoch',
  );
  const row = database.transaction(() => count.get())();
  if (row === undefined) throw new Error(`${LOG_FILE} has lost its identity`);
  return { logId: row.log_id, epoch: row.epoch };
}

function createTables(database: Database.Database): void {
  database.transaction(() => {
    database.exec(`
      CREATE TABLE log (
        log_id TEXT NOT NULL,
        epoch INTEGER NOT NULL,
        -- of the last batch ever written, whether it is kept or not
        last_seq INTEGER NOT NULL,
        rows_total INTEGER NOT NULL,
        bytes_total INTEGER NOT NULL
      ) STRICT;
      CREATE TABLE batches (
        seq INTEGER PRIMARY KEY,   -- without gaps, never reused
        kind INTEGER NOT NULL,     -- rows.ts, batchKinds
        format INTEGER NOT NULL,   -- rows.ts, ROW_FORMAT
        rows INTEGER NOT NULL,
        bytes INTEGER NOT NULL,    -- of body
        rows_total INTEGER NOT NULL,  -- of all batches ever written, up to this one: differences are sums
        bytes_total INTEGER NOT NULL,
        stored_ms INTEGER NOT NULL,
        body BLOB NOT NULL
      ) STRICT;
      CREATE TABLE candidates (    -- block candidates whose outcome is not known for good
        hash TEXT PRIMARY KEY,
        height INTEGER NOT NULL,
        job_id TEXT NOT NULL,
        account TEXT NOT NULL,
        rig TEXT NOT NULL,
        reward_sats INTEGER NOT NULL,
        network_difficulty REAL NOT NULL,
        share_difficulty REAL NOT NULL,
        found_ms INTEGER NOT NULL,
        block BLOB NOT NULL
      ) STRICT;
    `);
    database.prepare('INSERT INTO log VALUES (?, 0, 0, 0, 0)').run(randomUUID());
    database.pragma(`user_version = ${SCHEMA_VERSION}`);
  })();
}
