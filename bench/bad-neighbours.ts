import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { SIMULATED_PAYOUT_ADDRESS } from '#base/config/defaults';
import type { Server } from './run/server.ts';

/** A broken but harmless client: the bytes that it sends on each connection, and how often it connects. */
interface Kind {
  readonly perSecond: number;
  readonly send: readonly (string | Uint8Array)[];
}

const line = (method: string, params: readonly unknown[]): string => `${JSON.stringify({ id: 1, method, params })}\n`;
const subscribe = line('mining.subscribe', ['bench/1']);
const authorize = (rig: string): string => line('mining.authorize', [`${SIMULATED_PAYOUT_ADDRESS}.${rig}`, 'x']);
const submit = (rig: string, extranonce2: string): string =>
  line('mining.submit', [`${SIMULATED_PAYOUT_ADDRESS}.${rig}`, '0', extranonce2, '00000000', '00000000']);
const page = (...headers: string[]): string =>
  ['GET / HTTP/1.1', 'Host: pool.lan:3333', ...headers, '', ''].join('\r\n');

/** Twenty a second together: a house full of them. */
const kinds: readonly Kind[] = [
  // A browser, a monitor, an HTTP/2 client, an SSH client, a miner that speaks TLS, one that speaks Stratum V2.
  { perSecond: 4, send: [page('User-Agent: Mozilla/5.0', 'Accept: text/html', 'Accept-Language: en')] },
  { perSecond: 1, send: [page('User-Agent: Uptime/1', 'Connection: close')] },
  { perSecond: 1, send: ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'] },
  { perSecond: 1, send: ['SSH-2.0-OpenSSH_9.2\r\n'] },
  { perSecond: 2, send: [Buffer.from('16030100c8010000c40303', 'hex')] },
  { perSecond: 2, send: [Buffer.from(Array.from({ length: 64 }, (_, at) => (at * 151 + 7) & 0xff))] },
  // A port scanner, and a monitor that subscribes.
  { perSecond: 2, send: [] },
  { perSecond: 2, send: [subscribe] },
  // Firmware that writes bad extranonces, one that works on old jobs alone, and one with a mistake in its name.
  { perSecond: 2, send: [subscribe, authorize('bad'), submit('bad', 'zz').repeat(40)] },
  { perSecond: 1, send: [subscribe, authorize('late'), submit('late', '0000000000000000').repeat(40)] },
  { perSecond: 2, send: [subscribe, line('mining.authorize', ['mistake', 'x'])] },
];
/** How long each stays connected, unless the pool closes it. */
const STAY_MS = 500;

/** All of them at the address that the honest miners have. */
export class BadNeighbours {
  readonly #port: number;
  #connections = 0;
  #open = true;
  readonly #loops: readonly Promise<void>[];

  constructor({ tcpPort }: Server) {
    this.#port = tcpPort;
    this.#loops = kinds.map((kind) => this.#repeat(kind));
  }

  /** Ends them. Resolves with the connections that they made. */
  async end(): Promise<number> {
    this.#open = false;
    await Promise.all(this.#loops);
    return this.#connections;
  }

  async #repeat({ perSecond, send }: Kind): Promise<void> {
    while (this.#open) {
      void this.#visit(send);
      await sleep(1000 / perSecond);
    }
  }

  async #visit(send: Kind['send']): Promise<void> {
    const socket: Socket = connect({ host: '127.0.0.1', port: this.#port, noDelay: true });
    socket.on('error', () => undefined);
    this.#connections += 1;
    for (const each of send) socket.write(each);
    await Promise.race([once(socket.resume(), 'close').catch(() => undefined), sleep(STAY_MS)]);
    socket.destroy();
  }
}
