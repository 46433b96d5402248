import type { SessionContext } from './context.ts';
import type { Estate } from './extranonces/resumable.ts';
import { mustSign, type Signature, signedByNiceHash } from './login/nicehash.ts';

/** The parameters of a subscribe. */
export interface Subscribing {
  readonly userAgent: string;
  /** Of the session that it wants to go on with. */
  readonly resumeId: string | undefined;
  readonly signature: Signature | undefined;
}

/** The result of a subscribe. */
export interface Subscription {
  /** u32, unique among live sessions. */
  readonly extranonce: number;
  /** The session id with which the client may resume. */
  readonly resumeId: string;
  /** The saved state, if the client resumes. */
  readonly estate: Estate | undefined;
}

/** Why a client gets none. */
export type TurnedAway = 'not-signed' | 'no-extranonce';

/** Assigns an extranonce, the former one if the client resumes; or returns the reason of a refusal. */
export function subscribe(
  { userAgent, resumeId, signature }: Subscribing,
  context: SessionContext,
): Subscription | TurnedAway {
  const { profileOf, niceHash, clock, counters } = context;
  if (niceHash && mustSign(profileOf, userAgent) && !signedByNiceHash(signature, niceHash, clock.nowMs()))
    return 'not-signed';
  const estate = resumeId === undefined ? undefined : context.reclaim(resumeId);
  if (estate && resumeId !== undefined) {
    counters.resumed += 1;
    return { extranonce: estate.extranonce, resumeId, estate };
  }
  const extranonce = context.newExtranonce();
  if (extranonce === undefined) return 'no-extranonce';
  return { extranonce, resumeId: context.newResumeId(), estate: undefined };
}
