import { type IncomingMessage, request } from 'node:http';
import { pipeline, type Readable, Transform } from 'node:stream';
import { text } from 'node:stream/consumers';
import { withSocketPath } from '#shares/sharelog/journal/socket-path';
import type { Query } from './query.ts';
import { CUT_TRAILER, ERROR_HEADER, FORMAT_HEADER, QUERY_TYPE, SOCKET_FILE, TIMEZONE_HEADER } from './query-server.ts';

/** The engine or the gate refused a query; the message is for the user. */
export class QueryError extends Error {
  override readonly name = 'QueryError';
  /** ClickHouse's number and name of the error, if a part before the engine gave it. */
  readonly error: { readonly code: number; readonly name: string } | undefined;

  constructor(message: string, error?: QueryError['error']) {
    super(message);
    this.error = error;
  }
}

/** Nobody serves queries on this data folder. */
export class NotRunningError extends Error {
  override readonly name = 'NotRunningError';
}

/** A process that has the query says so at once; one that hangs, or gets no turn, does not. */
const ANSWER_MS_MAX = 30_000;
const NO_ANSWER =
  'the analytics process of this data folder does not answer: it hangs, or the machine is too busy for it';
export const NOT_YOURS = 'this data folder is for its owner alone: ask as the user who runs the pool';

/** Sends a statement to a socket of a data folder; resolves with the result's bytes in the format asked for. See `askQuery`. */
export async function requestQuery(
  folder: string,
  sql: string,
  format: string,
  options: AskOptions = {},
): Promise<Readable> {
  return (await askQuery(folder, { sql, format }, options)).body;
}

export interface AskOptions {
  readonly answerMsMax?: number;
  readonly socketFile?: string;
  /** Ends the query in the engine, and rejects or destroys the result. */
  readonly signal?: AbortSignal;
}

/** A result as it comes. */
export interface Result {
  /** Fails with a QueryError if the result is not whole. Destroying it ends the query in the engine. */
  readonly body: Readable;
  /** ClickHouse's name of the format. */
  readonly format: string;
  readonly timezone: string;
}

/** Sends a query to a socket of a data folder. Rejects with a QueryError if it is refused, or a NotRunningError. */
export async function askQuery(
  folder: string,
  query: Query,
  { answerMsMax = ANSWER_MS_MAX, socketFile = SOCKET_FILE, signal }: AskOptions = {},
): Promise<Result> {
  return withSocketPath(
    folder,
    socketFile,
    (socketPath) =>
      new Promise<Result>((resolve, reject) => {
        const headers = { 'content-type': QUERY_TYPE };
        const sent = request({ socketPath, path: '/', method: 'POST', headers, signal }, (response) => {
          clearTimeout(late);
          if (response.statusCode === 200) resolve(resultOf(response));
          else text(response).then((reason) => reject(new QueryError(reason.trim(), errorOf(response))), reject);
        });
        const late = setTimeout(() => sent.destroy(new QueryError(NO_ANSWER)), answerMsMax);
        sent.once('information', () => clearTimeout(late));
        sent.once('close', () => clearTimeout(late));
        sent.once('error', (error: NodeJS.ErrnoException) => {
          // A reset before any answer is a process that was ending as the query came: there will be another.
          const absent = ['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE'].includes(error.code ?? '');
          if (error.code === 'EACCES') reject(new QueryError(NOT_YOURS));
          else reject(absent ? new NotRunningError('the analytics of this data folder are not running') : error);
        });
        sent.end(JSON.stringify(query));
      }),
  ).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' ? new NotRunningError('there is no such data folder') : error;
  });
}

function resultOf(response: IncomingMessage): Result {
  const { [FORMAT_HEADER]: format, [TIMEZONE_HEADER]: timezone } = response.headers;
  return { body: whole(response), format: String(format), timezone: String(timezone) };
}

function errorOf(response: IncomingMessage): QueryError['error'] {
  const [, code, name] = /^(\d+) (\w+)$/.exec(String(response.headers[ERROR_HEADER])) ?? [];
  return code === undefined || name === undefined ? undefined : { code: Number(code), name };
}

/** The body of a response, which ends only if the whole result has come. */
function whole(response: IncomingMessage): Readable {
  const body = new Transform({
    transform: (chunk, _encoding, done) => done(null, chunk),
    flush: (done) => {
      const reason = response.trailers[CUT_TRAILER];
      done(reason === undefined ? null : cut(decodeURIComponent(String(reason))));
    },
    destroy: (error, done) => {
      const lost = (error as NodeJS.ErrnoException | null)?.code === 'ECONNRESET';
      done(lost ? cut('the analytics process has ended') : error);
    },
  });
  pipeline(response, body, () => {});
  return body;
}

function cut(reason: string): QueryError {
  return new QueryError(`the result is cut off, rows are missing at its end: ${reason}`);
}
