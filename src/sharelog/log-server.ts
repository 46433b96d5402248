import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { ANSWER_BYTES, FrameReader } from './frames.ts';
import type { Commit } from './log-store.ts';
import { withSocketPath } from './socket-path.ts';

/** Where the gateways' processes reach the log's thread, in the data folder. */
export const LOG_SOCKET_FILE = 'sharelog.sock';

/** A gateway's connection, as the log's thread answers it. */
export interface CommitOrigin {
  /** The next `commits` commits of this origin, in order, are on the disk. */
  durable(commits: number): void;
}

/** Takes commits from other processes of this user, straight into the log's thread. */
export class LogServer {
  readonly #server: Server;
  readonly #folder: string;
  readonly #sockets = new Set<Socket>();

  constructor(options: { readonly folder: string }, modules: { take(commit: Commit, origin: CommitOrigin): void }) {
    this.#folder = options.folder;
    this.#server = createServer((socket) => this.#serve(socket, modules.take));
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
          this.#server.listen(path, resolve);
        }),
    );
    chmodSync(file, 0o600);
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #serve(socket: Socket, take: (commit: Commit, origin: CommitOrigin) => void): void {
    this.#sockets.add(socket);
    const reader = new FrameReader();
    const origin: CommitOrigin = {
      durable(commits) {
        const answer = Buffer.alloc(ANSWER_BYTES);
        answer.writeUInt32LE(commits);
        if (!socket.destroyed) socket.write(answer);
      },
    };
    socket.on('data', (chunk) => {
      try {
        for (const commit of reader.push(chunk)) take(commit, origin);
      } catch {
        // Not one of our gateways. What it committed before stays.
        socket.destroy();
      }
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
  }
}
