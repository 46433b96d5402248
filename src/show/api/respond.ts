import type { ServerResponse } from 'node:http';
import type { Packed } from './pack.ts';
import type { Answer } from './response.ts';

/** It serves few documents, so a browser that is talked into showing an answer as one gets nothing to run. */
const headers = {
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'cross-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
} as const;

/** A client that was turned away may come back after this many seconds. */
const RETRY_AFTER_SECONDS = 1;

/** Which sites may read answers: `*`, or the one that asks, if it is on the list. */
export function allowOrigin(origins: readonly string[], origin: string | undefined): Readonly<Record<string, string>> {
  if (origins.includes('*')) return { 'Access-Control-Allow-Origin': '*' };
  const asks = origin?.toLowerCase();
  // A cache that is shared by sites must not give one the answer for another.
  const vary = { Vary: 'Origin' };
  return asks !== undefined && origins.includes(asks) ? { 'Access-Control-Allow-Origin': asks, ...vary } : vary;
}

/** Writes an answer with its length; returns the bytes of its body. Node leaves the body out for HEAD. */
export function respond(
  response: ServerResponse,
  { status, type, allow, freshSeconds, contentSecurityPolicy }: Answer,
  { bytes, encoding, etag, known }: Packed,
  origin: Readonly<Record<string, string>>,
): number {
  const code = known ? 304 : Number.parseInt(status, 10);
  const hasBody = code !== 204 && code !== 304;
  response.writeHead(code, known ? 'Not Modified' : status.slice(4), {
    ...headers,
    ...origin,
    'Cache-Control': freshSeconds === undefined ? 'no-store' : `public, max-age=${freshSeconds}`,
    ...(contentSecurityPolicy !== undefined && { 'Content-Security-Policy': contentSecurityPolicy }),
    ...(etag !== undefined && { ETag: etag, Vary: [origin['Vary'], 'Accept-Encoding'].filter(Boolean).join(', ') }),
    ...(encoding !== undefined && { 'Content-Encoding': encoding }),
    ...(code === 401 && { 'WWW-Authenticate': 'Bearer' }),
    ...((code === 429 || code === 503) && { 'Retry-After': RETRY_AFTER_SECONDS }),
    // A client that asks too often has to connect again, and connections have a rate of their own.
    ...(code === 429 && { Connection: 'close' }),
    ...(allow !== undefined && {
      Allow: allow,
      'Access-Control-Allow-Methods': allow,
      'Access-Control-Allow-Headers': 'Authorization',
    }),
    ...(hasBody && { 'Content-Type': type, 'Content-Length': bytes.length }),
  });
  response.end(hasBody ? bytes : undefined);
  return hasBody ? bytes.length : 0;
}
