/** An answer as the routes give it; how it goes out is `respond`'s business. */
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
    | '409 Conflict'
    | '429 Too Many Requests'
    | '500 Internal Server Error'
    | '503 Service Unavailable';
  readonly type: string;
  readonly body: string;
  /** The methods that would do, for a 405 and for OPTIONS. */
  readonly allow?: string;
  /** How long the answer may be kept, seconds; it gets an ETag then. Default: it may not be kept. */
  readonly freshSeconds?: number;
  /** Of a document, in place of the policy that lets a browser run and load nothing. */
  readonly contentSecurityPolicy?: string;
}

/** Characters that a page must not read as a tag if it shows an answer unescaped. */
const htmlActive = /[<>&]/g;

/** JSON in which a miner's name is no HTML either, whatever it holds. */
export function json(status: Answer['status'], value: unknown, allow?: string): Answer {
  const text = JSON.stringify(value).replace(htmlActive, (char) => `\\u00${char.charCodeAt(0).toString(16)}`);
  const answer = { status, type: 'application/json; charset=utf-8', body: `${text}\n` };
  return allow === undefined ? answer : { ...answer, allow };
}
