import type { HttpResponse } from '../uws.ts';

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

/** What a page that shows an answer as it came must not take for a tag. */
const htmlActive = /[<>&]/g;

/** JSON in which a miner's name is no HTML either, whatever it holds. */
export function json(status: Answer['status'], value: unknown, allow?: string): Answer {
  const text = JSON.stringify(value).replace(htmlActive, (char) => `\\u00${char.charCodeAt(0).toString(16)}`);
  const answer = { status, type: 'application/json; charset=utf-8', body: `${text}\n` };
  return allow === undefined ? answer : { ...answer, allow };
}

/**
 * The API is public and read-only: any page may read it. It serves no documents, so a browser that is talked into
 * showing an answer as one gets nothing to run.
 */
const headers = [
  ['Access-Control-Allow-Origin', '*'],
  ['Cache-Control', 'no-store'],
  ['Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'"],
  ['Cross-Origin-Resource-Policy', 'cross-origin'],
  ['Referrer-Policy', 'no-referrer'],
  ['X-Content-Type-Options', 'nosniff'],
] as const;

/**
 * Writes an answer in one go. Must not be called after an abort. `bare` leaves the body out, as HEAD wants; its length is
 * written by hand, since `endWithoutBody(length)` of uWebSockets.js 20.51 never ends the response.
 */
export function respond(response: HttpResponse, answer: Answer, bare: boolean): void {
  response.cork(() => {
    response.writeStatus(answer.status);
    for (const [name, value] of headers) response.writeHeader(name, value);
    if (answer.status === '401 Unauthorized') response.writeHeader('WWW-Authenticate', 'Bearer');
    if (answer.allow !== undefined) {
      response.writeHeader('Allow', answer.allow);
      response.writeHeader('Access-Control-Allow-Methods', answer.allow);
    }
    if (answer.status === '204 No Content') {
      response.endWithoutBody();
      return;
    }
    response.writeHeader('Content-Type', answer.type);
    if (!bare) {
      response.end(answer.body);
      return;
    }
    response.writeHeader('Content-Length', String(Buffer.byteLength(answer.body)));
    response.endWithoutBody();
  });
}
