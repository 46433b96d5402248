import Database from 'better-sqlite3';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { slicesNeededFrom } from '#books/ledger/blocks/needed-slices';
import { own, payableOf } from '#books/ledger/entries/accounts';
import { EntryBook } from '#books/ledger/entries/book';
import { type LedgerDatabase, memoryLedger } from '#books/ledger/ledger-db';
import { SlicePayments } from '#books/ledger/pay-per-share/slice-payments';
import type { PoolTerms } from '#books/ledger/rewards/pool-terms';
import { noFees, type Slice } from '#books/ledger/rewards/scheme';
import { SealedSlices } from '#books/ledger/slices/sealed-slices';
import { SliceStore } from '#books/ledger/slices/slice-store';
import { TermsBook } from '#books/ledger/terms/terms-book';
import { fuzz } from '../../../fuzz/runs.ts';

const jobIdOf = (serial: number) => `${serial.toString(16).padStart(10, '0')}-01020304`;

const HOUR_MS = 3_600_000;
interface When {
  readonly height: number;
  readonly timeMs: number;
}
/** Five jobs a height. */
// Half a second apart, as jobs come, and never on an hour.
const fives = (serial: number): When => ({ height: Math.floor(serial / 5), timeMs: 1_234 + serial * 500 });

const PPS: PoolTerms = { scheme: 'pps', fees: noFees, donationAccount: undefined, window: 1n };

/** Slices of which every third job has none; sealed up to a serial number. */
function setUp(
  options: Partial<PoolTerms> = {},
  database: LedgerDatabase = memoryLedger(),
  sealed = { upTo: -1 },
  when = fives,
) {
  const slice = (serial: number): Slice => ({
    ...{ serial, jobId: jobIdOf(serial), networkWork: 7n, subsidySats: 10n, feesSats: 4n },
    // b comes and goes.
    entries: [{ account: 'a', work: BigInt(serial + 1) }, ...(serial % 7 === 0 ? [] : [{ account: 'b', work: 1n }])],
  });
  function* slicesBack(jobId: string): Iterable<Slice> {
    for (let serial = Number.parseInt(jobId.slice(0, 10), 16); serial >= 0; serial -= 1)
      if (serial % 3 !== 2) yield slice(serial);
  }
  const add = database.prepare("INSERT OR IGNORE INTO jobs VALUES (?, ?, ?, 1, '7', 14, 10, 4, ?, NULL, '')");
  for (let serial = 0; serial <= 60; serial += 1) {
    const { height, timeMs } = when(serial);
    add.run(jobIdOf(serial), serial, height, timeMs);
  }
  const terms = new TermsBook(database);
  terms.begin(0, { ...PPS, ...options });
  const payments = new SlicePayments(database, terms.reigns, {
    ...{ clock: { nowMs: () => 5 }, slices: { sealedUpTo: () => sealed.upTo, slicesBack } },
  });
  return { database, sealed, payments, book: new EntryBook(database) };
}

/** What is owed for the jobs up to a serial, by one formula over all of them: work × rate ÷ 7, rounded down at the end. */
function due(account: 'a' | 'b', upTo: number, rate: bigint): bigint {
  let work = 0n;
  for (let serial = 0; serial <= upTo; serial += 1)
    if (serial % 3 !== 2) work += account === 'a' ? BigInt(serial + 1) : BigInt(serial % 7 === 0 ? 0 : 1);
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
        // A height is paid for when all of it is sealed.
        const short = due(account, Math.floor((upTo + 1) / 5) * 5 - 1, rate) - (owed[index] ?? 0n);
        expect(short === 0n || short === 1n).toBe(true);
      }
      expect(book.balance(own.ppsReserve)).toBe((owed[0] ?? 0n) + (owed[1] ?? 0n));
    }
    expect([...book.entries()].map(({ reference }) => reference)).toEqual(
      Array.from({ length: 12 }, (_, height) => `slices:${jobIdOf(height * 5)}:${jobIdOf(height * 5 + 4)}`),
    );
  });

  it('come to the same, whatever is paid for together', () => {
    const fees = { ...noFees, feeBasisPoints: 150, donationBasisPoints: 7 };
    /** `steps`: up to where slices are sealed, turn by turn. */
    const paidFor = (when: (serial: number) => When, steps: readonly number[]) => {
      const { payments, sealed, book, database } = setUp(
        { fees, donationAccount: 'charity' },
        undefined,
        undefined,
        when,
      );
      for (const upTo of [...steps, 59]) {
        sealed.upTo = Math.max(sealed.upTo, upTo);
        while (payments.step());
      }
      const carries = database.prepare('SELECT * FROM pps_carry ORDER BY kind, account').all();
      return { entries: book.head().entries, sums: { balances: book.balances(), carries } };
    };
    const oneByOne = paidFor((serial) => ({ height: serial, timeMs: 0 }), []);
    expect(oneByOne.entries).toBe(40);
    const heights = fc.array(fc.record({ next: fc.boolean(), hours: fc.nat({ max: 1 }) }), {
      minLength: 61,
      maxLength: 61,
    });
    fc.assert(
      fc.property(heights, fc.array(fc.nat({ max: 59 }), { maxLength: 9 }), (jobs, steps) => {
        let [height, timeMs] = [0, 0];
        const whens = jobs.map(({ next, hours }, serial): When => {
          height += next || serial === 60 ? 1 : 0;
          timeMs += hours * HOUR_MS;
          return { height, timeMs };
        });
        const grouped = paidFor((serial) => whens[serial] ?? fives(serial), steps);
        expect(grouped.sums).toEqual(oneByOne.sums);
        const groups = new Set(whens.slice(0, 60).map(({ height: h, timeMs: t }) => `${h} ${t}`));
        expect(grouped.entries).toBeLessThanOrEqual(groups.size);
      }),
      fuzz(60, 5),
    );
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
    for (let upTo = 0; upTo < 30; upTo += 1) {
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

  it('are for the jobs of a time under PPS alone, and for all of these after a change', () => {
    const database = memoryLedger();
    const terms = new TermsBook(database);
    terms.begin(0, { ...PPS, scheme: 'pplns' });
    terms.begin(21, PPS);
    // Another fee begins another payment, in the middle of a height.
    terms.begin(28, { ...PPS, fees: { ...noFees, feeBasisPoints: 5_000 } });
    const { payments, sealed, book } = setUp({}, database);
    const paid = (): string[] => {
      while (payments.step());
      return [...book.entries()].map(({ reference }) => reference);
    };
    sealed.upTo = 24;
    expect(paid()).toEqual([`slices:${jobIdOf(21)}:${jobIdOf(24)}`]);
    sealed.upTo = 31;
    expect(paid().slice(1)).toEqual([`slices:${jobIdOf(25)}:${jobIdOf(27)}`, `slices:${jobIdOf(28)}:${jobIdOf(29)}`]);
    const before = book.balance(own.fee);
    // The pool starts with another scheme; the end of its last height under PPS was not sealed.
    terms.begin(33, { ...PPS, scheme: 'prop' });
    const next = setUp({}, database, { upTo: 60 });
    expect(slicesNeededFrom(database, 'pplns')).toBe(30);
    while (next.payments.step());
    expect(next.book.head().entries).toBe(4);
    expect([...next.book.entries()].at(-1)?.reference).toBe(`slices:${jobIdOf(30)}:${jobIdOf(32)}`);
    expect(-next.book.balance(own.fee)).toBeGreaterThan(-before);
    expect(slicesNeededFrom(database, 'pplns')).toBe(Number.POSITIVE_INFINITY);
  });

  it.each([1n, 7n, 1_000_000n])(
    'are for a block a share at most, if shares are harder than blocks: %i shares',
    (shares) => {
      const database = memoryLedger();
      const store = new SliceStore(database);
      const terms = new TermsBook(database);
      terms.begin(0, PPS);
      const facts = {
        nbits: 0x207fffff,
        networkWork: 2n,
        subsidySats: 5_000_000_000n,
        feesSats: 0n,
        windowEnd: '',
        timeMs: 1,
      };
      const jobs = [1, 2].map((serial) => ({
        ...{ ...facts, rewardSats: 5_000_000_000n, jobId: jobIdOf(serial), serial, height: serial },
      }));
      // As much as a sum of 128-bit numbers can come to, beside a miner of easy shares.
      const sums = [
        { account: 'farm', work: shares * (2n ** 128n - 1n), shares: Number(shares) },
        { account: 'small', work: 3n, shares: 3 },
      ];
      const of = { jobId: jobIdOf(1), serial: 1 };
      store.take({ positions: [], jobs, found: [], sums: sums.map((sum) => ({ ...sum, ...of })), rows: 9, shares: 9 });
      store.seal(2);
      const payments = new SlicePayments(database, terms.reigns, {
        ...{ clock: { nowMs: () => 5 }, slices: new SealedSlices(database) },
      });
      while (payments.step());
      const book = new EntryBook(database);
      expect(-book.balance(payableOf('farm'))).toBe(shares * 5_000_000_000n);
      expect(-book.balance(payableOf('small'))).toBe(7_500_000_000n);
    },
  );
});
