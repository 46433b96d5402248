import { expect, it } from 'vitest';
import { BlockStore } from '#books/ledger/blocks/block-store';
import { slicesNeededFrom } from '#books/ledger/blocks/needed-slices';
import { memoryLedger } from '#books/ledger/ledger-db';
import { noFees } from '#books/ledger/rewards/scheme';
import { TermsBook } from '#books/ledger/terms/terms-book';

it('keeps slices for blocks that are not booked, for a round, and for what PPS has not paid for', () => {
  const database = memoryLedger();
  const store = new BlockStore(database);
  expect(slicesNeededFrom(database, 'pplns')).toBe(Number.POSITIVE_INFINITY);
  expect(slicesNeededFrom(database, 'prop')).toBe(0);
  database.exec("INSERT INTO chain VALUES (1, 'g', 50, 'c', NULL); UPDATE pps_paid SET serial = 30");
  store.add({ hash: 'a', jobId: '000000001f-01020304', finder: 'x', height: 40, foundMs: 1, claimedSats: 1n });
  expect(slicesNeededFrom(database, 'pplns')).toBe(0);
  const amounts = { rewardSats: 1n, ownSats: 1n, feeSats: 1n, donationSats: 0n, restSats: 0n };
  store.setBooking('a', { coinbase: '00', ...amounts, lines: [], credits: [] });
  store.setStatus('a', 'mature');
  expect(slicesNeededFrom(database, 'pplns')).toBe(Number.POSITIVE_INFINITY);
  expect(slicesNeededFrom(database, 'prop')).toBe(0x1f);
  new TermsBook(database).begin(0, { scheme: 'pps', fees: noFees, donationAccount: undefined, window: 1n });
  expect(slicesNeededFrom(database, 'pps')).toBe(31);
  database.exec('DELETE FROM terms');
  // A block that lost its race may come back until the checkpoint is above it.
  store.add({ hash: 'b', jobId: '0000000020-01020304', finder: 'x', height: 51, foundMs: 1, claimedSats: 1n });
  store.setStatus('b', 'orphaned');
  expect(slicesNeededFrom(database, 'pplns')).toBe(0);
  database.exec('UPDATE chain SET checkpoint_height = 51');
  expect(slicesNeededFrom(database, 'pplns')).toBe(Number.POSITIVE_INFINITY);
});
