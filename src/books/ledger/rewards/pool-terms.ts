import type { Fees, PoolScheme } from './scheme.ts';

/** What the pool promises for the work on a job. */
export interface PoolTerms {
  readonly scheme: PoolScheme;
  readonly fees: Fees;
  /** There if `fees` has a donation. */
  readonly donationAccount: string | undefined;
  /** pplns: units of 2^-64 of a block. */
  readonly window: bigint;
}

interface Written {
  readonly scheme: PoolScheme;
  readonly window: string;
  readonly fee_basis_points: number;
  readonly fee_exceptions: readonly (readonly [string, number])[];
  readonly donation_basis_points: number;
  readonly donation_account: string | null;
}

/** Terms as one line of JSON, the same for the same terms. */
export function writePoolTerms({ scheme, window, fees, donationAccount }: PoolTerms): string {
  return JSON.stringify({
    scheme,
    window: String(window),
    fee_basis_points: fees.feeBasisPoints,
    fee_exceptions: [...fees.exceptions].sort(([a], [b]) => (a < b ? -1 : 1)),
    donation_basis_points: fees.donationBasisPoints,
    donation_account: donationAccount ?? null,
  } satisfies Written);
}

/** Terms as `writePoolTerms` wrote them. Throws for text that is no JSON. */
export function readPoolTerms(text: string): PoolTerms {
  const read = JSON.parse(text) as Written;
  return {
    scheme: read.scheme,
    window: BigInt(read.window),
    fees: {
      feeBasisPoints: read.fee_basis_points,
      donationBasisPoints: read.donation_basis_points,
      exceptions: new Map(read.fee_exceptions),
    },
    donationAccount: read.donation_account ?? undefined,
  };
}
