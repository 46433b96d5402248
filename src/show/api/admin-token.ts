import { createHash, timingSafeEqual } from 'node:crypto';
import { BoundedMap } from '#base/domain/bounded-map';
import { hostOf } from '#base/domain/ip';
import { TokenBucket } from '#base/domain/token-bucket';
import { limits } from '#base/limits';

/** What an Authorization header is: nothing that is a token, a wrong one, the right one, or one too many to be looked at. */
export type TokenVerdict = 'missing' | 'wrong' | 'right' | 'too-many';

/** Compares tokens with the operator's, and takes only so many wrong ones from each host. */
export class TokenGuard {
  /** SHA-256 of the operator's. */
  readonly #digest: Uint8Array;
  readonly #monotonicMs: () => number;
  /** What each host that sent a wrong token may still send. */
  readonly #guesses = new BoundedMap<TokenBucket>(limits.adminGuessersMax);

  /** `digest` as `digestOf` gives it: who checks tokens need not know the token. */
  constructor(digest: Uint8Array, monotonicMs: () => number) {
    this.#digest = digest;
    this.#monotonicMs = monotonicMs;
  }

  /** `authorization` is the header (RFC 6750), `address` the client's. A host that has guessed too often is not listened to. */
  check(authorization: string, address: string): TokenVerdict {
    const given = /^bearer +(\S+) *$/i.exec(authorization)?.[1];
    return given === undefined ? 'missing' : this.checkToken(given, address);
  }

  checkToken(given: string, address: string): Exclude<TokenVerdict, 'missing'> {
    const nowMs = this.#monotonicMs();
    const host = hostOf(address);
    const guesses = this.#guesses.get(host);
    if (guesses !== undefined && !guesses.has(1, nowMs)) return 'too-many';
    // Compares in constant time, independent of the token's length and of the first difference.
    if (timingSafeEqual(digestOf(given), this.#digest)) return 'right';
    const rate = { perSecond: limits.adminGuessesPerSecond, burst: limits.adminGuessBurst };
    const bucket = guesses ?? new TokenBucket(rate, nowMs);
    bucket.take(1, nowMs);
    if (guesses === undefined) this.#guesses.set(host, bucket);
    return 'wrong';
  }
}

export function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
