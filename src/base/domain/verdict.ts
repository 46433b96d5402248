/**
 * The outcome of a share. One closed union serves the wire, the log, the metrics and the conduct of clients; each protocol has its own
 * texts for it.
 */

/**
 * The class of a verdict for its sender's conduct. `late`: honest miners send such shares too, at every new block and after a
 * reconnection. `bad-work`: a broken or cheating miner. `abuse`: no real miner sends such shares.
 */
export type Penalty = 'none' | 'late' | 'bad-work' | 'abuse';

/** The class of misconduct for the connection and its address; net/ decides the consequences. */
export const penalties = {
  'not-subscribed': 'late',
  unauthorized: 'late',
  malformed: 'abuse',
  'job-not-found': 'late',
  stale: 'late',
  'ntime-out-of-range': 'bad-work',
  'version-outside-mask': 'bad-work',
  duplicate: 'bad-work',
  'low-difficulty': 'bad-work',
  overloaded: 'none',
} as const satisfies Record<string, Penalty>;

export type RejectReason = keyof typeof penalties;

export type Verdict = 'accepted' | RejectReason;

/** Every reason, in the order in which a share is checked. */
export const rejectReasons: readonly RejectReason[] = Object.keys(penalties) as RejectReason[];

/** Every verdict; `accepted` first. */
export const verdicts: readonly Verdict[] = ['accepted', ...rejectReasons];
