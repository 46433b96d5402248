import type { ServerResponse } from 'node:http';

/** An answer as the routes give it; how it goes out is this file's. */
export interface Answer {
  /** With its reason phrase. */
  readonly status:
    | '200 OK'
    | '204 No Content'
    | '400 Bad Request'
    | '401 Unauthorized'
    | '403 Forbidden'
    | '404 Not Found'
    | '405 Method Not Allowed'
    | '429 Too Many Requests'
    | '500 Internal Server Error'
    | '503 Service Unavailable';
  readonly type: string;
  readonly body: string;
  /** The methods that would do, for a 405 and for OPTIONS. */
  readonly allow?: string;
}

/** Characters that a page must not read as a tag if it shows an answer unescaped. */
const htmlActive = /[<>&]/g;

/** JSON in which a miner's name is no HTML either, whatever it holds. */
export function json(status: Answer['status'], value: unknown, allow?: string): Answer {
  const text = JSON.stringify(value).replace(htmlActive, (char) => `\\u00${char.charCodeAt(0).toString(16)}`);
  const answer = { status, type: 'application/json; charset=utf-8', body: `${text}\n` };
  return allow === undefined ? answer : { ...answer, allow };
}

/** The answer to a request that met an internal error (RFC 9457), without details of the error. */
export const internalError: Answer = {
  ...json('500 Internal Server Error', { title: 'Internal Server Error', status: 500, error: 'internal error' }),
  type: 'application/problem+json; charset=utf-8',
};

/**
 * The API is public and read-only: any page may read it. It serves no documents, so a browser that is talked into
 * showing an answer as one gets nothing to run.
 */
const headers = {
  'Access-Control-Allow-Origin': '*',
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'cross-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
} as const;

/** A client that was turned away may come back after this many seconds. */
const RETRY_AFTER_SECONDS = 1;

/** Writes an answer with its length; returns the bytes of its body. Node leaves the body out for HEAD. */
export function respond(response: ServerResponse, { status, type, body, allow }: Answer): number {
  const code = Number.parseInt(status, 10);
  const bytes = Buffer.from(body);
  response.writeHead(code, status.slice(4), {
    ...headers,
    ...(code === 401 && { 'WWW-Authenticate': 'Bearer' }),
    ...((code === 429 || code === 503) && { 'Retry-After': RETRY_AFTER_SECONDS }),
    // The connection is closed, so a client that asks too often is also slowed by the rate of new connections.
    ...(code === 429 && { Connection: 'close' }),
    ...(allow !== undefined && { Allow: allow, 'Access-Control-Allow-Methods': allow }),
    ...(code !== 204 && { 'Content-Type': type, 'Content-Length': bytes.length }),
  });
  response.end(bytes);
  return bytes.length;
}
