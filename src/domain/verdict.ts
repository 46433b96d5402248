/**
 * What became of a share. One closed union serves the wire, the log and the metrics; this table says what each verdict
 * means in all three.
 */

/** Stratum V1 error codes (the de-facto list; 20 is "Other/Unknown"). */
export type StratumErrorCode = 20 | 21 | 22 | 23 | 24 | 25;

interface RejectMeaning {
  /** The reply's `error[0]`. */
  readonly code: StratumErrorCode;
  /** The reply's `error[1]`, texts that firmware explains to its user. */
  readonly text: string;
}

export const rejects = {
  'not-subscribed': { code: 25, text: 'Not subscribed' },
  unauthorized: { code: 24, text: 'Unauthorized worker' },
  malformed: { code: 20, text: 'Malformed share' },
  'job-not-found': { code: 21, text: 'Job not found' },
  stale: { code: 21, text: 'Stale' },
  'ntime-out-of-range': { code: 20, text: 'Time out of range' },
  'version-outside-mask': { code: 20, text: 'Version bits outside the mask' },
  duplicate: { code: 22, text: 'Duplicate share' },
  'low-difficulty': { code: 23, text: 'Difficulty too low' },
  overloaded: { code: 20, text: 'Pool overloaded, share not taken' },
} as const satisfies Record<string, RejectMeaning>;

export type RejectReason = keyof typeof rejects;

export type Verdict = 'accepted' | RejectReason;

/** Every verdict, in the order in which a share is checked; `accepted` first. */
export const verdicts: readonly Verdict[] = ['accepted', ...(Object.keys(rejects) as RejectReason[])];
