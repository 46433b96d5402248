import type { LedgerDatabase } from '../ledger-db.ts';
import { EntryBook } from './book.ts';
import { type Entry, entryHash, GENESIS_HASH, type Line, sumOf } from './entry.ts';
import type { Fault } from './fault.ts';
import { addLines } from './fold.ts';

/** A page of entries that were checked. */
export interface CheckedPage {
  readonly entries: readonly Entry[];
  readonly faults: readonly Fault[];
  /** The book ends with this page, so its balances were compared too. */
  readonly isLast: boolean;
}

/**
 * Checks entries, page by page, in the order of the book: hashes, order, sums, the end of the book, and running balances
 * against the fold. After the last page it goes on with entries that were added since. Nothing may be written to the book
 * while a call runs; between two calls it may.
 */
export class EntryCheck {
  readonly #book: EntryBook;
  readonly #strayLines;
  readonly #balances = new Map<string, bigint>();
  /** Accounts with lines since the balances were last compared. */
  readonly #touched = new Set<string>();
  #previous: Pick<Entry, 'id' | 'hash'> = { id: 0, hash: GENESIS_HASH };
  /** The balances of all accounts were compared once. */
  #isWhole = false;

  constructor(database: LedgerDatabase) {
    this.#book = new EntryBook(database);
    this.#strayLines = database.prepare<[number, number], { entry: bigint; account: string; sats: bigint }>(
      'SELECT entry, account, sats FROM lines WHERE entry > ? AND entry < ?',
    );
  }

  next(): CheckedPage {
    const faults: Fault[] = [];
    if (this.#previous.id === 0) faults.push(...this.#strayBetween(Number.MIN_SAFE_INTEGER, 1));
    const entries = this.#book.page(this.#previous.id);
    for (const entry of entries) {
      faults.push(...this.#entryFaults(entry));
      addLines(this.#balances, entry.lines);
      for (const { account } of entry.lines) this.#touched.add(account);
      this.#previous = entry;
    }
    const isLast = this.#book.page(this.#previous.id).length === 0;
    if (isLast) faults.push(...this.#endFaults(), ...this.#balanceFaults());
    return { entries, faults, isLast };
  }

  #entryFaults(entry: Entry): Fault[] {
    const { id, hash } = this.#previous;
    const faults: Fault[] = [];
    const name = `entry ${entry.id} (${entry.kind}, ${entry.reference})`;
    if (entry.id !== id + 1) {
      faults.push({ invariant: 'entry-order', detail: `${name} follows entry ${id}: entries are missing` });
      faults.push(...this.#strayBetween(id, entry.id));
    }
    if (entryHash(hash, entry) !== entry.hash) {
      faults.push({
        invariant: 'entry-hash',
        detail: `${name} does not have the hash that it was booked with: it was changed`,
      });
    }
    const sum = sumOf(entry.lines);
    if (sum !== 0n) {
      faults.push({ invariant: 'entry-sum', detail: `the lines of ${name} come to ${sum} sats, not to zero` });
    }
    return faults;
  }

  /** Lines of entries that are missing, which nothing else would look at. */
  #strayBetween(after: number, before: number): Fault[] {
    return this.#strayLines.all(after, before).map(({ entry, account, sats }) => ({
      invariant: 'line-entry',
      detail: `a line of ${sats} sats on ${account} belongs to entry ${entry}, which is missing`,
    }));
  }

  #endFaults(): Fault[] {
    const { id, hash } = this.#previous;
    const head = this.#book.head();
    const stray = this.#strayBetween(id, Number.MAX_SAFE_INTEGER);
    if (head.entries === id && head.hash === hash) return stray;
    const detail = `the book ends with entry ${id} (${hash}), and was written up to ${head.entries} (${head.hash})`;
    return [{ invariant: 'book-end', detail }, ...stray];
  }

  /** Running balances against the fold: of all accounts the first time, then of those that have new lines. */
  #balanceFaults(): Fault[] {
    const running = this.#isWhole ? undefined : this.#book.balances();
    const accounts = running === undefined ? this.#touched : new Set([...this.#balances.keys(), ...running.keys()]);
    const faults: Fault[] = [];
    for (const account of accounts) {
      const expected = this.#balances.get(account) ?? 0n;
      const kept = running === undefined ? this.#book.balance(account) : running.get(account);
      if (kept === expected) continue;
      const detail = `${account} is kept as ${kept ?? 'nothing'}, and its entries come to ${expected} sats`;
      faults.push({ invariant: 'balance-fold', detail });
    }
    this.#isWhole = true;
    this.#touched.clear();
    return faults;
  }
}

/** What is wrong with the entries, as far as they alone can tell: hashes, order, references, sums, balances. */
export function checkEntries(database: LedgerDatabase): Fault[] {
  const check = new EntryCheck(database);
  const faults: Fault[] = [];
  for (;;) {
    const page = check.next();
    faults.push(...page.faults);
    if (page.isLast) return [...faults, ...checkReferences(database)];
  }
}

/** References that two entries have. The table refuses them, unless it was replaced. */
export function checkReferences(database: LedgerDatabase): Fault[] {
  return database
    .prepare<[], { reference: string; first: bigint; last: bigint }>(
      'SELECT reference, min(id) AS first, max(id) AS last FROM entries GROUP BY reference HAVING count(*) > 1',
    )
    .all()
    .map(({ reference, first, last }) => ({
      invariant: 'reference-unique',
      detail: `entries ${first} and ${last} are both ${reference}`,
    }));
}

/** Lines as text, to be compared whatever their order is. */
export function linesText(lines: readonly Line[]): string {
  return JSON.stringify(lines.map(({ account, sats }) => [account, String(sats)]).sort());
}
