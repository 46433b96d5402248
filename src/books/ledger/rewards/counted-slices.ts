import type { BlockScheme, Slice } from './scheme.ts';

/**
 * The slices that a block may pay for, in their order: not those whose work was paid for otherwise. PPS and FPPS have paid each
 * slice, under solo the finders had everything, and a round of PROP ends with its block. So after a change of the scheme PPLNS
 * counts what it counted before, and what was left open of a round.
 */
export function* countedSlices(
  slices: Iterable<Slice>,
  { scheme, afterPropSerial = -1 }: { readonly scheme: BlockScheme; readonly afterPropSerial?: number | undefined },
): Generator<Slice> {
  for (const slice of slices) {
    const { scheme: minedUnder, serial } = slice;
    const isOpen =
      minedUnder === undefined ||
      minedUnder === 'pplns' ||
      (minedUnder === 'prop' && (scheme === 'prop' || serial > afterPropSerial));
    if (scheme === 'solo' || isOpen) yield slice;
  }
}
