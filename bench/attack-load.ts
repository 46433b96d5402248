import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { SIMULATED_PAYOUT_ADDRESS } from '#base/config/defaults';
import { compileNative } from './run/native.ts';
import type { Server } from './run/server.ts';

export type AttackKind = 'flood' | 'drip' | 'silent' | 'slow' | 'cut' | 'frames' | 'pipeline';

export interface AttackOptions {
  readonly kind: AttackKind;
  /** Connections at a time, over how many loopback addresses. */
  readonly peers: number;
  readonly addresses: number;
  readonly secondsMax: number;
  /** Where they connect; Stratum over TCP unless it is given. */
  readonly port?: number;
  /** Submits or cuts a second over all. */
  readonly rate?: number;
}

/** The results of the attackers. */
export interface AttackReport {
  readonly seconds: number;
  /** Connections that were let in, first or again; ended; open at the end. */
  readonly opened: number;
  readonly closed: number;
  readonly open: number;
  /** Shares; frames; requests. */
  readonly submits: number;
  readonly cuts: number;
}

/** An attack under way. */
export class Attack {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #lines: AsyncIterator<string>;
  readonly #ended: Promise<string>;
  #errors = '';

  private constructor(server: Server, { kind, peers, addresses, secondsMax, rate, port }: AttackOptions) {
    const args = [kind, '127.0.0.1', port ?? server.tcpPort, SIMULATED_PAYOUT_ADDRESS, peers, addresses, secondsMax];
    const all = rate === undefined ? args : [...args, rate];
    this.#child = spawn(compileNative('attack'), all.map(String), { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stderr.on('data', (chunk: Buffer) => {
      this.#errors += chunk.toString();
    });
    this.#ended = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** Resolves when every attacker has been let in or turned away once. */
  static async begin(server: Server, options: AttackOptions): Promise<Attack> {
    const attack = new Attack(server, options);
    const first = await attack.#next();
    if ('seconds' in first) throw new Error(`the attack was over before it had begun: ${JSON.stringify(first)}`);
    return attack;
  }

  /** Ends it. */
  async end(): Promise<AttackReport> {
    this.#child.stdin.end();
    return (await this.#next()) as AttackReport;
  }

  async #next(): Promise<object> {
    const line = await this.#lines.next();
    if (line.done === true) throw new Error(`the attack failed: ${await this.#ended} ${this.#errors}`);
    return JSON.parse(line.value) as object;
  }
}

/** How long a miner waits from its first packet until it has work, ms; one after the other. Throws if one is refused. */
export async function connectTimesMs(server: Server, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let at = 0; at < count; at += 1) {
    const began = performance.now();
    const socket = connect({ host: '127.0.0.1', port: server.tcpPort, noDelay: true });
    const hello = [
      { id: 1, method: 'mining.subscribe', params: ['bench/1'] },
      { id: 2, method: 'mining.authorize', params: [SIMULATED_PAYOUT_ADDRESS, 'x'] },
    ];
    socket.write(hello.map((message) => `${JSON.stringify(message)}\n`).join(''));
    let text = '';
    while (!text.includes('"method":"mining.notify"')) text += String((await once(socket, 'data'))[0]);
    times.push(performance.now() - began);
    socket.destroy();
  }
  return times;
}

/** The value below which so much of them lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

/** A client whose connection was closed comes back after this. */
const PAUSE_MS = 10;

/** Sends the costliest HTTP requests, one after the other from each of several addresses, until it is ended. */
export class CostlyRequests {
  readonly #done: Promise<unknown>;
  #ended = false;
  #answers = 0;

  constructor(httpPort: number, addresses: number) {
    this.#done = Promise.all(Array.from({ length: addresses }, (_, i) => this.#ask(httpPort, `127.7.0.${i + 1}`)));
  }

  /** Returns how many were answered, with whatever status. */
  async end(): Promise<number> {
    this.#ended = true;
    await this.#done;
    return this.#answers;
  }

  async #ask(port: number, localAddress: string): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const miner = `/api/v1/miners/${SIMULATED_PAYOUT_ADDRESS}`;
    for (let i = 0; !this.#ended; i += 1) {
      // Asks for another page each time, because the API repeats recent answers.
      const paths = ['/metrics', `${miner}/workers?after=${localAddress}-${i}`, '/api/v1/pool', '/readyz', miner];
      const request = get({ agent, host: '127.0.0.1', port, localAddress, path: paths[i % paths.length] ?? '/' });
      try {
        const [answer] = (await once(request, 'response')) as [IncomingMessage];
        await once(answer.resume(), 'close');
        this.#answers += 1;
      } catch {
        // It asks or connects too often, and is closed.
        await sleep(PAUSE_MS);
      }
    }
    agent.destroy();
  }
}
