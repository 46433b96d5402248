import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setPriority } from 'node:os';
import { builtFile, nodeFlags, tiedToParent } from '#base/built';
import type { Ban, Logger } from '#base/domain/ports';
import { limits } from '#base/limits';
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
  /** Stops listening and drops what is open. Safe to call twice. */
  close(): Promise<void>;
}

export interface ApiCounts extends HttpCounts {
  /** Times that the process was started again. */
  readonly restarts: number;
}

/** Less important than miners, who have the same cores; more than SQL, since a probe waits for its answer. */
const NICE = 10;
const RESTART_MS_MIN = 100;
const RESTART_MS_MAX = 10_000;
/** A process that lived for so long did not die young. */
const YOUNG_MS = 60_000;
/** It reports every second. One that is silent for so many seconds hangs, and is killed. */
const HUNG_S_MAX = 30;
const NO_COUNTS: HttpCounts = { requests: 0, refused: 0, limited: 0, faults: 0 };

/** Starts the HTTP process; resolves when it listens. Rejects if the address can not be had. */
export async function startApi(options: ApiOptions, modules: ApiModules): Promise<Api> {
  const api = new SupervisedApi(options, modules);
  await api.start();
  return api;
}

class SupervisedApi implements Api {
  readonly #options: ApiOptions;
  readonly #modules: ApiModules;
  readonly #faults: Faults;
  readonly #watch: NodeJS.Timeout;
  #child: ChildProcess | undefined;
  /** As bound: a process that comes after another listens where that one did. */
  #port: number;
  #counts = NO_COUNTS;
  /** Counted by processes that are gone. */
  #retired = NO_COUNTS;
  #restarts = 0;
  #restartMs = RESTART_MS_MIN;
  #restartTimer: NodeJS.Timeout | undefined;
  #silentSeconds = 0;
  #closing = false;

  constructor(options: ApiOptions, modules: ApiModules) {
    this.#options = options;
    this.#modules = modules;
    this.#port = options.port;
    this.#faults = new Faults((kind, err) => modules.logger.error({ path: kind, err }, 'an API request failed'));
    this.#watch = setInterval(() => this.#look(), 1000).unref();
  }

  get address(): string {
    const { host } = this.#options;
    return host.includes(':') ? `[${host}]:${this.#port}` : `${host}:${this.#port}`;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  counts(): ApiCounts {
    return { ...sum(this.#retired, this.#counts), restarts: this.#restarts };
  }

  ban(ban: Ban): void {
    this.#send({ type: 'ban', ban });
  }

  pardon(address: string): void {
    this.#send({ type: 'pardon', address });
  }

  /** The first start: what fails here fails the pool's start. */
  async start(): Promise<void> {
    try {
      await this.#fork();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#closing = true;
    clearInterval(this.#watch);
    clearTimeout(this.#restartTimer);
    const child = this.#child;
    if (child === undefined) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  /** Resolves when a new process listens. */
  async #fork(): Promise<void> {
    const startedMs = performance.now();
    const child = fork(builtFile('show/api/api-child.ts'), {
      // Nothing of the pool's environment, which may hold its secrets.
      env: { PATH: process.env['PATH'] },
      ...tiedToParent([...nodeFlags, `--max-old-space-size=${limits.httpHeapMibMax}`]),
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    this.#child = child;
    this.#silentSeconds = 0;
    this.#lower(child.pid);
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
      child.on('error', (error) => {
        reject(error);
        // A process that could not be started has no exit.
        if (child.pid === undefined) this.#gone(error.message, startedMs);
      });
      child.once('exit', (code, signal) => {
        this.#gone(signal ?? `exit code ${code}`, startedMs);
        reject(new Error('the HTTP process ended before it listened'));
      });
    });
  }

  #lower(pid: number | undefined): void {
    try {
      if (pid !== undefined) setPriority(pid, NICE);
    } catch {
      // It is gone again, which its exit will tell.
    }
  }

  #take(child: ChildProcess, message: Exclude<FromServer, { type: 'listening' | 'refused' }>): void {
    this.#silentSeconds = 0;
    switch (message.type) {
      case 'hello': {
        const { host, allow, deny } = this.#options;
        send(child, { type: 'start', start: { host, allow, deny, port: this.#port, bans: this.#modules.bans() } });
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
        this.#counts = message.counts;
        return;
      case 'fault':
        this.#modules.logger.error({ path: message.kind, reason: message.reason }, 'an API request failed');
    }
  }

  async #reply(question: Question): Promise<Replies[keyof Replies]> {
    const { pool, ready, metrics, miner, admin } = this.#modules;
    switch (question.kind) {
      case 'pool':
        return pool();
      case 'ready':
        return ready();
      case 'metrics':
        return metrics();
      case 'miner':
        return miner(question.address, question.page);
      case 'admin':
        return (await admin(question.request)) ?? null;
    }
  }

  #look(): void {
    this.#silentSeconds += 1;
    if (this.#child === undefined || this.#silentSeconds <= HUNG_S_MAX) return;
    this.#modules.logger.error({ pid: this.#child.pid }, 'the HTTP process hangs; it is killed');
    this.#child.kill('SIGKILL');
    this.#silentSeconds = 0;
  }

  #gone(reason: string, startedMs: number): void {
    this.#child = undefined;
    this.#retired = sum(this.#retired, this.#counts);
    this.#counts = NO_COUNTS;
    if (this.#closing) return;
    this.#modules.logger.error({ reason }, 'the HTTP process ended; it is started again');
    if (performance.now() - startedMs >= YOUNG_MS) this.#restartMs = RESTART_MS_MIN;
    this.#restart();
  }

  #restart(): void {
    clearTimeout(this.#restartTimer);
    this.#restartTimer = setTimeout(() => {
      this.#restarts += 1;
      this.#fork().catch((err: unknown) => {
        this.#modules.logger.error({ err }, 'HTTP could not start; it will be tried again');
        // A process that was started has an exit, which starts the next one.
        if (this.#child === undefined && !this.#closing) this.#restart();
      });
    }, this.#restartMs);
    this.#restartMs = Math.min(2 * this.#restartMs, RESTART_MS_MAX);
  }

  #send(message: ToServer): void {
    if (this.#child !== undefined) send(this.#child, message);
  }
}

function send(child: ChildProcess, message: ToServer): void {
  // A channel that is closing takes nothing more; the exit follows.
  if (child.connected) child.send(message, () => {});
}

function sum(a: HttpCounts, b: HttpCounts): HttpCounts {
  return {
    requests: a.requests + b.requests,
    refused: a.refused + b.refused,
    limited: a.limited + b.limited,
    faults: a.faults + b.faults,
  };
}
