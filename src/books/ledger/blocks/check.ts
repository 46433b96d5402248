import { networkNames, parseAddress } from '#base/bitcoin/address';
import { equalBytes, fromHex } from '#base/bitcoin/bytes';
import type { CoinbaseOutput } from '#base/bitcoin/coinbase';
import { readCoinbase } from '#base/bitcoin/coinbase-reader';
import { assets, immatureOf } from '../entries/accounts.ts';
import { EntryBook } from '../entries/book.ts';
import { linesText } from '../entries/check.ts';
import { type Entry, sumOf } from '../entries/entry.ts';
import type { Fault } from '../entries/fault.ts';
import type { LedgerDatabase } from '../ledger-db.ts';
import { BlockStore, type LedgerBlock } from './block-store.ts';
import { type BlockEvent, blockPosting } from './postings.ts';

const REFERENCE = /^block:([0-9a-f]{64}):(booked|matured|unmatured|reversed):([1-9][0-9]*)$/;

/** The hash of the block that an entry is about; empty if its reference is none of a block. */
export function blockOf({ reference }: Pick<Entry, 'reference'>): string {
  return REFERENCE.exec(reference)?.[1] ?? '';
}

/**
 * Checks the blocks in the books: each reward divided to the satoshi, each division as the coinbase and the entries have it,
 * each status as the entries have it.
 */
export class BlockCheck {
  readonly #store: BlockStore;
  readonly #book: EntryBook;

  constructor(database: LedgerDatabase) {
    this.#store = new BlockStore(database);
    this.#book = new EntryBook(database);
  }

  /** Faults of an entry that is about a block, if the ledger has no such block. */
  entry({ id, reference }: Entry): Fault[] {
    const hash = blockOf({ reference });
    if (hash !== '' && this.#store.has(hash)) return [];
    return [{ invariant: 'block-known', detail: `entry ${id} (${reference}) is about no block of the ledger` }];
  }

  /** Faults of a block with its entries; none of a block that the ledger does not have. */
  block(hash: string): Fault[] {
    let block: LedgerBlock | undefined;
    try {
      block = this.#store.find(hash);
    } catch (error) {
      return [{ invariant: 'block-readable', detail: `the row of block ${hash} can not be read: ${String(error)}` }];
    }
    if (block === undefined) return [];
    return [...checkValue(block), ...checkEntriesOf(block, this.#book.under(`block:${hash}:`))];
  }

  /** The first block behind this one, in the order of their hashes. */
  hashBehind(hash: string): string | undefined {
    return this.#store.hashBehind(hash);
  }
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
  for (const { account, directSats } of credits.filter(({ directSats: sats }) => sats !== 0n)) {
    const paid = paidTo(account, coinbase?.outputs ?? []);
    if (paid === directSats) continue;
    const detail = `${name}: ${directSats} sats are kept as paid to ${account} directly, and its coinbase pays ${paid}`;
    faults.push({ invariant: 'block-direct', detail });
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

/** What outputs pay to the address that the account is; 0 if it is none. */
function paidTo(account: string, outputs: readonly CoinbaseOutput[]): bigint {
  for (const network of networkNames) {
    const parsed = parseAddress(account, network);
    if (!parsed.ok) continue;
    return outputs.reduce((sum, { script, sats }) => sum + (equalBytes(script, parsed.script) ? sats : 0n), 0n);
  }
  return 0n;
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
    if (linesText(expected.lines) === linesText(entry.lines) && expected.kind === entry.kind) continue;
    faults.push({
      invariant: 'block-entry',
      detail: `entry ${entry.id} (${entry.reference}) is not what ${name} is booked as`,
    });
  }
  return faults;
}
