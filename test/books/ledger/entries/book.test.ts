import { createHash } from 'node:crypto';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { assets, immatureOf, minerBalances, own, paidOf, payableOf } from '#books/ledger/entries/accounts';
import { EntryBook } from '#books/ledger/entries/book';
import { checkEntries } from '#books/ledger/entries/check';
import { GENESIS_HASH, type Line, opposite, type Posting } from '#books/ledger/entries/entry';
import { fold } from '#books/ledger/entries/fold';
import {
  LEDGER_FILE,
  LedgerError,
  memoryLedger,
  type OpenedLedger,
  openLedger,
  readLedger,
} from '#books/ledger/ledger-db';

let folder = '';
let ledger: OpenedLedger;
let book: EntryBook;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-ledger-'));
  ledger = openLedger(folder);
  book = new EntryBook(ledger.database);
});
afterEach(() => {
  ledger.close();
  rmSync(folder, { recursive: true, force: true });
});

const post = (posting: Posting) => ledger.database.transaction(() => book.post(posting))();
const lines: readonly Line[] = [
  { account: assets.immature, sats: 100n },
  { account: own.fee, sats: -1n },
  { account: immatureOf('alice'), sats: -99n },
];
const posting: Posting = { kind: 'block', reference: 'block:1', atMs: 1_700_000_000_000, lines };

/** Changes the file as somebody with the SQLite shell could. */
function byHand(sql: string): void {
  ledger.close();
  const raw = new Database(join(folder, LEDGER_FILE));
  const triggers = raw.prepare<[], string>("SELECT name FROM sqlite_master WHERE type = 'trigger'").pluck().all();
  for (const name of triggers) raw.exec(`DROP TRIGGER ${name}`);
  raw.pragma('foreign_keys = OFF');
  raw.exec(sql);
  raw.close();
  ledger = openLedger(folder);
  book = new EntryBook(ledger.database);
}
const found = () => checkEntries(ledger.database).map(({ invariant, detail }) => `${invariant}: ${detail}`);

describe('the entry book', () => {
  it('keeps an entry, its lines in byte order, and the balances', () => {
    const entry = post({ ...posting, note: 'height 7' });
    expect(entry.id).toBe(1);
    expect([...book.entries()]).toEqual([entry]);
    expect(entry.lines.map(({ account }) => account)).toEqual(['asset:immature', 'immature:alice', 'own:fee']);
    expect([...book.balances()]).toEqual([
      ['asset:immature', 100n],
      ['immature:alice', -99n],
      ['own:fee', -1n],
    ]);
    expect(minerBalances(book.balances())).toEqual([
      { account: 'alice', immatureSats: 99n, payableSats: 0n, inFlightSats: 0n, paidSats: 0n },
    ]);
  });

  it('chains entries as entry.ts says, recomputed here from that text', () => {
    const first = post({ ...posting, note: 'ä' });
    const second = post({ ...posting, reference: 'block:2' });
    const text = '[["asset:immature","100"],["immature:alice","-99"],["own:fee","-1"]]';
    const sha256 = (data: string) => createHash('sha256').update(data).digest('hex');
    const one = sha256(`${GENESIS_HASH}\n[1,"block","block:1",1700000000000,"ä",${text}]`);
    expect(first.hash).toBe(one);
    expect(second.hash).toBe(sha256(`${one}\n[2,"block","block:2",1700000000000,null,${text}]`));
    expect(book.head()).toEqual({ entries: 2, hash: second.hash });
  });

  it('books a reference once', () => {
    const first = post(posting);
    expect(post({ ...posting, atMs: 5, note: 'again' })).toEqual(first);
    expect(book.balance(assets.immature)).toBe(100n);
    expect(() => post({ ...posting, lines: opposite(lines) })).toThrow('block:1 is booked already, with other lines');
    expect(() => post({ ...posting, kind: 'other' })).toThrow('booked already');
  });

  it('refuses lines that do not sum to zero, bad names, and a posting outside a transaction', () => {
    expect(() => post({ ...posting, lines: lines.slice(1) })).toThrow('come to -100 sats');
    expect(() => post({ ...posting, reference: '' })).toThrow('is no name');
    expect(() => post({ ...posting, kind: '\ud800' })).toThrow('is no name');
    expect(() => book.post(posting)).toThrow('in a transaction');
    expect(book.head().entries).toBe(0);
  });

  it('goes with the transaction that fails', () => {
    const failing = ledger.database.transaction(() => {
      book.post(posting);
      throw new Error('the caller fails');
    });
    expect(() => failing()).toThrow('the caller fails');
    expect(book.head()).toEqual({ entries: 0, hash: GENESIS_HASH });
    expect(book.balances().size).toBe(0);
  });

  it.each([
    "UPDATE entries SET note = 'x'",
    'UPDATE lines SET sats = 7',
    'DELETE FROM entries',
    'DELETE FROM lines',
    "INSERT INTO entries VALUES (9, 'k', 'r', 0, NULL, 'h')",
    "INSERT OR REPLACE INTO entries VALUES (1, 'k', 'block:1', 0, NULL, 'h')",
    "INSERT INTO lines VALUES (1, 'own:fee:2', 5)",
    "INSERT OR REPLACE INTO lines VALUES (1, 'own:fee', 5)",
  ])('refuses: %s', (sql) => {
    post(posting);
    ledger.database.pragma('foreign_keys = OFF');
    expect(() => ledger.database.exec(sql)).toThrow(Database.SqliteError);
    expect(found()).toEqual([]);
  });

  it('keeps amounts that a double does not hold', () => {
    const sats = 2_099_999_997_690_001n * 4n + 1n;
    post({
      ...posting,
      lines: [
        { account: 'asset:wallet', sats },
        { account: payableOf('a'), sats: -sats },
      ],
    });
    expect(book.balance('asset:wallet')).toBe(sats);
    expect(found()).toEqual([]);
  });
});

describe('checkEntries', () => {
  beforeEach(() => {
    for (const number of [1, 2, 3]) post({ ...posting, reference: `block:${number}` });
  });

  it('finds nothing wrong with a book that is right', () => expect(found()).toEqual([]));

  it.each([
    ['UPDATE entries SET at_ms = 1 WHERE id = 2', ['entry-hash: entry 2 (block, block:2) does not have the hash']],
    ["UPDATE entries SET note = 'x' WHERE id = 3", ['entry-hash: entry 3 (block, block:3)']],
    [
      "UPDATE lines SET account = 'immature:mallory' WHERE entry = 2 AND account = 'immature:alice'",
      [
        'entry-hash: entry 2',
        'balance-fold: immature:alice is kept as -297',
        'balance-fold: immature:mallory is kept as nothing',
      ],
    ],
    [
      "UPDATE lines SET sats = -98 WHERE entry = 1 AND account = 'immature:alice'",
      [
        'entry-hash: entry 1',
        'entry-sum: the lines of entry 1 (block, block:1) come to 1 sats',
        'balance-fold: immature:alice',
      ],
    ],
    [
      "UPDATE balances SET sats = -1000 WHERE account = 'immature:alice'",
      ['balance-fold: immature:alice is kept as -1000'],
    ],
    [
      'DELETE FROM lines WHERE entry = 3; DELETE FROM entries WHERE id = 3',
      ['book-end: the book ends with entry 2', 'balance-fold', 'balance-fold', 'balance-fold'],
    ],
    [
      'DELETE FROM lines WHERE entry = 2; DELETE FROM entries WHERE id = 2',
      [
        'entry-order: entry 3 (block, block:3) follows entry 1',
        'entry-hash: entry 3',
        'balance-fold',
        'balance-fold',
        'balance-fold',
      ],
    ],
    [
      'DELETE FROM entries WHERE id = 3',
      ['book-end', 'line-entry', 'line-entry', 'line-entry', 'balance-fold', 'balance-fold', 'balance-fold'],
    ],
  ])('names what was done by hand: %s', (sql, expected) => {
    byHand(sql);
    const faults = found();
    expect(faults).toHaveLength(expected.length);
    for (const [index, begin] of expected.entries()) expect(faults[index]).toContain(begin);
  });
});

describe('balances', () => {
  const account = fc.constantFrom(
    'asset:wallet',
    'payable:a',
    'payable:b',
    'own:fee',
    'paid:Å',
    'paid:\u{10000}',
    'paid:\uffee',
  );
  const transfer = fc.record({
    from: account,
    to: account,
    sats: fc.bigInt(0n, 21n * 10n ** 14n),
    again: fc.boolean(),
  });

  const nonZero = (balances: ReadonlyMap<string, bigint>) => new Map([...balances].filter(([, sats]) => sats !== 0n));

  it('are the fold of the entries, and zero after all was undone', () => {
    fc.assert(
      fc.property(fc.array(transfer, { maxLength: 30 }), (transfers) => {
        const database = memoryLedger();
        const all = new EntryBook(database);
        const put = (value: Posting) => database.transaction(() => all.post(value))();
        const model = new Map<string, bigint>();
        const postings = transfers.map(
          ({ from, to, sats }, index): Posting => ({
            kind: 'transfer',
            reference: `transfer:${index}`,
            atMs: index,
            lines: [
              { account: from, sats: -sats },
              { account: to, sats },
            ],
          }),
        );
        for (const [index, value] of postings.entries()) {
          put(value);
          if (transfers[index]?.again) put(value);
          for (const { account, sats } of value.lines) model.set(account, (model.get(account) ?? 0n) + sats);
        }
        expect(nonZero(all.balances())).toEqual(nonZero(model));
        expect(fold(all.entries())).toEqual(all.balances());
        for (const value of postings) {
          put({ ...value, reference: `${value.reference}:undone`, lines: opposite(value.lines) });
        }
        expect(nonZero(all.balances()).size).toBe(0);
        expect(checkEntries(database)).toEqual([]);
        database.close();
      }),
      { numRuns: 30 },
    );
  });

  it('shows debts and payments as positive figures of the miner', () => {
    const paid = [
      { account: paidOf('a'), sats: -3n },
      { account: own.paidOut, sats: 3n },
    ];
    post({ ...posting, lines: paid });
    expect(minerBalances(book.balances())).toEqual([
      { account: 'a', immatureSats: 0n, payableSats: 0n, inFlightSats: 0n, paidSats: 3n },
    ]);
  });
});

describe('ledger.db', () => {
  it('has one writer, and readers beside it', () => {
    post(posting);
    expect(() => openLedger(folder)).toThrow(LedgerError);
    const reader = readLedger(folder);
    expect(new EntryBook(reader).head().entries).toBe(1);
    expect(() => reader.exec("UPDATE head SET hash = ''")).toThrow('readonly');
    reader.close();
    ledger.close();
    openLedger(folder).close();
  });

  it('is not there before a pool has made it', () => {
    expect(() => readLedger(join(folder, 'none'))).toThrow('no pool has run there yet');
  });

  it('refuses a file of a later version', () => {
    ledger.database.pragma('user_version = 1000');
    ledger.close();
    expect(() => openLedger(folder)).toThrow('later version');
    expect(() => readLedger(folder)).toThrow('later version');
    // The lock was let go of.
    expect(() => openLedger(folder)).toThrow('later version');
  });

  it('holds what was committed, in a copy that was taken at any moment', () => {
    post(posting);
    const copy = mkdtempSync(join(tmpdir(), 'sluice-ledger-copy-'));
    for (const file of [LEDGER_FILE, `${LEDGER_FILE}-wal`]) copyFileSync(join(folder, file), join(copy, file));
    const opened = openLedger(copy);
    expect(checkEntries(opened.database)).toEqual([]);
    expect(new EntryBook(opened.database).head()).toEqual(book.head());
    opened.close();
    rmSync(copy, { recursive: true, force: true });
  });
});
