import { join } from 'node:path';
import Database from 'better-sqlite3';
import { EntryBook } from './entries/book.ts';
import { LEDGER_FILE, type LedgerDatabase, openLedger, readLedger } from './ledger-db.ts';
import { PayoutStore } from './payouts/store.ts';
import { SliceStore } from './slices/slice-store.ts';
import type { Position } from './slices/taking.ts';

/** Pages of 4 KiB that are copied at a time. */
const STEP_PAGES = 1_000;
const PAGE_BYTES = 4096;

/** The ledger of a data folder as it was when this was opened, whatever is written meanwhile. */
export class LedgerSnapshot {
  readonly #database: LedgerDatabase;

  /** Throws a LedgerError if the folder has no ledger that this version can read. */
  constructor(folder: string) {
    this.#database = readLedger(folder);
    // A transaction that has read sees the same state until it ends.
    this.#database.exec('BEGIN; SELECT count(*) FROM head');
  }

  get bytes(): number {
    return Number(this.#database.pragma('page_count', { simple: true })) * PAGE_BYTES;
  }

  /** The newest entry, by which a ledger is known. */
  get head(): ReturnType<EntryBook['head']> {
    return new EntryBook(this.#database).head();
  }

  /** How far each journal was read. */
  positions(): ReadonlyMap<string, Position> {
    return new SliceStore(this.#database).positions();
  }

  /** Copies it into another folder, in which it is one file. `copied` is told of more bytes, and may throw to end it. */
  async copyTo(folder: string, copied: (bytes: number) => void): Promise<void> {
    const path = join(folder, LEDGER_FILE);
    let before = 0;
    await this.#database.backup(path, {
      progress: ({ totalPages, remainingPages }) => {
        const done = totalPages - remainingPages;
        copied((done - before) * PAGE_BYTES);
        before = done;
        return STEP_PAGES;
      },
    });
    const copy = new Database(path);
    // In WAL mode a reader would make files beside the copy. Opened as a ledger, it is in WAL mode again.
    copy.pragma('journal_mode = DELETE');
    copy.close();
  }

  close(): void {
    this.#database.close();
  }
}

/**
 * Notes in a ledger that it is a copy, made at `copiedMs`: what left the wallet since then is none of its payouts, and was not
 * what the wallet had sent before the pool began either.
 */
export function markRestored(folder: string, copiedMs: number): void {
  const ledger = openLedger(folder);
  try {
    const store = new PayoutStore(ledger.database);
    ledger.database
      .transaction(() => {
        store.setFact('restored', String(copiedMs));
        store.setFact('reconciled', undefined);
        // Without a cursor the first look would take every transaction for one that was there before the pool.
        if (store.fact('cursor') === undefined) store.setFact('cursor', '');
      })
      .immediate();
  } finally {
    ledger.close();
  }
}
