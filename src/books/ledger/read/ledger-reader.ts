import { statSync } from 'node:fs';
import { join } from 'node:path';
import { LEDGER_FILE, type LedgerDatabase, LedgerError, readLedger } from '../ledger-db.ts';

/**
 * Reads the ledger from another process than the one that writes it. A question sees the books as they were at one moment, holds up no
 * booking, and asks neither the pool nor the ledger's process. The file may be replaced by a copy: the next question reads that one.
 */
export class LedgerReader {
  readonly #folder: string;
  #database: LedgerDatabase | undefined;
  /** Of the file that is open. */
  #inode = -1;

  /** `folder` is the data folder, which need not have a ledger yet. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Asks in one transaction, so that all of an answer is about one moment. Throws a LedgerError if there is no ledger to read. */
  read<Answer>(ask: (database: LedgerDatabase) => Answer): Answer {
    const database = this.#open();
    return database.transaction(() => ask(database))();
  }

  close(): void {
    this.#database?.close();
    this.#database = undefined;
  }

  #open(): LedgerDatabase {
    const inode = statSync(join(this.#folder, LEDGER_FILE), { throwIfNoEntry: false })?.ino;
    if (this.#database !== undefined && inode === this.#inode) return this.#database;
    this.close();
    if (inode === undefined) throw new LedgerError('the pool has no ledger yet');
    const database = readLedger(this.#folder);
    this.#database = database;
    this.#inode = inode;
    return database;
  }
}
