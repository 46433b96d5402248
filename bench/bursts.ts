import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Server } from './run/server.ts';

const CONNECTIONS = 1000;
/** The largest read of a pool. */
const BURST_BYTES = 64 * 1024;
const PING = `${JSON.stringify({ id: 1, method: 'mining.ping', params: [] })}\n`;
const burst = Buffer.from(PING.repeat(Math.ceil(BURST_BYTES / PING.length))).subarray(0, BURST_BYTES);
/** From one burst to the next: well within the new connections that an address may make. */
const EVERY_MS = 3000;

/** Connections of one address that each send 64 KiB of pings at the same moment, and come back for the next burst. */
export class Bursts {
  readonly #port: number;
  readonly #address: string;
  readonly #done: Promise<void>;
  readonly #ended = new AbortController();
  #sent = 0;

  constructor({ tcpPort }: Server, address: string) {
    this.#port = tcpPort;
    this.#address = address;
    this.#done = this.#run();
  }

  /** Ends them. Resolves with the connections that sent a burst. */
  async end(): Promise<number> {
    this.#ended.abort();
    await this.#done;
    return this.#sent;
  }

  async #run(): Promise<void> {
    const { signal } = this.#ended;
    while (!signal.aborted) {
      const sockets = await Promise.all(Array.from({ length: CONNECTIONS }, () => this.#open()));
      const open = sockets.filter((socket) => socket.readyState === 'open');
      for (const socket of open) socket.write(burst);
      this.#sent += open.length;
      await sleep(EVERY_MS, undefined, { signal }).catch(() => undefined);
      for (const socket of sockets) socket.destroy();
    }
  }

  /** Resolves also if the connection is refused. */
  async #open(): Promise<Socket> {
    const socket = connect({ host: '127.0.0.1', port: this.#port, localAddress: this.#address });
    await once(socket, 'connect').catch(() => undefined);
    socket.on('error', () => undefined);
    return socket.resume();
  }
}
