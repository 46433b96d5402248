import { fromHex } from '#base/bitcoin/bytes';
import { readCoinbase } from '#base/bitcoin/coinbase-reader';
import { serialOfRow } from '#base/domain/ids';
import { type BlockBooking, BlockStore, type LedgerBlock } from '../blocks/block-store.ts';
import { payableOf } from '../entries/accounts.ts';
import { EntryBook } from '../entries/book.ts';
import type { Entry } from '../entries/entry.ts';
import type { LedgerDatabase } from '../ledger-db.ts';
import { BASIS_POINTS, feeOf } from '../rewards/distribute.ts';
import { divideBlock } from '../rewards/divide-block.ts';
import type { Distribution } from '../rewards/scheme.ts';
import { type BookedTerms, readTerms } from '../rewards/terms-text.ts';
import { SealedSlices } from '../slices/sealed-slices.ts';
import { differencesOf } from './differences.ts';
import { ExplainError, type Explanation } from './explanation.ts';
import { findBooking } from './find-booking.ts';
import { slicePartsOf } from './slice-parts.ts';

export type BookedBlock = LedgerBlock & { readonly booking: BlockBooking };

/** The newest booked block that credits the account; throws an ExplainError if there is none. */
export function newestCredited(database: LedgerDatabase, account: string): string {
  const newest = new BlockStore(database)
    .all()
    .findLast(({ booking }) => booking?.credits.some((credit) => credit.account === account));
  if (newest !== undefined) return newest.hash;
  for (const { kind, id } of new EntryBook(database).entriesOf(payableOf(account))) {
    if (kind !== 'slice-paid') continue;
    throw new ExplainError(
      `${account} is paid for slices, by entry ${id} and later ones: only credits of blocks are explained`,
    );
  }
  throw new ExplainError(`no block in the books credits ${account}`);
}

/** A block's reward divided again, and what the books have instead. */
export interface DividedAgain {
  readonly block: BookedBlock;
  readonly rewardSats: bigint;
  readonly terms: BookedTerms;
  readonly distribution: Distribution;
  readonly entry: Entry | undefined;
  /** One sentence each; empty if the books have what was computed. */
  readonly differences: readonly string[];
}

/**
 * Divides a block's reward again, by the function that booked it, from the slices in the tables and the terms that were kept
 * with the block. Throws an ExplainError if the block is not booked, or its slices are gone.
 */
export function divideAgain(database: LedgerDatabase, hash: string): DividedAgain {
  const block = bookedBlock(database, hash);
  const terms = readTerms(block.booking.terms ?? '');
  if (terms === undefined) {
    throw new ExplainError(`block ${hash} has no terms that can be read: its reward was not divided over miners`);
  }
  const rewardSats = readCoinbase(fromHex(block.booking.coinbase) ?? new Uint8Array())?.totalSats;
  if (rewardSats === undefined) throw new ExplainError(`the coinbase of block ${hash} is no transaction`);
  const slices = new SealedSlices(database);
  if (!slices.isSealed(block.jobId)) throw new ExplainError(`the slice of job ${block.jobId} is not there, or open`);
  const distribution = divideBlock(rewardSats, slices.slicesBack(slices.divisionFrom(block.jobId)), terms);
  refuseCutHistory(database, block.jobId, terms, distribution);
  const { entry, previousHash } = findBooking(database, hash, block.bookings);
  const differences = differencesOf({
    ...{ booking: block.booking, rewardSats, distribution, terms, entry, previousHash },
  });
  return { block, rewardSats, terms, distribution, entry, differences };
}

/** Explains what a block credits to an account (`divideAgain`). Throws an ExplainError if the block can not be divided again. */
export function explainBlock(database: LedgerDatabase, account: string, hash: string): Explanation {
  const { block, rewardSats, terms, distribution, entry, differences } = divideAgain(database, hash);
  const credit = distribution.credits.find((each) => each.account === account);
  const kept = block.booking.credits.find((each) => each.account === account);
  const sealed = new SealedSlices(database);
  const slices = sealed.slicesBack(sealed.divisionFrom(block.jobId));
  return {
    account,
    block: { hash, height: block.height, status: block.status, jobId: block.jobId },
    rewardSats,
    terms,
    slices: slicePartsOf(database, account, slices, terms),
    distribution,
    credit: credit ?? { account, sats: 0n, weight: 0n, work: 0n },
    share: shareOf(account, distribution, terms),
    booked: {
      sats: kept?.sats ?? 0n,
      directSats: kept?.directSats ?? 0n,
      entry: entry && { id: entry.id, reference: entry.reference, hash: entry.hash },
    },
    differences: [...differences],
  };
}

function bookedBlock(database: LedgerDatabase, hash: string): BookedBlock {
  const block = new BlockStore(database).find(hash);
  if (block === undefined) throw new ExplainError(`the ledger has no block ${hash}`);
  const { booking } = block;
  if (booking === undefined) {
    throw new ExplainError(
      `block ${hash} is not booked: it is ${block.status} with ${block.confirmations} confirmations`,
    );
  }
  return { ...block, booking };
}

/** Slices are dropped when no window reaches them; then a division that needed them can not be computed again. */
function refuseCutHistory(
  database: LedgerDatabase,
  jobId: string,
  terms: BookedTerms,
  { totalWeight }: Distribution,
): void {
  const pruned = Number(database.prepare<[], bigint>('SELECT pruned_serial FROM taken').pluck().get() ?? -1n);
  const needsMore =
    (terms.scheme === 'pplns' && totalWeight < terms.window) ||
    (terms.scheme === 'prop' && (terms.afterSerial ?? -1) < pruned) ||
    (terms.scheme === 'solo' && (serialOfRow(jobId) ?? -1) <= pruned);
  if (pruned >= 0 && needsMore) throw new ExplainError('slices that counted for the block were dropped since');
}

function shareOf(account: string, { credits }: Distribution, { fees }: BookedTerms): Explanation['share'] {
  let [numerator, denominator] = [0n, 0n];
  for (const credit of credits) {
    const kept = BASIS_POINTS - feeOf(credit.account, fees) - fees.donationBasisPoints;
    denominator += credit.weight * BigInt(kept);
    if (credit.account === account) numerator = credit.weight * BigInt(kept);
  }
  return { numerator, denominator };
}
