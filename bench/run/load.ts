import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { SIMULATED_PAYOUT_ADDRESS } from '#base/config/defaults';
import { compileNative } from './native.ts';
import type { Curve, Drawn } from './samples.ts';
import type { Server } from './server.ts';

/** How long a pool may take until its count has every share that it answered. */
const COUNT_MS_MAX = 5_000;

export interface LoadOptions {
  readonly transport: 'tcp' | 'websocket';
  readonly connections: number;
  /** Submits under way on each connection. */
  readonly inFlight: number;
  readonly seconds: number;
  /** Shares a second over all connections; without it each reply is followed by the next submit. */
  readonly rate?: number;
}

/** The result of one run of the load generator. */
export interface LoadResult {
  readonly acceptedPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU time of all of the server's processes from the first submit until it had settled, per share. */
  readonly cpuMicrosPerShare: number;
}

export interface Loaded {
  readonly result: LoadResult;
  readonly drawn: Drawn;
}

interface Report {
  readonly answered: number;
  readonly rejected: number;
  readonly dropped: number;
  readonly unanswered: number;
  readonly acceptedPerSecond: number;
  readonly latencyMs: Curve;
}

/** Loads a server. Throws if a share got lost on the way, was refused or was not counted. */
export async function load(server: Server, options: LoadOptions): Promise<LoadResult> {
  return (await loadDrawn(server, options)).result;
}

/** The same, with what a page draws of it. */
export async function loadDrawn(server: Server, options: LoadOptions): Promise<Loaded> {
  const { connections, inFlight, seconds, rate } = options;
  const acceptedBefore = (await server.accepted()) ?? 0;
  const more = [inFlight, seconds, ...(rate === undefined ? [] : [Math.round(rate)])];
  const generator = new Generator(server, 'load', server.transport ?? options.transport, connections, more);
  await generator.next();
  const before = server.tree();
  const report = (await generator.next()) as Report | undefined;
  if (report === undefined) throw new Error(`${server.name}: the load generator failed: ${generator.errors}`);
  const { answered, acceptedPerSecond, latencyMs } = report;
  if (report.rejected + report.dropped + report.unanswered > 0 || answered === 0) {
    throw new Error(`${server.name}: not every share was accepted: ${JSON.stringify(report)} ${generator.errors}`);
  }
  await server.settle();
  await countedAll(server, acceptedBefore, answered);
  const after = server.tree();
  const perShare = (seconds: number): number => (seconds * 1e6) / answered;
  const cpuMicrosOf = [...after.cpuSecondsOf].map(([name, seconds]): [string, number] => [
    name,
    perShare(seconds - (before.cpuSecondsOf.get(name) ?? 0)),
  ]);
  const latency = (part: number): number => latencyMs.find(([one]) => one === part)?.[1] ?? Number.NaN;
  const result = {
    acceptedPerSecond,
    p50Ms: latency(0.5),
    p99Ms: latency(0.99),
    cpuMicrosPerShare: perShare(after.cpuSeconds - before.cpuSeconds),
  };
  return { result, drawn: { latencyMs, cpuMicrosOf: Object.fromEntries(cpuMicrosOf) } };
}

/** Gateway processes report their counts to the pool once a second. */
async function countedAll(server: Server, before: number, answered: number): Promise<void> {
  for (const end = performance.now() + COUNT_MS_MAX; ; await sleep(100)) {
    const accepted = await server.accepted();
    if (accepted === undefined || accepted - before === answered) return;
    if (performance.now() < end) continue;
    throw new Error(`${server.name}: ${answered} shares were answered as accepted, it counted ${accepted - before}`);
  }
}

/** Connections that do nothing. */
export class IdleConnections {
  readonly #generator: Generator;

  private constructor(generator: Generator) {
    this.#generator = generator;
  }

  /** Resolves when each of them has a job. */
  static async open(
    server: Server,
    connections: number,
    transport: 'tcp' | 'websocket' = 'tcp',
  ): Promise<IdleConnections> {
    const generator = new Generator(server, 'idle', transport, connections, [3600]);
    for (;;) {
      const line = await generator.next();
      if (line === undefined) throw new Error(`${server.name}: the connections failed: ${generator.errors}`);
      if ('connected' in line) return new IdleConnections(generator);
    }
  }

  /** How long the next job took from the first connection to the last, ms. */
  async firstToLastMs(): Promise<number> {
    const line = (await this.#generator.next()) as { readonly firstToLastMs: number } | undefined;
    if (line === undefined) throw new Error(`the connections were lost: ${this.#generator.errors}`);
    return line.firstToLastMs;
  }

  close(): Promise<void> {
    return this.#generator.close();
  }
}

/** The C program at work: one JSON object a line. It ends when its stdin does. */
class Generator {
  errors = '';
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #lines: AsyncIterator<string>;
  readonly #ended: Promise<void>;

  constructor(
    server: Server,
    mode: 'load' | 'idle',
    transport: 'tcp' | 'websocket',
    connections: number,
    more: readonly number[],
  ) {
    const program = compileNative('load');
    const port = transport === 'tcp' ? server.tcpPort : server.websocketPort;
    const user = server.user ?? SIMULATED_PAYOUT_ADDRESS;
    const args = [mode, '127.0.0.1', port, user, connections, ...more].map(String);
    this.#child = spawn(program, transport === 'websocket' ? ['--ws', ...args] : args, {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child.stderr.on('data', (chunk: Buffer) => {
      this.errors += chunk.toString();
    });
    this.#ended = new Promise((resolve) => this.#child.once('close', () => resolve()));
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** The next object, undefined at the end. */
  async next(): Promise<object | undefined> {
    const line = await this.#lines.next();
    return line.done === true ? undefined : (JSON.parse(line.value) as object);
  }

  async close(): Promise<void> {
    this.#child.stdin.end();
    await this.#ended;
  }
}
