import { chmodSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { withSocketPath } from '#shares/sharelog/journal/socket-path';
import { answerPayout, type PayoutQuestion } from './answers.ts';
import type { Payouts } from './payouts.ts';

/** Where the ledger's process answers payout commands, in the data folder. */
export const PAYOUT_SOCKET_FILE = 'payouts.sock';

/** A signed transaction with 400,000 weight units as PSBT has its inputs' whole transactions beside it. */
const BODY_BYTES_MAX = 32 << 20;
/** A run asks the wallet several times, each for up to 20 s. */
const ANSWER_MS_MAX = 5 * 60_000;

/** Answers the commands of this machine's user, on a socket that only its owner may open: POST /VERB with the argument as body. */
export class PayoutServer {
  readonly #server: Server;

  constructor(payouts: Payouts) {
    this.#server = createServer((incoming, response) => {
      answer(incoming, payouts)
        .catch((error: unknown) => ({ status: 500, body: JSON.stringify({ error: String(error) }) }))
        .then(({ status, body }) => {
          response.writeHead(status, { 'content-type': 'application/json' }).end(body);
        });
    });
  }

  /** The caller holds the ledger's lock, and its umask keeps everybody else out from the first moment. */
  async listen(folder: string): Promise<void> {
    // Left over from a process that was killed.
    rmSync(join(folder, PAYOUT_SOCKET_FILE), { force: true });
    await withSocketPath(
      folder,
      PAYOUT_SOCKET_FILE,
      (path) =>
        new Promise<void>((resolve, reject) => {
          this.#server.once('error', reject);
          this.#server.listen(path, resolve);
        }),
    );
    chmodSync(join(folder, PAYOUT_SOCKET_FILE), 0o600);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

/** Asks the ledger's process of a running pool; undefined if none runs on this data folder. Rejects if it does not answer. */
export async function askPayouts(
  folder: string,
  { verb, argument }: PayoutQuestion,
): Promise<{ readonly status: number; readonly body: string } | undefined> {
  const ask = (socketPath: string) =>
    new Promise<{ status: number; body: string } | undefined>((resolve, reject) => {
      const sent = request({ socketPath, method: 'POST', path: `/${verb}`, timeout: ANSWER_MS_MAX }, (response) => {
        text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
      });
      sent.once('timeout', () => sent.destroy(new Error('the ledger of this data folder does not answer')));
      sent.once('error', (error: NodeJS.ErrnoException) => {
        if (['ENOENT', 'ECONNREFUSED'].includes(error.code ?? '')) resolve(undefined);
        else reject(error);
      });
      sent.end(argument);
    });
  try {
    return await withSocketPath(folder, PAYOUT_SOCKET_FILE, ask);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

async function answer(incoming: IncomingMessage, payouts: Payouts): Promise<{ status: number; body: string }> {
  const verb = (incoming.url ?? '').replace(/^\//, '');
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) return { status: 413, body: JSON.stringify({ error: 'that is too long' }) };
    chunks.push(chunk);
  }
  if (incoming.method !== 'POST') return { status: 400, body: JSON.stringify({ error: 'ask with POST' }) };
  return answerPayout({ verb, argument: Buffer.concat(chunks).toString('utf8').trim() }, payouts);
}
