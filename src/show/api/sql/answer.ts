import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline, Readable, type Transform } from 'node:stream';
import { constants, createBrotliCompress, createDeflate, createGzip } from 'node:zlib';
import { limits } from '#base/limits';
import type { Result } from '#books/analytics/query-client';
import { cutBlock, type Exception, textOf } from './exceptions.ts';

/** An authenticated answer is for its client alone, and no browser is to take it for a document. */
const GUARDING = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-ClickHouse-Server-Display-Name': 'sluice',
} as const;

export interface AnswerOptions {
  readonly queryId: string;
  readonly held: boolean;
  readonly compressed: boolean;
}

/** Answers with an error, as ClickHouse does. */
export function sendException(response: ServerResponse, error: Exception, queryId?: string): void {
  response.writeHead(error.status, {
    ...GUARDING,
    'Content-Type': 'text/plain; charset=UTF-8',
    'X-ClickHouse-Exception-Code': error.code,
    ...(queryId !== undefined && { 'X-ClickHouse-Query-Id': queryId }),
    ...(error.status === 401 && { 'WWW-Authenticate': 'Bearer' }),
    ...((error.status === 429 || error.status === 503) && { 'Retry-After': 1 }),
    // What the client is still sending is not read.
    ...((error.status === 413 || error.status === 429) && { Connection: 'close' }),
  });
  response.end(`${textOf(error)}\n`);
}

/**
 * Passes a result on as fast as its reader takes it. Resolves when it is sent; rejects with what `body` failed with if nothing has
 * been sent yet. A result that fails later ends with the error, and without HTTP's end: no client takes it for whole.
 */
export async function sendResult(
  request: IncomingMessage,
  response: ServerResponse,
  result: Result,
  { queryId, held, compressed }: AnswerOptions,
  toException: (error: unknown) => Exception,
): Promise<void> {
  const tag = randomBytes(8).toString('hex');
  const chunks = result.body[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const before = held ? await heldOf(chunks) : [];
  const encoder = compressed ? encoderFor(String(request.headers['accept-encoding'] ?? '')) : undefined;
  response.writeHead(200, {
    ...GUARDING,
    'Content-Type': contentTypeOf(result.format),
    'X-ClickHouse-Query-Id': queryId,
    'X-ClickHouse-Format': result.format,
    'X-ClickHouse-Timezone': result.timezone,
    'X-ClickHouse-Exception-Tag': tag,
    ...(encoder !== undefined && { 'Content-Encoding': encoder.name, Vary: 'Accept-Encoding' }),
  });
  let cut = false;
  const all = async function* (): AsyncGenerator<Buffer> {
    yield* before;
    try {
      for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value;
    } catch (error) {
      cut = true;
      yield cutBlock(toException(error), tag);
    }
  };
  const source = encoder === undefined ? all() : pipeline(Readable.from(all()), encoder.stream, () => {});
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  for await (const chunk of source) {
    if (!response.write(chunk)) await once(response, 'drain', { signal: gone.signal });
  }
  if (cut) response.socket?.end();
  else response.end();
}

/** The chunks of a result up to its end, or as many as are held back. */
async function heldOf(chunks: AsyncIterator<Buffer>): Promise<readonly Buffer[]> {
  const held: Buffer[] = [];
  for (let bytes = 0; bytes < limits.sqlHeldBytesMax; bytes += held.at(-1)?.length ?? 0) {
    const next = await chunks.next();
    if (next.done === true) break;
    held.push(next.value);
  }
  return held;
}

interface Encoder {
  readonly name: 'gzip' | 'br' | 'deflate';
  readonly stream: Transform;
}

/** Fast rather than small: the core is the pool's too. What the engine has given is not kept back for a better ratio. */
function encoderFor(accepted: string): Encoder | undefined {
  const flush = constants.Z_SYNC_FLUSH;
  if (/\bgzip\b/i.test(accepted)) return { name: 'gzip', stream: createGzip({ level: 1, flush }) };
  if (/\bdeflate\b/i.test(accepted)) return { name: 'deflate', stream: createDeflate({ level: 1, flush }) };
  if (!/\bbr\b/i.test(accepted)) return undefined;
  const params = { [constants.BROTLI_PARAM_QUALITY]: 1 };
  return { name: 'br', stream: createBrotliCompress({ params, flush: constants.BROTLI_OPERATION_FLUSH }) };
}

function contentTypeOf(format: string): string {
  if (/^(TSV|TabSeparated)/.test(format)) return 'text/tab-separated-values; charset=UTF-8';
  if (format.startsWith('CSV')) return 'text/csv; charset=UTF-8';
  if (/^(NDJSON|JSONLines|JSON.*EachRow)/.test(format)) return 'application/x-ndjson; charset=UTF-8';
  if (format.startsWith('JSON')) return 'application/json; charset=UTF-8';
  if (/^(Pretty|Vertical|Markdown|Values|TSKV|SQLInsert)/.test(format)) return 'text/plain; charset=UTF-8';
  return 'application/octet-stream';
}
