import { existsSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { lockFile } from '#shares/sharelog/journal/folder-lock';
import { schemaSteps } from './schema.ts';

/** The file in the data folder that holds the money, and the file whose lock its one writer has. */
export const LEDGER_FILE = 'ledger.db';
export const LEDGER_LOCK = 'ledger.lock';

/** How long a statement waits for another connection's transaction to end, ms. */
const BUSY_MS = 5_000;

export type LedgerDatabase = Database.Database;

/** A ledger that can not be opened; the message says why and what to do. */
export class LedgerError extends Error {
  override readonly name = 'LedgerError';
}

/** The ledger of the one process that may write it. */
export interface OpenedLedger {
  readonly database: LedgerDatabase;
  /** Closes the database, then lets the lock go. Safe to call twice. */
  close(): void;
}

/**
 * Opens the ledger of a data folder for writing, and makes or upgrades it if needed. Integers are read as bigint. A commit is
 * on the disk when it returns (WAL, synchronous=FULL). Throws a LedgerError if another process writes this ledger, or a later
 * version of Sluice has written it.
 */
export function openLedger(folder: string): OpenedLedger {
  const lock = lockFile(join(folder, LEDGER_LOCK));
  if (lock === undefined) {
    throw new LedgerError(
      `another process writes ${LEDGER_FILE}: a pool runs on this data folder, or a payout command`,
    );
  }
  try {
    const database = new Database(join(folder, LEDGER_FILE), { timeout: BUSY_MS });
    try {
      prepareLedger(database);
    } catch (error) {
      database.close();
      throw error;
    }
    return {
      database,
      close: () => {
        database.close();
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/**
 * Opens the ledger for reading, whether a pool runs or not; nothing can be written through it. Throws a LedgerError if the
 * folder has no ledger, or one of another version.
 */
export function readLedger(folder: string): LedgerDatabase {
  const path = join(folder, LEDGER_FILE);
  if (!existsSync(path)) throw new LedgerError(`there is no ${LEDGER_FILE} in ${folder}: no pool has run there yet`);
  const database = new Database(path, { readonly: true, timeout: BUSY_MS });
  try {
    database.defaultSafeIntegers(true);
    const version = versionOf(database);
    refuseLater(version);
    if (version < schemaSteps.length) {
      throw new LedgerError(`${LEDGER_FILE} was written by an earlier version of Sluice: start the pool once`);
    }
  } catch (error) {
    database.close();
    throw error;
  }
  return database;
}

/** An empty ledger in memory, to try something out. */
export function memoryLedger(): LedgerDatabase {
  const database = new Database(':memory:');
  prepareLedger(database);
  return database;
}

/** Sets the connection up and takes the steps that the file lacks. */
function prepareLedger(database: LedgerDatabase): void {
  database.defaultSafeIntegers(true);
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.pragma('foreign_keys = ON');
  database
    .transaction(() => {
      const version = versionOf(database);
      refuseLater(version);
      for (const step of schemaSteps.slice(version)) database.exec(step);
      database.pragma(`user_version = ${schemaSteps.length}`);
    })
    .immediate();
}

function versionOf(database: LedgerDatabase): number {
  return Number(database.pragma('user_version', { simple: true }));
}

function refuseLater(version: number): void {
  if (version > schemaSteps.length) throw new LedgerError(`${LEDGER_FILE} was written by a later version of Sluice`);
}
