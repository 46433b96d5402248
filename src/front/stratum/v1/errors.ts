import type { RejectReason } from '#base/domain/verdict';

/** Stratum V1 error codes (the de-facto list; 20 is "Other/Unknown"). */
export type StratumErrorCode = 20 | 21 | 22 | 23 | 24 | 25;

/** Stratum's code for every error that has none of its own. */
export const OTHER = 20;

/** How Stratum words a rejected share. */
export interface ErrorWords {
  /** The reply's `error[0]`. */
  readonly code: StratumErrorCode;
  /** The reply's `error[1]`, in the wording that ESP-Miner's page explains, if it has one. */
  readonly text: string;
}

export const errorWords: Readonly<Record<RejectReason, ErrorWords>> = {
  'not-subscribed': { code: 25, text: 'Not subscribed' },
  unauthorized: { code: 24, text: 'Unauthorized worker' },
  malformed: { code: 20, text: 'Invalid mining submit message' },
  'job-not-found': { code: 21, text: 'Job not found' },
  stale: { code: 21, text: 'Stale' },
  'ntime-out-of-range': { code: 20, text: 'Ntime out of range' },
  'version-outside-mask': { code: 20, text: 'Invalid version mask' },
  duplicate: { code: 22, text: 'Duplicate share' },
  'low-difficulty': { code: 23, text: 'Difficulty too low' },
  overloaded: { code: 20, text: 'Pool overloaded, share not taken' },
};
