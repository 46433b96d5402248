import { chmodSync, closeSync, openSync } from 'node:fs';
import Database from 'better-sqlite3';

export interface FolderLock {
  release(): void;
}

/**
 * Takes a lock that the system drops with its process, however that ends: SQLite's exclusive lock (fcntl) on an empty
 * database of its own. Undefined if somebody else holds it. Nothing but SQLite may open that file: a POSIX lock is
 * lost when its process closes any descriptor of the file. The file is for its owner alone: whoever can read it can hold a
 * read lock on it, and keep the pool from starting.
 */
export function lockFile(path: string): FolderLock | undefined {
  forOwner(path);
  const database = new Database(path, { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')) return undefined;
    throw error;
  }
  return { release: () => void database.close() };
}

function forOwner(path: string): void {
  try {
    // Made here, where nobody can hold a lock on it yet, and never with other rights.
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    try {
      chmodSync(path, 0o600);
    } catch {
      // Another user's: whether this one may open it is decided there.
    }
  }
}
