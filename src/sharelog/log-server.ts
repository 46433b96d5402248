import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { ANSWER_BYTES, type Commit, FrameReader } from './frames.ts';
import { withSocketPath } from './socket-path.ts';

/** Where the gateways' processes reach the log, in the data folder. */
export const LOG_SOCKET_FILE = 'sharelog.sock';

/** Takes commits from gateways in other processes of this user; each is answered when it is on the disk, in order. */
export class LogServer {
  readonly #server: Server;
  readonly #folder: string;
  readonly #sockets = new Set<Socket>();

  /** `append` calls back when a commit is on the disk. */
  constructor(
    options: { readonly folder: string },
    modules: { append(commit: Commit & { readonly durable: () => void }): void },
  ) {
    this.#folder = options.folder;
    this.#server = createServer((socket) => this.#serve(socket, modules.append));
  }

  async listen(): Promise<void> {
    const file = join(this.#folder, LOG_SOCKET_FILE);
    // Left over from a process that was killed; the caller holds the folder's lock.
    rmSync(file, { force: true });
    await withSocketPath(
      this.#folder,
      LOG_SOCKET_FILE,
      (path) =>
        new Promise<void>((resolve, reject) => {
          this.#server.once('error', reject);
          this.#server.listen(path, () => {
            this.#server.off('error', reject);
            resolve();
          });
        }),
    );
    // An accept that fails later is that connection's: the gateway behind it ends, and is replaced.
    this.#server.on('error', () => {});
    chmodSync(file, 0o600);
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #serve(socket: Socket, append: (commit: Commit & { readonly durable: () => void }) => void): void {
    this.#sockets.add(socket);
    const reader = new FrameReader();
    let durable = 0;
    const answer = (): void => {
      const bytes = Buffer.alloc(ANSWER_BYTES);
      bytes.writeUInt32LE(durable);
      durable = 0;
      if (!socket.destroyed) socket.write(bytes);
    };
    // Commits that one write has brought to the disk are answered together.
    const count = (): void => {
      durable += 1;
      if (durable === 1) process.nextTick(answer);
    };
    socket.on('data', (chunk) => {
      try {
        for (const commit of reader.push(chunk)) append({ ...commit, durable: count });
      } catch {
        // Not one of our gateways. What it committed before stays.
        socket.destroy();
      }
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
  }
}
