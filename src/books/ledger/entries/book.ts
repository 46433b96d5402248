import type { LedgerDatabase } from '../ledger-db.ts';
import { assertPosting, type Entry, entryHash, type Line, normalizeLines, type Posting } from './entry.ts';

interface EntryRow {
  readonly id: bigint;
  readonly kind: string;
  readonly reference: string;
  readonly at_ms: bigint;
  readonly note: string | null;
  readonly hash: string;
}

/** The newest entry; `entries` is its id, 0 in an empty book. */
export interface Head {
  readonly entries: number;
  readonly hash: string;
}

/** The double-entry book. Everything that moves money posts here, in the transaction that records why. */
export class EntryBook {
  readonly #database: LedgerDatabase;
  readonly #statements: ReturnType<typeof prepare>;

  constructor(database: LedgerDatabase) {
    this.#database = database;
    this.#statements = prepare(database);
  }

  /**
   * Books a posting, in the caller's transaction, and returns its entry. If the reference is booked already, nothing is
   * changed and that entry is returned; its time and note may differ from the posting's. Throws if the lines do not sum to
   * zero, if the reference is booked with another kind or other lines, and outside a transaction.
   */
  post(posting: Posting): Entry {
    if (!this.#database.inTransaction) throw new Error('ledger: an entry is posted in a transaction');
    assertPosting(posting);
    const lines = normalizeLines(posting.lines);
    const known = this.find(posting.reference);
    if (known !== undefined) {
      if (known.kind === posting.kind && sameLines(known.lines, lines)) return known;
      throw new Error(`ledger: ${posting.reference} is booked already, with other lines`);
    }
    const { head, insertEntry, insertLine, addToBalance, setHead } = this.#statements;
    const { entries, hash: previous } = head.get() ?? { entries: 0n, hash: '' };
    const { kind, reference, atMs, note } = posting;
    const unhashed = { id: Number(entries) + 1, kind, reference, atMs, note, lines };
    const entry = { ...unhashed, hash: entryHash(previous, unhashed) };
    insertEntry.run(entry.id, kind, reference, atMs, note ?? null, entry.hash);
    for (const { account, sats } of lines) {
      insertLine.run(entry.id, account, sats);
      addToBalance.run(account, sats);
    }
    setHead.run(entry.id, entry.hash);
    return entry;
  }

  /** The entry with this reference. */
  find(reference: string): Entry | undefined {
    const row = this.#statements.byReference.get(reference);
    return row && this.#entry(row);
  }

  /** All entries behind one, in order. */
  *entries(after = 0): IterableIterator<Entry> {
    for (let last = after; ; ) {
      const entries = this.page(last);
      yield* entries;
      const newest = entries.at(-1);
      if (newest === undefined) return;
      last = newest.id;
    }
  }

  /** The next entries behind one, in order: 100 at most. */
  page(after: number): Entry[] {
    return this.#statements.page.all(after).map((row) => this.#entry(row));
  }

  /** Entries whose reference begins with a text that ends with a colon, in order. */
  under(prefix: string): Entry[] {
    // A semicolon is the character behind the colon.
    const end = `${prefix.slice(0, -1)};`;
    return this.#statements.under.all(prefix, end).map((row) => this.#entry(row));
  }

  /** Entries with a line of this account, in order. */
  *entriesOf(account: string): IterableIterator<Entry> {
    for (const row of this.#statements.byAccount.all(account)) yield this.#entry(row);
  }

  head(): Head {
    const head = this.#statements.head.get();
    return { entries: Number(head?.entries ?? 0n), hash: head?.hash ?? '' };
  }

  /** The running balance of an account. */
  balance(account: string): bigint {
    return this.#statements.balance.get(account) ?? 0n;
  }

  /** All running balances, in byte order of their accounts. */
  balances(): Map<string, bigint> {
    return new Map(this.#statements.balances.all().map(({ account, sats }) => [account, sats]));
  }

  #entry({ id, kind, reference, at_ms, note, hash }: EntryRow): Entry {
    const lines = this.#statements.lines.all(id);
    return { id: Number(id), kind, reference, atMs: Number(at_ms), note: note ?? undefined, lines, hash };
  }
}

function sameLines(a: readonly Line[], b: readonly Line[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ account, sats }, index) => account === b[index]?.account && sats === b[index]?.sats)
  );
}

/** Entries that are read at once: an iterator must hold no statement open while others write. */
const PAGE_ENTRIES = 100;

function prepare(database: LedgerDatabase) {
  return {
    head: database.prepare<[], { entries: bigint; hash: string }>('SELECT entries, hash FROM head'),
    setHead: database.prepare<[number, string]>('UPDATE head SET entries = ?, hash = ?'),
    insertEntry: database.prepare<[number, string, string, number, string | null, string]>(
      'INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?)',
    ),
    insertLine: database.prepare<[number, string, bigint]>('INSERT INTO lines VALUES (?, ?, ?)'),
    addToBalance: database.prepare<[string, bigint]>(
      'INSERT INTO balances VALUES (?, ?) ON CONFLICT DO UPDATE SET sats = sats + excluded.sats',
    ),
    byReference: database.prepare<[string], EntryRow>('SELECT * FROM entries WHERE reference = ?'),
    page: database.prepare<[number], EntryRow>(`SELECT * FROM entries WHERE id > ? ORDER BY id LIMIT ${PAGE_ENTRIES}`),
    under: database.prepare<[string, string], EntryRow>(
      'SELECT * FROM entries WHERE reference >= ? AND reference < ? ORDER BY id',
    ),
    byAccount: database.prepare<[string], EntryRow>(
      'SELECT entries.* FROM lines JOIN entries ON id = entry WHERE account = ? ORDER BY id',
    ),
    lines: database.prepare<[bigint], Line>('SELECT account, sats FROM lines WHERE entry = ? ORDER BY account'),
    balance: database.prepare<[string], bigint>('SELECT sats FROM balances WHERE account = ?').pluck(),
    balances: database.prepare<[], Line>('SELECT account, sats FROM balances ORDER BY account'),
  };
}
