import { type IncomingMessage, request } from 'node:http';
import { pipeline, type Readable, Transform } from 'node:stream';
import { text } from 'node:stream/consumers';
import { withSocketPath } from '#shares/sharelog/journal/socket-path';
import { CUT_TRAILER, SOCKET_FILE } from './query-server.ts';

/** The engine or the gate refused a query; the message is for the user. */
export class QueryError extends Error {
  override readonly name = 'QueryError';
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

export interface AskOptions {
  readonly answerMsMax?: number;
  readonly socketFile?: string;
  /** Ends the query in the engine, and rejects or destroys the result. */
  readonly signal?: AbortSignal;
}

/**
 * Sends a statement to a socket of a data folder; resolves with the result's bytes in the format asked for. The stream fails
 * with a QueryError if the result is not whole.
 */
export async function requestQuery(
  folder: string,
  sql: string,
  format: string,
  { answerMsMax = ANSWER_MS_MAX, socketFile = SOCKET_FILE, signal }: AskOptions = {},
): Promise<Readable> {
  return withSocketPath(
    folder,
    socketFile,
    (socketPath) =>
      new Promise<Readable>((resolve, reject) => {
        const path = `/?format=${encodeURIComponent(format)}`;
        const sent = request({ socketPath, path, method: 'POST', ...(signal && { signal }) }, (response) => {
          clearTimeout(late);
          if (response.statusCode === 200) resolve(whole(response));
          else text(response).then((reason) => reject(new QueryError(reason.trim())), reject);
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
        sent.end(sql);
      }),
  ).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' ? new NotRunningError('there is no such data folder') : error;
  });
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
