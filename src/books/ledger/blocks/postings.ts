import type { CoinbaseOutput } from '#base/bitcoin/coinbase';
import { assets, immatureOf, own, paidOf, payableOf } from '../entries/accounts.ts';
import { type Line, normalizeLines, opposite, type Posting } from '../entries/entry.ts';
import type { Distribution } from '../rewards/scheme.ts';

/** What the coinbase of a block pays. */
export interface CoinbaseValue {
  readonly totalSats: bigint;
  /** To the pool: everything that is not paid to an account directly. */
  readonly ownSats: bigint;
  /** To accounts. */
  readonly direct: ReadonlyMap<string, bigint>;
}

/** How the reward of a block is divided, as far as the books need it. */
export interface BlockReward {
  readonly distribution: Pick<Distribution, 'credits' | 'feeSats' | 'donationSats' | 'roundingSats'>;
  /** The account that gets the donation; undefined if there is none. */
  readonly donationAccount: string | undefined;
  /** Where what nobody was credited goes: `own.rounding`, or `own.ppsReserve` under PPS, which pays for slices and keeps blocks. */
  readonly rest: typeof own.rounding | typeof own.ppsReserve | typeof own.fee;
  /** What the division depended on, to be kept with it (`writeTerms`). */
  readonly terms?: string;
}

/** `accountOf`: the account that an output pays directly; undefined for the pool's and nobody's outputs. */
export function coinbaseValue(
  outputs: readonly CoinbaseOutput[],
  accountOf: (script: Uint8Array) => string | undefined = () => undefined,
): CoinbaseValue {
  const paid = new Map<string, bigint>();
  let totalSats = 0n;
  let ownSats = 0n;
  for (const { script, sats } of outputs) {
    totalSats += sats;
    const account = accountOf(script);
    if (account === undefined) ownSats += sats;
    else paid.set(account, (paid.get(account) ?? 0n) + sats);
  }
  return { totalSats, ownSats, direct: paid };
}

/**
 * What a booked block adds to the books: immature coins of the pool, against the fee and what it now owes to accounts. An account
 * that the coinbase paid is owed the rest of its credit; if it got more than its credit, it owes the difference. Throws if the
 * distribution does not come to the coinbase's value.
 */
export function bookingLines({ totalSats, ownSats, direct }: CoinbaseValue, reward: BlockReward): Line[] {
  const { credits, feeSats, donationSats, roundingSats } = reward.distribution;
  const credited = credits.reduce((sum, { sats }) => sum + sats, 0n);
  if (credited + feeSats + donationSats + roundingSats !== totalSats) {
    throw new RangeError(
      `ledger: a reward of ${totalSats} sats is divided into ${credited} for accounts, a fee of ${feeSats}, a donation of ${donationSats} and ${roundingSats}`,
    );
  }
  const donation = reward.donationAccount === undefined ? own.donation : immatureOf(reward.donationAccount);
  return normalizeLines([
    { account: assets.immature, sats: ownSats },
    { account: own.fee, sats: -feeSats },
    { account: reward.rest, sats: -roundingSats },
    { account: donation, sats: -donationSats },
    ...credits.map(({ account, sats }) => ({ account: immatureOf(account), sats: -sats })),
    ...[...direct].flatMap(([account, sats]) => [
      { account: immatureOf(account), sats },
      { account: paidOf(account), sats: -sats },
      { account: own.paidOut, sats },
    ]),
  ]);
}

/** What maturity does to a booking: immature becomes spendable and payable. */
export function maturityLines(booking: readonly Line[]): Line[] {
  const moved = booking.flatMap(({ account, sats }): Line[] => {
    const to = matureName(account);
    if (to === undefined) return [];
    return [
      { account, sats: -sats },
      { account: to, sats },
    ];
  });
  return normalizeLines(moved);
}

function matureName(account: string): string | undefined {
  if (account === assets.immature) return assets.wallet;
  const [, miner] = /^immature:(.*)$/s.exec(account) ?? [];
  return miner === undefined ? undefined : payableOf(miner);
}

interface Booked {
  readonly hash: string;
  readonly height: number;
  /** Which booking of the block it is, from 1. */
  readonly booking: number;
  readonly lines: readonly Line[];
}

/** The four entries that a block can make. */
export type BlockEvent = 'booked' | 'matured' | 'unmatured' | 'reversed';

export function blockPosting({ hash, height, booking, lines }: Booked, event: BlockEvent, atMs: number): Posting {
  const moved = event === 'booked' || event === 'reversed' ? lines : maturityLines(lines);
  return {
    kind: `block-${event}`,
    reference: `block:${hash}:${event}:${booking}`,
    atMs,
    lines: event === 'unmatured' || event === 'reversed' ? opposite(moved) : moved,
    note: `height ${height}`,
  };
}
