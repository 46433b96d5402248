import { type ClientRequest, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';

/** What another process does for this one for as long as a connection is open: `promise` serves it, `askForPromise` asks. */
export interface Promised {
  /** What the other process said when it began. */
  readonly answer: string;
  /** True once the other process has ended it, or has ended itself. */
  readonly isLost: boolean;
  /** Closes the connection: the other process may stop. */
  release(): void;
}

/** Why there is no promise. `absent`: nothing listens there. */
export type NotPromised = 'absent' | { readonly status: number; readonly body: string };

/**
 * Answers a request with one line, `answer`, and keeps the response open. `ended` is called once, when the client closes the
 * connection or is gone.
 */
export function promise(response: ServerResponse, answer: string, ended: () => void): void {
  response.once('close', ended);
  response.writeHead(200, { 'content-type': 'application/json' }).write(`${answer}\n`);
}

/** Asks for a promise: POST `path` on a socket. Rejects with the system's error, or if there is no answer within `msMax`. */
export function askForPromise(socketPath: string, path: string, msMax: number): Promise<Promised | NotPromised> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, path, method: 'POST', agent: false }, (response) => {
      if (response.statusCode === 200) promisedBy(sent, response).then(resolve, reject);
      else text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
    });
    const late = setTimeout(() => sent.destroy(new Error(`no answer within ${msMax} ms`)), msMax);
    sent.once('close', () => clearTimeout(late));
    sent.once('response', () => clearTimeout(late));
    sent.once('error', (error: NodeJS.ErrnoException) => {
      if (['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE'].includes(error.code ?? '')) resolve('absent');
      else reject(error);
    });
    sent.end();
  });
}

/** Waits for the line. */
function promisedBy(sent: ClientRequest, response: IncomingMessage): Promise<Promised> {
  return new Promise((resolve, reject) => {
    let [isLost, answer] = [false, ''];
    const lost = (): void => {
      isLost = true;
      reject(new Error('the process that was asked has ended'));
    };
    response.once('close', lost);
    response.once('error', lost);
    response.setEncoding('utf8').on('data', (chunk: string) => {
      if (answer.endsWith('\n')) return;
      answer += chunk;
      if (!answer.endsWith('\n')) return;
      resolve({
        answer,
        get isLost() {
          return isLost;
        },
        release: () => sent.destroy(),
      });
    });
  });
}
