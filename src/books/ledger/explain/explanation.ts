import type { LedgerBlock } from '../blocks/block-store.ts';
import type { Credit, Distribution } from '../rewards/scheme.ts';
import type { BookedTerms } from '../rewards/terms-text.ts';

/** One slice as far as it counted for a block, and what the account has in it. */
export interface SlicePart {
  readonly jobId: string;
  readonly networkWork: bigint;
  /** Of all accounts: what counted, and what the slice has. The scheme's unit, as a credit's weight. */
  readonly weight: bigint;
  readonly wholeWeight: bigint;
  /** Of the account: accepted shares and their work, and the weight that counted. */
  readonly shares: bigint;
  readonly work: bigint;
  readonly accountWeight: bigint;
}

/** What the book has for the account. */
export interface BookedCredit {
  readonly sats: bigint;
  /** Of these, paid by the coinbase itself. */
  readonly directSats: bigint;
  /** The entry that booked the block last; undefined if there is none. */
  readonly entry: { readonly id: number; readonly reference: string; readonly hash: string } | undefined;
}

/** One credit from the block down to its slices: computed again from the tables, beside what the book has. */
export interface Explanation {
  readonly account: string;
  readonly block: Pick<LedgerBlock, 'hash' | 'height' | 'status' | 'jobId'>;
  /** What the coinbase of the block pays. */
  readonly rewardSats: bigint;
  readonly terms: BookedTerms;
  /** Newest first. */
  readonly slices: readonly SlicePart[];
  readonly distribution: Distribution;
  /** The account's part of it; zero if it has none. */
  readonly credit: Credit;
  /**
   * The account's share of what is left after fee and donation, as a fraction: its weight × (1 − its fee − donation) over the sum of
   * these, in units of 1/10,000 of a weight.
   */
  readonly share: { readonly numerator: bigint; readonly denominator: bigint };
  readonly booked: BookedCredit;
  /** Where the book is not what comes out; empty if all is the same. */
  readonly differences: readonly string[];
}

/** A credit that can not be explained: the message says why. */
export class ExplainError extends Error {
  override readonly name = 'ExplainError';
}
