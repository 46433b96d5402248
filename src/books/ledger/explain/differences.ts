import type { BlockBooking, BlockCredit } from '../blocks/block-store.ts';
import { bookingLines } from '../blocks/postings.ts';
import { own } from '../entries/accounts.ts';
import { type Entry, entryHash, type Line } from '../entries/entry.ts';
import type { Credit, Distribution } from '../rewards/scheme.ts';
import type { BookedTerms } from '../rewards/terms-text.ts';

export interface Compared {
  readonly booking: BlockBooking;
  readonly rewardSats: bigint;
  readonly distribution: Distribution;
  readonly terms: BookedTerms;
  readonly entry: Entry | undefined;
  readonly previousHash: string;
}

/** Every place where the book has something else than what was computed again, as a sentence each. */
export function differencesOf(compared: Compared): string[] {
  const { booking, rewardSats, distribution } = compared;
  const found: string[] = [];
  const compare = (what: string, kept: bigint, computed: bigint): void => {
    if (kept !== computed) found.push(`${what} is kept as ${kept}, and ${computed} comes out`);
  };
  compare('the reward', booking.rewardSats, rewardSats);
  compare('the fee', booking.feeSats, distribution.feeSats);
  compare('the donation', booking.donationSats, distribution.donationSats);
  compare('the rest', booking.restSats, distribution.roundingSats);
  const nothing = { sats: 0n, weight: 0n, work: 0n };
  const kept = byAccount(booking.credits);
  const computed = byAccount(distribution.credits);
  for (const account of new Set([...kept.keys(), ...computed.keys()])) {
    const [before, now] = [kept.get(account) ?? nothing, computed.get(account) ?? nothing];
    for (const field of ['sats', 'weight', 'work'] as const) {
      compare(`${field === 'sats' ? 'the credit' : `the ${field}`} of ${account}`, before[field], now[field]);
    }
  }
  return [...found, ...entryDifferences(compared)];
}

function byAccount<T extends Credit | BlockCredit>(credits: readonly T[]): Map<string, T> {
  return new Map(credits.map((credit) => [credit.account, credit]));
}

/** The entry's lines against those that the computed division would post. */
function entryDifferences({ booking, rewardSats, distribution, terms, entry, previousHash }: Compared): string[] {
  if (entry === undefined) return ['the entry that booked the block is not in the book'];
  const direct = new Map(
    booking.credits.filter(({ directSats }) => directSats > 0n).map(({ account, directSats }) => [account, directSats]),
  );
  const directSats = [...direct.values()].reduce((sum, sats) => sum + sats, 0n);
  const expected = bookingLines(
    { totalSats: rewardSats, ownSats: rewardSats - directSats, direct },
    { distribution, donationAccount: terms.donationAccount, rest: own.rounding },
  );
  const found = lineDifferences(entry, expected);
  if (entryHash(previousHash, entry) !== entry.hash)
    found.push(`entry ${entry.id} was changed: its hash is another one`);
  return found;
}

function lineDifferences(entry: Entry, expected: readonly Line[]): string[] {
  const kept = new Map(entry.lines.map(({ account, sats }) => [account, sats]));
  const computed = new Map(expected.map(({ account, sats }) => [account, sats]));
  return [...new Set([...kept.keys(), ...computed.keys()])]
    .filter((account) => kept.get(account) !== computed.get(account))
    .map(
      (account) =>
        `entry ${entry.id} has ${kept.get(account) ?? 0n} sats for ${account}, and ${computed.get(account) ?? 0n} comes out`,
    );
}
