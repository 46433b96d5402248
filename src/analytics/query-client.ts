import { request } from 'node:http';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { withSocketPath } from '../sharelog/socket-path.ts';
import { SOCKET_FILE } from './query-server.ts';

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

/** Sends a statement to the socket of a data folder; resolves with the result's bytes in the format asked for. */
export async function requestQuery(
  folder: string,
  sql: string,
  format: string,
  answerMsMax = ANSWER_MS_MAX,
): Promise<Readable> {
  return withSocketPath(
    folder,
    SOCKET_FILE,
    (socketPath) =>
      new Promise<Readable>((resolve, reject) => {
        const path = `/?format=${encodeURIComponent(format)}`;
        const sent = request({ socketPath, path, method: 'POST' }, (response) => {
          clearTimeout(late);
          if (response.statusCode === 200) resolve(response);
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
