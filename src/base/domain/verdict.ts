/**
 * What became of a share. One closed union serves the wire, the log and the metrics; this table says what each verdict
 * means in all three.
 */

/** Stratum V1 error codes (the de-facto list; 20 is "Other/Unknown"). */
export type StratumErrorCode = 20 | 21 | 22 | 23 | 24 | 25;

/**
 * What a verdict says of whoever sent the share. `late` is what honest miners send too, at every new block and after a
 * reconnection; `bad-work` is what a broken or cheating miner sends; `abuse` is what no miner sends.
 */
export type Penalty = 'none' | 'late' | 'bad-work' | 'abuse';

interface RejectMeaning {
  /** The reply's `error[0]`. */
  readonly code: StratumErrorCode;
  /** The reply's `error[1]`: in the words that ESP-Miner's page explains, where it has some. */
  readonly text: string;
  /** Held against the connection and its address; net/ decides what comes of it. */
  readonly penalty: Penalty;
}

export const rejects = {
  'not-subscribed': { code: 25, text: 'Not subscribed', penalty: 'late' },
  unauthorized: { code: 24, text: 'Unauthorized worker', penalty: 'late' },
  malformed: { code: 20, text: 'Invalid mining submit message', penalty: 'abuse' },
  'job-not-found': { code: 21, text: 'Job not found', penalty: 'late' },
  stale: { code: 21, text: 'Stale', penalty: 'late' },
  'ntime-out-of-range': { code: 20, text: 'Ntime out of range', penalty: 'bad-work' },
  'version-outside-mask': { code: 20, text: 'Invalid version mask', penalty: 'bad-work' },
  duplicate: { code: 22, text: 'Duplicate share', penalty: 'bad-work' },
  'low-difficulty': { code: 23, text: 'Difficulty too low', penalty: 'bad-work' },
  overloaded: { code: 20, text: 'Pool overloaded, share not taken', penalty: 'none' },
} as const satisfies Record<string, RejectMeaning>;

export type RejectReason = keyof typeof rejects;

export type Verdict = 'accepted' | RejectReason;

/** Every verdict, in the order in which a share is checked; `accepted` first. */
export const verdicts: readonly Verdict[] = ['accepted', ...(Object.keys(rejects) as RejectReason[])];
