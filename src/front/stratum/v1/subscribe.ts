import { limits } from '#base/limits';
import { cleanText } from '#base/std/text';
import type { Signature } from '#front/session/login/nicehash';
import { hexDigits } from './hex.ts';
import type { Request } from './message.ts';
import type { RequestId } from './request-id.ts';

const SESSION_ID_CHARS = 16;
/** SHA-256 in hex. */
const HMAC_CHARS = 64;

/**
 * `mining.subscribe`: [user agent?, session id?, …]. NiceHash puts a timestamp and its HMAC there instead, LuxOS and others
 * null and the pool's host and port; unknown parameters are ignored, so a subscribe never fails.
 */
export function decodeSubscribe(id: RequestId, [agent, second, third]: readonly unknown[]): Request {
  const signature = decodeSignature(second, third);
  const digits = signature === undefined ? hexDigits(second, SESSION_ID_CHARS) : undefined;
  return {
    kind: 'subscribe',
    id,
    userAgent: typeof agent === 'string' ? cleanText(agent, limits.userAgentCharsMax) : '',
    sessionId: digits?.length === SESSION_ID_CHARS ? digits : undefined,
    signature,
  };
}

function decodeSignature(time: unknown, code: unknown): Signature | undefined {
  const timestamp = Number.isSafeInteger(time) ? String(time) : time;
  const hmac = hexDigits(code, HMAC_CHARS);
  if (typeof timestamp !== 'string' || !/^[0-9]{1,16}$/.test(timestamp) || hmac === undefined) return undefined;
  return { timestamp, hmac };
}
