import Database from 'better-sqlite3';

export interface FolderLock {
  release(): void;
}

/**
 * Takes a lock that the system drops with its process, however that ends: SQLite's exclusive lock (fcntl) on an empty
 * database of its own. Undefined where somebody else holds it. Nothing but SQLite may open that file: a POSIX lock is
 * lost when its process closes any descriptor of the file.
 */
export function lockFile(path: string): FolderLock | undefined {
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
