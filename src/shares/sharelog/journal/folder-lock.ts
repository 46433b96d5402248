import { chmodSync, closeSync, openSync } from 'node:fs';
import Database from 'better-sqlite3';

export interface FolderLock {
  release(): void;
}

/**
 * Takes a lock that the system releases when the process ends, in whatever way: SQLite's exclusive lock (fcntl) on an empty database.
 * Returns undefined if another process holds it. Only SQLite may open that file, because a POSIX lock is lost when its process closes
 * any descriptor of the file. Only the owner may read the file, because any reader could hold a read lock and keep the pool from
 * starting.
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
