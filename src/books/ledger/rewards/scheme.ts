/**
 * What reward schemes are computed from, and what comes out. Every scheme is a pure function over slices; none looks at a clock,
 * a database or the order in which shares arrived within a slice.
 */

/** The schemes that divide the reward of a block; `pps` and `fpps` pay for slices instead. */
export type BlockScheme = 'pplns' | 'prop' | 'solo';

/** `operator`: miners have no accounts, and the pool keeps all. */
export type PoolScheme = BlockScheme | 'pps' | 'fpps' | 'operator';

/** The accepted work of one account on one job. */
export interface SliceEntry {
  readonly account: string;
  /** Expected hashes of the difficulty promised with the job, never of the difficulty achieved. */
  readonly work: bigint;
  /** Accepted shares; undefined if nothing depends on them. */
  readonly shares?: bigint | undefined;
}

/** All accepted work on one job, after no more can come. */
export interface Slice {
  /** Place of the job in the one order of all jobs of a data folder. */
  readonly serial: number;
  readonly jobId: string;
  /** Expected hashes of a block at the job's own target: floor(2^256 / (target + 1)). */
  readonly networkWork: bigint;
  readonly subsidySats: bigint;
  readonly feesSats: bigint;
  /** Under which the job was made; undefined if that is the same for all slices. */
  readonly scheme?: PoolScheme | undefined;
  /** In byte order of account; each account once. */
  readonly entries: readonly SliceEntry[];
}

/** What one account gets of one reward. */
export interface Credit {
  readonly account: string;
  readonly sats: bigint;
  /** The number that its part of the reward is in proportion to; its unit is the scheme's. */
  readonly weight: bigint;
  /** Expected hashes that the weight stands for. */
  readonly work: bigint;
}

/** How one reward is divided: Σ credits + fee + donation + rounding = reward. */
export interface Distribution {
  /** In byte order of account. */
  readonly credits: readonly Credit[];
  readonly feeSats: bigint;
  readonly donationSats: bigint;
  /** What no account could be credited with: 0 unless nothing has a weight. */
  readonly roundingSats: bigint;
  /** Sum of the credits' weights. */
  readonly totalWeight: bigint;
  /** Oldest and newest job whose work counted; undefined if there was no slice. */
  readonly fromJobId: string | undefined;
  readonly toJobId: string | undefined;
}

/** What the pool keeps of a reward, before the accounts share the rest. */
export interface Fees {
  /** The pool's fee in basis points (1/100 of a percent). */
  readonly feeBasisPoints: number;
  /** A donation in basis points of the whole reward, beside the fee. */
  readonly donationBasisPoints: number;
  /** Accounts with a fee of their own, in basis points. */
  readonly exceptions: ReadonlyMap<string, number>;
}

export const noFees: Fees = { feeBasisPoints: 0, donationBasisPoints: 0, exceptions: new Map() };

/**
 * Compares accounts for `sort` by their bytes in UTF-8, as SQLite and ClickHouse do. The order of UTF-16 units is the same unless a
 * text has surrogates; addresses have none.
 */
export function byAccount(
  { account: a }: { readonly account: string },
  { account: b }: { readonly account: string },
): number {
  if (a === b) return 0;
  if (/[\ud800-\udfff]/.test(a) || /[\ud800-\udfff]/.test(b)) return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return a < b ? -1 : 1;
}
