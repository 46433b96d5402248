import type { BlockTerms } from './divide-block.ts';
import type { BlockScheme } from './scheme.ts';

/** The terms that a block was divided by, and who got the donation. */
export interface BookedTerms extends BlockTerms {
  readonly donationAccount: string | undefined;
}

const schemes: readonly string[] = ['pplns', 'prop', 'solo'] satisfies BlockScheme[];

/** Terms as one line of JSON, the same for the same terms. */
export function writeTerms(terms: BookedTerms): string {
  const { scheme, window, afterSerial, afterPropSerial, finder, fees, donationAccount } = terms;
  return JSON.stringify({
    scheme,
    window: String(window),
    after_serial: afterSerial ?? null,
    // Undefined, so left out, unless the pool had another scheme.
    after_prop_serial: afterPropSerial,
    finder,
    fee_basis_points: fees.feeBasisPoints,
    fee_exceptions: [...fees.exceptions].sort(([a], [b]) => (a < b ? -1 : 1)),
    donation_basis_points: fees.donationBasisPoints,
    donation_account: donationAccount ?? null,
  });
}

/** Terms as `writeTerms` wrote them; undefined for any other text. */
export function readTerms(text: string): BookedTerms | undefined {
  try {
    const read = JSON.parse(text) as Readonly<Record<string, unknown>>;
    const exceptions = read['fee_exceptions'] as [string, number][];
    const terms: BookedTerms = {
      scheme: read['scheme'] as BlockScheme,
      window: BigInt(read['window'] as string),
      afterSerial: (read['after_serial'] as number | null) ?? undefined,
      afterPropSerial: read['after_prop_serial'] as number | undefined,
      finder: read['finder'] as string,
      fees: {
        feeBasisPoints: read['fee_basis_points'] as number,
        donationBasisPoints: read['donation_basis_points'] as number,
        exceptions: new Map(exceptions),
      },
      donationAccount: (read['donation_account'] as string | null) ?? undefined,
    };
    // What was changed by hand does not come out as it went in.
    return schemes.includes(terms.scheme) && writeTerms(terms) === text ? terms : undefined;
  } catch {
    return undefined;
  }
}
