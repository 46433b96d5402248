import { connect, type Socket } from 'node:net';
import type { Clock, ShareRecorder } from '../domain/ports.ts';
import type { JudgedShare } from '../domain/share.ts';
import { limits } from '../limits.ts';
import { BufferPool } from './buffer-pool.ts';
import { CommitWindow } from './commit-window.ts';
import { ANSWER_BYTES, encodeFrame } from './frames.ts';
import { Gate } from './gate.ts';
import { LOG_SOCKET_FILE } from './log-server.ts';
import { type EncodedBatch, OpenBatch } from './open-batch.ts';
import { withSocketPath } from './socket-path.ts';

/** One commit being written, and one on its way there. */
const POSTED_MAX = 2;

export interface RemoteLogOptions {
  /** The pool's data folder. */
  readonly folder: string;
  /** The `node` column. */
  readonly node: string;
  /** The pool's boot. */
  readonly epoch: number;
}

export interface RemoteLogModules {
  readonly clock: Clock;
  /** The pool's log is gone, and with it every commit that was not acknowledged. */
  readonly lost: (reason: string) => void;
  /** What shares wait for, blocks above all, before they are sent; undefined for nothing. Default: nothing. */
  readonly ready?: () => Promise<void> | undefined;
}

/** The share log as a gateway in a process of its own has it: it can record shares, and nothing else. */
export interface RemoteLog extends Pick<ShareRecorder, 'share' | 'commit'> {
  /** Waits until all is on the disk (up to `msMax`), then lets go. */
  close(msMax: number): Promise<void>;
}

/** Connects to the log of a running pool; rejects where there is none. */
export async function connectShareLog(options: RemoteLogOptions, modules: RemoteLogModules): Promise<RemoteLog> {
  const socket = await withSocketPath(
    options.folder,
    LOG_SOCKET_FILE,
    (path) =>
      new Promise<Socket>((resolve, reject) => {
        const opening = connect(path, () => resolve(opening));
        opening.once('error', reject);
      }),
  );
  return new SocketLog(options, modules, socket);
}

class SocketLog implements RemoteLog {
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #pool = new BufferPool(4, limits.logBatchBytesMax * 2);
  readonly #open: OpenBatch;
  readonly #window: CommitWindow;
  readonly #gate = new Gate();
  /** An answer of which some bytes have come. */
  #rest: Buffer = Buffer.alloc(0);
  #closing = false;

  constructor({ node, epoch }: RemoteLogOptions, modules: RemoteLogModules, socket: Socket) {
    const { clock, lost, ready = () => undefined } = modules;
    this.#socket = socket;
    this.#clock = clock;
    const bounds = { rowsMax: limits.logBatchRowsMax, bytesMax: limits.logBatchBytesMax };
    this.#open = new OpenBatch({ node, epoch, bounds }, this.#pool);
    this.#window = new CommitWindow(
      { commitBytesMax: bounds.bytesMax, postedMax: POSTED_MAX },
      { open: this.#open, post: (batches) => this.#gate.pass(ready(), () => this.#post(batches)) },
    );
    socket.removeAllListeners('error');
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => this.#onAnswer(chunk));
    socket.on('close', () => {
      this.#window.stop();
      if (!this.#closing) lost('the connection to the share log is gone');
    });
  }

  share(share: JudgedShare): void {
    this.#open.share(share);
  }

  commit(durable: () => void): void {
    this.#window.commit(durable);
  }

  async close(msMax: number): Promise<void> {
    // Without the log there is nothing to wait for.
    if (!this.#socket.destroyed) await this.#window.drain(msMax);
    this.#closing = true;
    this.#socket.destroy();
  }

  #post(batches: readonly EncodedBatch[]): void {
    const pieces = encodeFrame(batches, this.#clock.nowMs());
    const last = pieces.length - 1;
    this.#socket.cork();
    pieces.forEach((piece, index) => {
      // The rows' buffers are free again when the system has them.
      if (index < last) this.#socket.write(piece);
      else this.#socket.write(piece, () => this.#giveBack(batches));
    });
    this.#socket.uncork();
  }

  #giveBack(batches: readonly EncodedBatch[]): void {
    for (const { buffer } of batches) this.#pool.give(buffer);
  }

  #onAnswer(chunk: Buffer): void {
    const answers = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let commits = 0;
    let at = 0;
    for (; at + ANSWER_BYTES <= answers.length; at += ANSWER_BYTES) commits += answers.readUInt32LE(at);
    this.#rest = answers.subarray(at);
    if (commits > 0) this.#window.durable(commits);
  }
}
