import Database from 'better-sqlite3';

/** Copies a small SQLite database that may be written meanwhile, as it is at one moment. */
export async function copySqlite(from: string, to: string): Promise<void> {
  const database = new Database(from, { readonly: true, timeout: 5_000 });
  try {
    await database.backup(to);
  } finally {
    database.close();
  }
}
