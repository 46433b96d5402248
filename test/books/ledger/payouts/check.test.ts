import Database from 'better-sqlite3';
import { beforeAll, describe, expect, it } from 'vitest';
import { checkLedger } from '#books/ledger/check';
import { EntryBook } from '#books/ledger/entries/book';
import type { LedgerDatabase } from '#books/ledger/ledger-db';
import { miners, Payer, World } from './world.ts';

const [first = '', second = ''] = miners;

/** Books with a payout that is settled, one that was cancelled after it was signed, and one on its way. */
let books: LedgerDatabase;
let [settled, unpaid, open] = ['', '', ''];
beforeAll(async () => {
  const world = new World(1);
  const payer = new Payer(world);
  const pay = async (): Promise<string> => {
    payer.earn([
      [first, 1_000_000n],
      [second, 500_000n],
    ]);
    world.mine(10);
    return (await payer.payouts.run()).batch?.id ?? '';
  };
  settled = await pay();
  world.mine(10);
  await payer.payouts.tick();
  unpaid = await pay();
  await payer.payouts.cancel(unpaid);
  world.mine(11);
  await payer.payouts.tick();
  open = await pay();
  books = payer.database;
});

/** Changes a copy of the books as somebody with the SQLite shell could, and says what the check finds. */
function faultsAfter(...statements: readonly string[]): string[] {
  const copy = new Database(books.serialize());
  copy.defaultSafeIntegers(true);
  copy.pragma('foreign_keys = OFF');
  const triggers = copy.prepare<[], string>("SELECT name FROM sqlite_master WHERE type = 'trigger'").pluck().all();
  for (const name of triggers) copy.exec(`DROP TRIGGER ${name}`);
  for (const statement of statements) copy.exec(statement);
  const faults = checkLedger(copy).map(({ invariant, detail }) => `${invariant}: ${detail}`);
  copy.close();
  // The coins that `earn` books are of no block.
  return faults.filter((fault) => !fault.startsWith('block-known'));
}

/** The number of a payout, as SQL. */
const numberOf = (id: string): string => `(SELECT number FROM payout_batches WHERE id = '${id}')`;

describe('the check of payouts', () => {
  it('finds nothing wrong with books that are right', () => {
    expect(faultsAfter()).toEqual([]);
    const kinds = [...new EntryBook(books).entries()].map(({ kind }) => kind).filter((kind) => kind !== 'block');
    const paid = ['payout-opened', 'payout-signed', 'payout-settled'];
    const cancelled = ['payout-opened', 'payout-signed', 'payout-unpaid'];
    expect(kinds).toEqual([...paid, ...cancelled, 'payout-opened', 'payout-signed']);
  });

  it.each<[string, () => string, string]>([
    [
      'an amount that was raised',
      () => `UPDATE payout_items SET sats = sats + 1 WHERE batch = ${numberOf(settled)}`,
      'payout-entry: entry',
    ],
    [
      'an amount of an open payout that was raised',
      () => `UPDATE payout_items SET sats = sats + 1 WHERE batch = ${numberOf(open)}`,
      'payout-in-flight: in_flight:',
    ],
    [
      'an account that was added',
      () => `INSERT INTO payout_items VALUES (${numberOf(open)}, 'mallory', '${miners[2]}', 1000, 0)`,
      'instead of 1000',
    ],
    [
      'an address that was changed',
      () => `UPDATE payout_items SET address = '${miners[2]}' WHERE batch = ${numberOf(open)} AND account = '${first}'`,
      'payout-transaction: transaction',
    ],
    [
      'a payout that was removed',
      () => `DELETE FROM payout_batches WHERE id = '${settled}'`,
      'is about no payout of the ledger',
    ],
    [
      'a payout that is to be paid again',
      () => `UPDATE payout_batches SET state = 'signed', settlements = 0, winner = NULL WHERE id = '${settled}'`,
      'payout-entry: entry',
    ],
    [
      'a payout that ended unpaid and is to be paid again',
      () => `UPDATE payout_batches SET state = 'signed' WHERE id = '${unpaid}'`,
      'payout-in-flight: asset:in_flight has',
    ],
    [
      'a payout that was given up by hand',
      () => `UPDATE payout_batches SET state = 'cancelled' WHERE id = '${open}'`,
      ':unpaid is missing',
    ],
    [
      'a payout that no entry has',
      () =>
        `INSERT INTO payout_batches (id, method, state, created_ms, changed_ms) VALUES ('forged', 'wallet', 'signed', 1, 1)`,
      'its entry payout:forged:opened is missing',
    ],
    [
      'a fee that was raised',
      () => `UPDATE payout_variants SET fee_sats = fee_sats + 1 WHERE batch = ${numberOf(settled)}`,
      'payout-entry: entry',
    ],
    [
      'the bytes of another transaction',
      () =>
        `UPDATE payout_variants SET raw = (SELECT raw FROM payout_variants WHERE batch = ${numberOf(settled)}) WHERE batch = ${numberOf(open)}`,
      'payout-transaction: transaction',
    ],
    [
      'a replacement that can be mined beside the first transaction',
      () =>
        `INSERT INTO payout_variants SELECT batch, 9, 'replace', '${'ab'.repeat(32)}', psbt, NULL, fee_sats, fee_rate, NULL, NULL, made_ms FROM payout_variants WHERE batch = ${numberOf(open)}`,
      'payout-once: transaction',
    ],
    [
      'a settlement that was booked twice',
      () =>
        `INSERT INTO entries SELECT 99, kind, 'payout:${settled}:settled:2', at_ms, note, hash FROM entries WHERE reference = 'payout:${settled}:settled:1';
         INSERT INTO lines SELECT 99, account, sats FROM lines JOIN entries ON id = entry WHERE reference = 'payout:${settled}:settled:1'`,
      ':settled:2) is not what payout',
    ],
    [
      'a debit that was booked twice',
      () =>
        `INSERT INTO entries SELECT 99, kind, 'payout:${open}:opened:2', at_ms, note, hash FROM entries WHERE reference = 'payout:${open}:opened';
         INSERT INTO lines SELECT 99, account, sats FROM lines JOIN entries ON id = entry WHERE reference = 'payout:${open}:opened'`,
      'payout-once: payout',
    ],
    [
      'an entry of a kind that nothing books',
      () =>
        `INSERT INTO entries SELECT 99, 'gift', 'gift:1', at_ms, note, hash FROM entries WHERE id = 1; INSERT INTO lines VALUES (99, 'own:fee', 5), (99, 'payable:mallory', -5)`,
      'entry-kind: entry 99 (gift, gift:1)',
    ],
    [
      'a withdrawal that nobody has answered for',
      () =>
        `INSERT INTO entries SELECT 99, 'withdrawn', 'withdrawn:${'cd'.repeat(32)}', at_ms, note, hash FROM entries WHERE id = 1; INSERT INTO lines VALUES (99, 'asset:wallet', -5), (99, 'own:withdrawn', 5)`,
      'payout-known: entry 99',
    ],
    [
      'a withdrawal that no entry has',
      () => `INSERT INTO payout_outsiders VALUES ('${'cd'.repeat(32)}', 5, 1, 1)`,
      'was answered for, and no entry has it',
    ],
  ])('names %s', (_, statement, expected) => {
    const faults = faultsAfter(statement());
    expect(
      faults.some((fault) => fault.includes(expected)),
      faults.join('\n'),
    ).toBe(true);
  });
});
