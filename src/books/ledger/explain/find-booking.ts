import { EntryBook } from '../entries/book.ts';
import { type Entry, GENESIS_HASH } from '../entries/entry.ts';
import type { LedgerDatabase } from '../ledger-db.ts';

/** The entry that booked a block the `booking`th time, and the hash that it is chained to. */
export function findBooking(
  database: LedgerDatabase,
  hash: string,
  booking: number,
): { readonly entry: Entry | undefined; readonly previousHash: string } {
  const book = new EntryBook(database);
  const entry = book.find(`block:${hash}:booked:${booking}`);
  if (entry === undefined || entry.id === 1) return { entry, previousHash: GENESIS_HASH };
  for (const before of book.entries(entry.id - 2)) return { entry, previousHash: before.hash };
  return { entry, previousHash: '' };
}
