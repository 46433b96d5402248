import type { LedgerDatabase } from '../ledger-db.ts';
import { countedSlices } from '../rewards/counted-slices.ts';
import type { Slice } from '../rewards/scheme.ts';
import type { BookedTerms } from '../rewards/terms-text.ts';
import { sliceWindow, type WindowSlice } from '../rewards/window.ts';
import type { SlicePart } from './explanation.ts';

/** The slices that a block's division read, newest first, with what the account has in each. */
export function slicePartsOf(
  database: LedgerDatabase,
  account: string,
  slices: Iterable<Slice>,
  terms: BookedTerms,
): SlicePart[] {
  const sharesOf = database
    .prepare<[string, string], bigint>('SELECT shares FROM slices WHERE job_id = ? AND account = ?')
    .pluck();
  return counted(slices, terms).map(({ slice, entries, weight, wholeWeight }) => {
    const { jobId, networkWork } = slice;
    return {
      jobId,
      networkWork,
      weight,
      wholeWeight,
      shares: sharesOf.get(jobId, account) ?? 0n,
      work: slice.entries.find((entry) => entry.account === account)?.work ?? 0n,
      accountWeight: entries.find((entry) => entry.account === account)?.weight ?? 0n,
    };
  });
}

function counted(slices: Iterable<Slice>, terms: BookedTerms): WindowSlice[] {
  const { scheme, window, afterSerial, finder } = terms;
  const open = countedSlices(slices, terms);
  if (scheme === 'pplns') return [...sliceWindow(open, window)];
  const parts: WindowSlice[] = [];
  for (const slice of open) {
    // As in `prop`: the block's own slice counts always.
    if (parts.length > 0 && (scheme === 'solo' || slice.serial <= (afterSerial ?? -1))) break;
    const entries =
      scheme === 'solo'
        ? slice.entries.filter(({ account }) => account === finder).map((entry) => ({ ...entry, weight: 1n }))
        : slice.entries.map((entry) => ({ ...entry, weight: entry.work }));
    const weight = entries.reduce((sum, entry) => sum + entry.weight, 0n);
    parts.push({ slice, entries, weight, wholeWeight: weight });
  }
  return parts;
}
