import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { own, payableOf } from '#books/ledger/entries/accounts';
import { EntryBook } from '#books/ledger/entries/book';
import { type LedgerDatabase, memoryLedger } from '#books/ledger/ledger-db';
import { SlicePayments, type SlicePaymentsOptions } from '#books/ledger/pay-per-share/slice-payments';
import { noFees, type Slice } from '#books/ledger/rewards/scheme';

const jobIdOf = (serial: number) => `${serial.toString(16).padStart(10, '0')}-01020304`;

/** Slices of which every third job has none; sealed up to a serial number. */
function setUp(
  options: Partial<SlicePaymentsOptions> = {},
  database: LedgerDatabase = memoryLedger(),
  sealed = { upTo: -1 },
) {
  const slice = (serial: number): Slice => ({
    ...{ serial, jobId: jobIdOf(serial), networkWork: 7n, subsidySats: 10n, feesSats: 4n },
    entries: [
      { account: 'a', work: BigInt(serial + 1) },
      { account: 'b', work: 1n },
    ],
  });
  function* slicesBack(jobId: string): Iterable<Slice> {
    for (let serial = Number.parseInt(jobId.slice(0, 10), 16); serial >= 0; serial -= 1)
      if (serial % 3 !== 2) yield slice(serial);
  }
  const add = database.prepare("INSERT OR IGNORE INTO jobs VALUES (?, ?, 1, 1, '7', 14, 10, 4, 0, NULL)");
  for (let serial = 0; serial < 60; serial += 1) add.run(jobIdOf(serial), serial);
  const payments = new SlicePayments(
    database,
    { scheme: 'pps', fees: noFees, donationAccount: undefined, ...options },
    { clock: { nowMs: () => 5 }, slices: { sealedUpTo: () => sealed.upTo, slicesBack } },
  );
  return { database, sealed, payments, book: new EntryBook(database) };
}

/** What is owed for the jobs up to a serial, by one formula over all of them: work × rate ÷ 7, rounded down at the end. */
function due(account: 'a' | 'b', upTo: number, rate: bigint): bigint {
  let work = 0n;
  for (let serial = 0; serial <= upTo; serial += 1)
    if (serial % 3 !== 2) work += account === 'a' ? BigInt(serial + 1) : 1n;
  return (work * rate) / 7n;
}

describe('payments for slices', () => {
  it.each([
    ['pps', 10n],
    ['fpps', 14n],
  ] as const)('%s: pay each sealed slice once, to the satoshi in the long run', (scheme, rate) => {
    const { payments, sealed, book } = setUp({ scheme });
    expect(payments.step()).toBe(false);
    for (const upTo of [0, 1, 1, 17, 40, 59]) {
      sealed.upTo = upTo;
      while (payments.step());
      // Each slice's part is rounded down to 2^-64 of a satoshi.
      const owed = [-book.balance(payableOf('a')), -book.balance(payableOf('b'))];
      for (const [index, account] of (['a', 'b'] as const).entries()) {
        const short = due(account, upTo, rate) - (owed[index] ?? 0n);
        expect(short === 0n || short === 1n).toBe(true);
      }
      expect(book.balance(own.ppsReserve)).toBe((owed[0] ?? 0n) + (owed[1] ?? 0n));
    }
    expect(book.find(`slice:${jobIdOf(2)}`)).toBeUndefined();
  });

  it('take fee and donation out of what is due', () => {
    const fees = { ...noFees, feeBasisPoints: 1000, donationBasisPoints: 500 };
    const { payments, sealed, book } = setUp({ fees, donationAccount: 'charity' });
    sealed.upTo = 59;
    while (payments.step());
    const spent = book.balance(own.ppsReserve);
    const total = due('a', 59, 10n) + due('b', 59, 10n);
    expect(Number(total - spent)).toBeLessThanOrEqual(4);
    expect(Number(-book.balance(own.fee)) / Number(spent)).toBeCloseTo(0.1, 2);
    expect(Number(-book.balance(payableOf('charity'))) / Number(spent)).toBeCloseTo(0.05, 2);
  });

  it('go on where they were after a kill at any step', () => {
    const { payments, sealed, database, book } = setUp();
    for (let upTo = 0; upTo < 20; upTo += 1) {
      sealed.upTo = upTo;
      const copy = new Database(database.serialize());
      copy.defaultSafeIntegers(true);
      payments.step();
      const other = setUp({}, copy, { upTo });
      other.payments.step();
      expect([...other.book.entries()]).toEqual([...book.entries()]);
      copy.close();
    }
  });

  it('pay for no slice of a time under another scheme', () => {
    const first = setUp({ scheme: 'none' });
    first.sealed.upTo = 10;
    expect(first.payments.step()).toBe(false);
    const second = setUp({}, first.database, { upTo: 20 });
    expect(second.payments.step()).toBe(false);
    second.sealed.upTo = 21;
    expect(second.payments.step()).toBe(true);
    expect([...second.book.entries()].map(({ reference }) => reference)).toEqual([`slice:${jobIdOf(21)}`]);
    setUp({ scheme: 'none' }, first.database, { upTo: 30 });
    const third = setUp({}, first.database, { upTo: 40 });
    expect(third.payments.step()).toBe(false);
  });
});
