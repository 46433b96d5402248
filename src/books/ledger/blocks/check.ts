import { fromHex } from '#base/bitcoin/bytes';
import { readCoinbase } from '#base/bitcoin/coinbase-reader';
import { assets, immatureOf } from '../entries/accounts.ts';
import { EntryBook } from '../entries/book.ts';
import type { Fault } from '../entries/check.ts';
import { type Entry, type Line, sumOf } from '../entries/entry.ts';
import type { LedgerDatabase } from '../ledger-db.ts';
import { BlockStore, type LedgerBlock } from './block-store.ts';
import { type BlockEvent, blockPosting } from './postings.ts';

const REFERENCE = /^block:([0-9a-f]{64}):(booked|matured|unmatured|reversed):([1-9][0-9]*)$/;

/**
 * What is wrong with the blocks in the books: each reward divided to the satoshi, each division as the coinbase and the entries
 * have it, each status as the entries have it.
 */
export function checkBlocks(database: LedgerDatabase): Fault[] {
  const blocks = new BlockStore(database).all();
  const entries = new Map<string, Entry[]>(blocks.map(({ hash }) => [hash, []]));
  const faults: Fault[] = [];
  for (const entry of new EntryBook(database).entries()) {
    if (!entry.kind.startsWith('block-') && !entry.reference.startsWith('block:')) continue;
    const [, hash = ''] = REFERENCE.exec(entry.reference) ?? [];
    const known = entries.get(hash);
    if (known === undefined) {
      faults.push({
        invariant: 'block-known',
        detail: `entry ${entry.id} (${entry.reference}) is about no block of the ledger`,
      });
    } else known.push(entry);
  }
  for (const block of blocks)
    faults.push(...checkValue(block), ...checkEntriesOf(block, entries.get(block.hash) ?? []));
  return faults;
}

/** Σ credits + fee + donation + rest = Σ outputs of the coinbase; and the lines say so account by account. */
function checkValue({ hash, height, booking }: LedgerBlock): Fault[] {
  if (booking === undefined) return [];
  const name = `block ${hash} at height ${height}`;
  const { rewardSats, ownSats, feeSats, donationSats, restSats, credits, lines } = booking;
  const faults: Fault[] = [];
  const credited = credits.reduce((sum, { sats }) => sum + sats, 0n);
  const divided = credited + feeSats + donationSats + restSats;
  const coinbase = readCoinbase(fromHex(booking.coinbase) ?? new Uint8Array());
  if (coinbase?.totalSats !== rewardSats || divided !== rewardSats) {
    const detail = `${name}: its coinbase pays ${coinbase?.totalSats ?? 'nothing that can be read'}, it is booked as ${rewardSats} sats, and credits, fee, donation and rest come to ${divided}`;
    faults.push({ invariant: 'block-value', detail });
  }
  const amounts = new Map(lines.map(({ account, sats }) => [account, sats]));
  const wrong = credits.filter(({ account, sats, directSats }) => {
    const owed = -(amounts.get(immatureOf(account)) ?? 0n);
    // A donation goes to an account, which may mine as well.
    return owed !== sats - directSats && owed !== sats - directSats + donationSats;
  });
  for (const { account, sats } of wrong) {
    const detail = `${name}: the credit of ${account} is kept as ${sats} sats, and its entry has ${-(amounts.get(immatureOf(account)) ?? 0n)}`;
    faults.push({ invariant: 'block-credit', detail });
  }
  const direct = credits.reduce((sum, { directSats }) => sum + directSats, 0n);
  if ((amounts.get(assets.immature) ?? 0n) !== ownSats || ownSats + direct !== rewardSats || sumOf(lines) !== 0n) {
    faults.push({
      invariant: 'block-coins',
      detail: `${name}: the pool's coins and what accounts were paid are not the reward of ${rewardSats} sats`,
    });
  }
  return faults;
}

/** The entries are those that the block's status calls for, in pairs of a step and its opposite. */
function checkEntriesOf(block: LedgerBlock, entries: readonly Entry[]): Fault[] {
  const { hash, height, status, bookings, booking } = block;
  const count = (event: BlockEvent): number => entries.filter(({ kind }) => kind === `block-${event}`).length;
  const isBooked = status === 'confirmed' || status === 'mature';
  const faults: Fault[] = [];
  const name = `block ${hash} at height ${height}`;
  if (
    count('booked') !== bookings ||
    count('booked') - count('reversed') !== Number(isBooked) ||
    count('matured') - count('unmatured') !== Number(status === 'mature')
  ) {
    const detail = `${name} is ${status} after ${bookings} bookings, and the entries have ${count('booked')} booked, ${count('reversed')} reversed, ${count('matured')} matured, ${count('unmatured')} unmatured`;
    faults.push({ invariant: 'block-status', detail });
  }
  for (const entry of entries) {
    const [, , event = 'booked', number = '0'] = REFERENCE.exec(entry.reference) ?? [];
    const posting = { hash, height, booking: Number(number), lines: booking?.lines ?? [] };
    const expected = blockPosting(posting, event as BlockEvent, entry.atMs);
    if (textOf(expected.lines) === textOf(entry.lines) && expected.kind === entry.kind) continue;
    faults.push({
      invariant: 'block-entry',
      detail: `entry ${entry.id} (${entry.reference}) is not what ${name} is booked as`,
    });
  }
  return faults;
}

function textOf(lines: readonly Line[]): string {
  return JSON.stringify(lines.map(({ account, sats }) => [account, String(sats)]).sort());
}
