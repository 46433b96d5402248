import { createHmac, timingSafeEqual } from 'node:crypto';
import type { ProfileOf } from '../profiles.ts';

/** What NiceHash sends beside its user agent, so that a pool can tell its traffic from that of others. */
export interface Signature {
  /** Decimal digits: ms since 1970. */
  readonly timestamp: string;
  /** Hex in lower case. */
  readonly hmac: string;
}

/** The key and secret agreed on with NiceHash. */
export interface NiceHashKey {
  readonly key: string;
  readonly secret: string;
}

/** How far the signature's time may be off our clock: the first use of a recorded one would be no later. */
const CLOCK_OFF_MS_MAX = 300_000;

/** True if a client with this user agent must sign its subscribe. */
export function mustSign(profileOf: ProfileOf, userAgent: string): boolean {
  return profileOf(userAgent).name === 'nicehash';
}

/**
 * Whether a subscribe comes from NiceHash: HMAC-SHA256 with the secret over the key, a zero byte and the timestamp's digits
 * (nicehash/Specifications, NiceHash_traffic_detection.md).
 */
export function signedByNiceHash(
  signature: Signature | undefined,
  { key, secret }: NiceHashKey,
  nowMs: number,
): boolean {
  if (signature === undefined || Math.abs(Number(signature.timestamp) - nowMs) > CLOCK_OFF_MS_MAX) return false;
  const expected = createHmac('sha256', secret).update(`${key}\0${signature.timestamp}`).digest();
  const given = Buffer.from(signature.hmac, 'hex');
  return given.length === expected.length && timingSafeEqual(given, expected);
}
