import type { SessionContext } from './context.ts';
import type { Estate } from './extranonces/resumable.ts';
import { mustSign, type Signature, signedByNiceHash } from './login/nicehash.ts';

/** What a client says when it subscribes. */
export interface Subscribing {
  readonly userAgent: string;
  /** Of the session that it wants to go on with. */
  readonly resumeId: string | undefined;
  readonly signature: Signature | undefined;
}

/** What a client gets when it subscribes. */
export interface Subscription {
  /** u32, nobody else's. */
  readonly extranonce: number;
  /** What the client may name to go on after its connection is lost. */
  readonly resumeId: string;
  /** What it left behind, where it has come back. */
  readonly estate: Estate | undefined;
}

/** Why a client gets none. */
export type TurnedAway = 'not-signed' | 'no-extranonce';

/** Gives out an extranonce, a former one where the client can name it; or why not. */
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
