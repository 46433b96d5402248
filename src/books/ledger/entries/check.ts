import type { LedgerDatabase } from '../ledger-db.ts';
import { EntryBook } from './book.ts';
import { type Entry, entryHash, GENESIS_HASH, sumOf } from './entry.ts';
import { addLines } from './fold.ts';

/** Something that is wrong with the books. */
export interface Fault {
  /** Which invariant does not hold, such as `entry-hash`. */
  readonly invariant: string;
  /** Where, in words with the numbers. */
  readonly detail: string;
}

/** What is wrong with the entries, as far as they alone can tell: hashes, order, references, sums, balances. */
export function checkEntries(database: LedgerDatabase): Fault[] {
  const book = new EntryBook(database);
  const faults: Fault[] = [];
  const references = new Map<string, number>();
  const balances = new Map<string, bigint>();
  let previous: Pick<Entry, 'id' | 'hash'> = { id: 0, hash: GENESIS_HASH };
  for (const entry of book.entries()) {
    faults.push(...checkEntry(entry, previous));
    const twin = references.get(entry.reference);
    if (twin !== undefined) {
      faults.push({
        invariant: 'reference-unique',
        detail: `entries ${twin} and ${entry.id} are both ${entry.reference}`,
      });
    }
    references.set(entry.reference, entry.id);
    addLines(balances, entry.lines);
    previous = entry;
  }
  const head = book.head();
  if (head.entries !== previous.id || head.hash !== previous.hash) {
    faults.push({
      invariant: 'book-end',
      detail: `the book ends with entry ${previous.id} (${previous.hash}), and was written up to ${head.entries} (${head.hash})`,
    });
  }
  return [...faults, ...strayLines(database), ...compareBalances(balances, book.balances())];
}

function checkEntry(entry: Entry, previous: Pick<Entry, 'id' | 'hash'>): Fault[] {
  const faults: Fault[] = [];
  const name = `entry ${entry.id} (${entry.kind}, ${entry.reference})`;
  if (entry.id !== previous.id + 1) {
    faults.push({ invariant: 'entry-order', detail: `${name} follows entry ${previous.id}: entries are missing` });
  }
  if (entryHash(previous.hash, entry) !== entry.hash) {
    faults.push({
      invariant: 'entry-hash',
      detail: `${name} does not have the hash that it was booked with: it was changed`,
    });
  }
  const sum = sumOf(entry.lines);
  if (sum !== 0n)
    faults.push({ invariant: 'entry-sum', detail: `the lines of ${name} come to ${sum} sats, not to zero` });
  return faults;
}

/** Lines of no entry, which nothing else would look at. */
function strayLines(database: LedgerDatabase): Fault[] {
  return database
    .prepare<[], { entry: bigint; account: string; sats: bigint }>(
      'SELECT entry, account, sats FROM lines WHERE entry NOT IN (SELECT id FROM entries)',
    )
    .all()
    .map(({ entry, account, sats }) => ({
      invariant: 'line-entry',
      detail: `a line of ${sats} sats on ${account} belongs to entry ${entry}, which is missing`,
    }));
}

/** Running balances against the fold. */
function compareBalances(folded: ReadonlyMap<string, bigint>, running: ReadonlyMap<string, bigint>): Fault[] {
  const faults: Fault[] = [];
  for (const account of new Set([...folded.keys(), ...running.keys()])) {
    const expected = folded.get(account) ?? 0n;
    const kept = running.get(account);
    if (kept === expected) continue;
    faults.push({
      invariant: 'balance-fold',
      detail: `${account} is kept as ${kept ?? 'nothing'}, and its entries come to ${expected} sats`,
    });
  }
  return faults;
}
