import { type ChildProcess, fork } from 'node:child_process';
import { setPriority } from 'node:os';
import { builtFile, nodeFlags, tiedToParent } from '#base/built';
import type { Ban, Logger } from '#base/domain/ports';
import { NO_QUEUE } from '#base/domain/queue';
import { limits } from '#base/limits';
import { addCounts } from '#base/std/add-counts';
import { type Child, goneOf, SupervisedChild } from '#base/std/supervised-child';
import type { Counts } from '#base/telemetry/counters';
import { Faults } from './faults.ts';
import type { FromServer, HttpCounts, Question, Replies, ServerStart, ToServer } from './messages.ts';
import type { ApiSources } from './sources.ts';

export type ApiOptions = Omit<ServerStart, 'bans'>;

export interface ApiModules extends ApiSources {
  readonly logger: Logger;
  /** Those in force. */
  readonly bans: () => readonly Ban[];
}

/** The API as the pool has it: a process that serves HTTP, and asks the pool. */
export interface Api {
  /** `host:port` as bound, IPv6 in brackets. */
  readonly address: string;
  /** Of all processes since the start. */
  counts(): ApiCounts;
  /** The process; undefined while none runs. */
  readonly pid: number | undefined;
  ban(ban: Ban): void;
  pardon(address: string): void;
  /** Stops listening and closes open connections. Safe to call twice. */
  close(): Promise<void>;
}

export type ApiCounts = HttpCounts & Readonly<Counts<'http'>>;

/** Lower priority than miners, which share the cores; higher than SQL, because probes wait for answers. */
const NICE = 10;
const RESTART = { msMin: 100, msMax: 10_000 };
/** The process reports every second. If it is silent for this many seconds, it hangs, and is killed. */
const HUNG_S_MAX = 30;
const NO_COUNTS: HttpCounts = { requests: 0, refused: 0, limited: 0, faults: 0, waiting: NO_QUEUE };

/** Starts the HTTP process; resolves when it listens. Rejects if the address can not be had. */
export async function startApi(options: ApiOptions, modules: ApiModules): Promise<Api> {
  const api = new SupervisedApi(options, modules);
  await api.start();
  return api;
}

interface HttpChild extends Child {
  readonly process: ChildProcess;
}

class SupervisedApi implements Api {
  readonly #options: ApiOptions;
  readonly #modules: ApiModules;
  readonly #faults: Faults;
  readonly #supervised: SupervisedChild<HttpChild>;
  /** The bound port: a restarted process listens on the same port. */
  #port: number;
  /** Resolves when the latest process listens; rejects if it can not. */
  #listening: Promise<void> = Promise.resolve();
  #counts = NO_COUNTS;
  /** Counters of ended processes. */
  #retired = NO_COUNTS;

  constructor(options: ApiOptions, modules: ApiModules) {
    this.#options = options;
    this.#modules = modules;
    this.#port = options.port;
    this.#faults = new Faults((kind, err) => modules.logger.error({ path: kind, err }, 'an API request failed'));
    this.#supervised = new SupervisedChild(
      { restart: RESTART, hungSecondsMax: HUNG_S_MAX },
      {
        start: () => this.#fork(),
        ended: (reason) => modules.logger.error({ reason }, 'the HTTP process ended; it is started again'),
        hangs: ({ pid }) => modules.logger.error({ pid }, 'the HTTP process hangs; it is killed'),
      },
    );
  }

  get address(): string {
    const { host } = this.#options;
    return host.includes(':') ? `[${host}]:${this.#port}` : `${host}:${this.#port}`;
  }

  get pid(): number | undefined {
    return this.#supervised.child?.pid;
  }

  counts(): ApiCounts {
    return { ...addCounts(this.#retired, this.#counts), restarts: this.#supervised.restarts };
  }

  ban(ban: Ban): void {
    this.#send({ type: 'ban', ban });
  }

  pardon(address: string): void {
    this.#send({ type: 'pardon', address });
  }

  /** The first start: what fails here fails the pool's start. */
  async start(): Promise<void> {
    this.#supervised.start();
    try {
      if (this.#supervised.child === undefined) throw new Error('the HTTP process can not be started');
      await this.#listening;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    const child = this.#supervised.close();
    child?.kill();
    await child?.gone;
  }

  #fork(): HttpChild {
    const process = fork(builtFile('show/api/api-child.ts'), {
      // Nothing of the pool's environment, which may hold its secrets.
      env: { PATH: globalThis.process.env['PATH'] },
      ...tiedToParent([...nodeFlags, `--max-old-space-size=${limits.httpHeapMibMax}`]),
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    lower(process.pid);
    const gone = goneOf(process);
    void gone.then(() => this.#retire());
    this.#listening = this.#listens(process, gone);
    this.#listening.catch((err: unknown) => {
      if (this.#supervised.restarts > 0)
        this.#modules.logger.error({ err }, 'HTTP could not start; the start will be repeated');
    });
    return { process, pid: process.pid, gone, kill: () => void process.kill('SIGKILL') };
  }

  /** Resolves when a new process listens. */
  #listens(child: ChildProcess, gone: Promise<string>): Promise<void> {
    return new Promise((resolve, reject) => {
      child.on('message', (message: FromServer) => {
        if (message.type === 'listening') {
          this.#port = message.port;
          resolve();
        } else if (message.type === 'refused') {
          reject(new Error(message.reason));
          child.kill('SIGKILL');
        } else this.#take(child, message);
      });
      child.on('error', reject);
      void gone.then(() => reject(new Error('the HTTP process ended before it listened')));
    });
  }

  /** Adds the counters of an ended process to the sums. */
  #retire(): void {
    const { waiting } = this.#counts;
    this.#retired = addCounts(this.#retired, { ...this.#counts, waiting: { ...waiting, depth: 0 } });
    this.#counts = NO_COUNTS;
  }

  #take(child: ChildProcess, message: Exclude<FromServer, { type: 'listening' | 'refused' }>): void {
    this.#supervised.heard();
    switch (message.type) {
      case 'hello': {
        const start = { ...this.#options, port: this.#port, bans: this.#modules.bans() };
        send(child, { type: 'start', start });
        return;
      }
      case 'ask':
        this.#reply(message.question).then(
          (reply) => send(child, { type: 'reply', id: message.id, reply }),
          (error: unknown) => {
            this.#faults.met(message.question.kind, error);
            send(child, { type: 'failed', id: message.id });
          },
        );
        return;
      case 'counts':
        // What comes after the end of its process is counted already, but for a second's.
        if (child === this.#supervised.child?.process) this.#counts = message.counts;
        return;
      case 'fault':
        this.#modules.logger.error({ path: message.kind, reason: message.reason }, 'an API request failed');
    }
  }

  async #reply(question: Question): Promise<Replies[keyof Replies]> {
    const { pool, ready, metrics, job, health, miner, admin } = this.#modules;
    switch (question.kind) {
      case 'pool':
        return pool();
      case 'ready':
        return ready();
      case 'metrics':
        return metrics();
      case 'job':
        return job();
      case 'health':
        return health();
      case 'miner':
        return miner(question.address, question.page);
      case 'admin':
        return (await admin(question.request)) ?? null;
    }
  }

  #send(message: ToServer): void {
    const { child } = this.#supervised;
    if (child !== undefined) send(child.process, message);
  }
}

function lower(pid: number | undefined): void {
  try {
    if (pid !== undefined) setPriority(pid, NICE);
  } catch {
    // The process has ended again; its exit event handles that.
  }
}

function send(child: ChildProcess, message: ToServer): void {
  // A channel that is closing takes nothing more; the exit follows.
  if (child.connected) child.send(message, () => {});
}
