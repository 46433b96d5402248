import { encodeError, encodeRefused } from '#front/stratum/v1/encode';
import { OTHER } from '#front/stratum/v1/errors';
import type { Request } from '#front/stratum/v1/message';
import type { RequestId } from '#front/stratum/v1/request-id';
import type { SessionContext } from './context.ts';
import type { Estate } from './extranonces/resumable.ts';
import { mustSign, signedByNiceHash } from './login/nicehash.ts';

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
  { userAgent, sessionId, signature }: Request & { kind: 'subscribe' },
  context: SessionContext,
): Subscription | TurnedAway {
  const { profileOf, niceHash, clock, counters } = context;
  if (niceHash && mustSign(profileOf, userAgent) && !signedByNiceHash(signature, niceHash, clock.nowMs()))
    return 'not-signed';
  const estate = sessionId === undefined ? undefined : context.reclaim(sessionId);
  if (estate && sessionId !== undefined) {
    counters.resumed += 1;
    return { extranonce: estate.extranonce, resumeId: sessionId, estate };
  }
  const extranonce = context.newExtranonce();
  if (extranonce === undefined) return 'no-extranonce';
  return { extranonce, resumeId: context.newResumeId(), estate: undefined };
}

/** The reply to somebody who can not stay. */
export function encodeTurnedAway(id: RequestId, why: TurnedAway): string {
  if (why === 'no-extranonce') return encodeError(id, OTHER, 'No extranonce is free, try again later');
  return encodeRefused(id, 'the signature is not NiceHash’s');
}
