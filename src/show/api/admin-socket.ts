import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { BanControl, LogHold } from '#base/domain/ports';
import { promise } from '#base/std/held-connection';
import { answerBans, isBansPath } from './bans.ts';
import { json } from './response.ts';

/** In the data folder. */
export const ADMIN_SOCKET_FILE = 'admin.sock';
/** POST: the share log lets nothing go until the client closes the connection. */
export const HOLD_PATH = '/api/v1/log/hold';

/** The operators' part of the API for this machine's user, on a socket that only its owner may open: without a token. */
export class AdminSocket {
  readonly #server: Server;

  constructor({ bans, log }: { readonly bans: BanControl; readonly log: LogHold }) {
    this.#server = createServer((request, response) => {
      const [path = '', query = ''] = (request.url ?? '').split('?', 2);
      if (path === HOLD_PATH && request.method === 'POST') {
        promise(response, '{"held":true}', log.hold());
        return;
      }
      const answer = isBansPath(path)
        ? answerBans(request.method ?? '', path, query, bans)
        : json('404 Not Found', { error: 'there is nothing at this path' });
      response.writeHead(Number.parseInt(answer.status, 10), { 'content-type': answer.type }).end(answer.body);
    });
  }

  /** The caller holds the folder's lock, so what stands at `path` is left over from a process that was killed. */
  async listen(path: string): Promise<void> {
    rmSync(path, { force: true });
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      // The mask is the whole process's: no longer than until the call returns, which makes the socket.
      const mask = process.umask(0o177);
      try {
        this.#server.listen(path, resolve);
      } finally {
        process.umask(mask);
      }
    });
    chmodSync(path, 0o600);
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }
}
