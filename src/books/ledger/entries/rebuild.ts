import { createHash } from 'node:crypto';
import type { LedgerDatabase } from '../ledger-db.ts';
import { EntryBook } from './book.ts';

/** The tables that follow from the entries, and the entries themselves. */
const tables = {
  entries: 'SELECT * FROM entries ORDER BY id',
  lines: 'SELECT * FROM lines ORDER BY entry, account',
  balances: 'SELECT * FROM balances ORDER BY account',
  head: 'SELECT * FROM head',
} as const;

export interface RebuiltTable {
  readonly table: keyof typeof tables;
  /** SHA-256 over the rows as they are, and as they come out of a book that is made anew. */
  readonly kept: string;
  readonly rebuilt: string;
  /** The first rows that differ. */
  readonly difference: { readonly kept: string; readonly rebuilt: string } | undefined;
}

/**
 * Posts every entry again into an empty book, `into`, and compares both byte for byte. The entries' hashes are made anew, so a
 * changed entry shows in `entries`, and a changed balance in `balances`.
 */
export function rebuildBooks(database: LedgerDatabase, into: LedgerDatabase): readonly RebuiltTable[] {
  const book = new EntryBook(into);
  const post = into.transaction(() => {
    for (const entry of new EntryBook(database).entries()) book.post(entry);
  });
  post();
  return Object.entries(tables).map(([name, sql]): RebuiltTable => {
    const [kept, rebuilt] = [rowsOf(database, sql), rowsOf(into, sql)];
    const at = kept.findIndex((row, index) => row !== rebuilt[index]);
    const first = at === -1 && kept.length < rebuilt.length ? kept.length : at;
    return {
      table: name as keyof typeof tables,
      kept: digest(kept),
      rebuilt: digest(rebuilt),
      difference: first === -1 ? undefined : { kept: kept[first] ?? 'nothing', rebuilt: rebuilt[first] ?? 'nothing' },
    };
  });
}

function rowsOf(database: LedgerDatabase, sql: string): string[] {
  const rows = database.prepare<[], unknown[]>(sql).raw().all();
  return rows.map((row) =>
    JSON.stringify(row, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
  );
}

function digest(rows: readonly string[]): string {
  return createHash('sha256').update(rows.join('\n')).digest('hex');
}
