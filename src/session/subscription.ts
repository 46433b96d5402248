import type { Request } from '../stratum/message.ts';
import type { SessionContext } from './context.ts';
import { signedByNiceHash } from './nicehash.ts';
import type { KnownProfile } from './profiles.ts';
import type { Estate } from './resumable.ts';

/** What a client gets when it subscribes. */
export interface Subscription {
  readonly profile: KnownProfile;
  /** u32, nobody else's. */
  readonly extranonce: number;
  /** What the client may name to go on after its connection is lost. */
  readonly resumeId: string;
  /** What it left behind, where it has come back. */
  readonly estate: Estate | undefined;
}

/** Gives out an extranonce, a former one where the client can name it; or why not. */
export function subscribe(
  { userAgent, sessionId, signature }: Request & { kind: 'subscribe' },
  context: SessionContext,
): Subscription | 'not-signed' | 'no-extranonce' {
  const { profileOf, niceHash, clock, resumable, counters } = context;
  const profile = profileOf(userAgent);
  if (profile.name === 'nicehash' && niceHash && !signedByNiceHash(signature, niceHash, clock.nowMs()))
    return 'not-signed';
  const estate = sessionId === undefined ? undefined : resumable.take(sessionId);
  if (estate && sessionId !== undefined) {
    counters.resumed += 1;
    return { profile, extranonce: estate.extranonce, resumeId: sessionId, estate };
  }
  const extranonce = context.newExtranonce();
  if (extranonce === undefined) return 'no-extranonce';
  return { profile, extranonce, resumeId: context.newResumeId(), estate: undefined };
}
