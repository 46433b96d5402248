import type { ChildProcess } from 'node:child_process';
import { Backoff, type BackoffOptions } from './backoff.ts';

/** A process that was started. */
export interface Child {
  readonly pid: number | undefined;
  /** Resolves with the reason when the process has ended. Never rejects. */
  readonly gone: Promise<string>;
  /** Ends it at once. */
  kill(): void;
}

export interface SupervisedChildOptions {
  /** What lies between the end of a process and the start of the next one. */
  readonly restart: BackoffOptions;
  /** A process that is not heard of for so many seconds hangs, and is killed. */
  readonly hungSecondsMax: number;
}

export interface SupervisedChildModules<C extends Child> {
  /** Starts a process. An exception counts as the end of the process. */
  readonly start: () => C;
  /** A process has ended, and another one will be started. */
  readonly ended: (reason: string) => void;
  /** A process hangs, and is killed. */
  readonly hangs: (child: C) => void;
  /** Called each second. */
  readonly tick?: () => void;
}

/** A process that lived for so long has shown that it works, ms. */
const YOUNG_MS = 60_000;

/** Keeps one process running: starts another when it ends, and ends it when it hangs. */
export class SupervisedChild<C extends Child> {
  readonly #options: SupervisedChildOptions;
  readonly #modules: SupervisedChildModules<C>;
  readonly #backoff: Backoff;
  readonly #watch: NodeJS.Timeout;
  #child: C | undefined;
  #restartTimer: NodeJS.Timeout | undefined;
  #restarts = 0;
  /** Counted, so that a process is not to blame for the time in which this one was stopped. */
  #silentSeconds = 0;
  #closed = false;

  constructor(options: SupervisedChildOptions, modules: SupervisedChildModules<C>) {
    this.#options = options;
    this.#modules = modules;
    this.#backoff = new Backoff(options.restart);
    this.#watch = setInterval(() => this.#look(), 1000).unref();
  }

  /** The process; undefined while none runs. */
  get child(): C | undefined {
    return this.#child;
  }

  /** Times that a process was started after another. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Seconds since the process was heard of. */
  get silentSeconds(): number {
    return this.#silentSeconds;
  }

  /** Starts the first process. To be called once. */
  start(): void {
    const startedMs = performance.now();
    this.#silentSeconds = 0;
    let child: C;
    try {
      child = this.#modules.start();
    } catch (error) {
      this.#gone(error instanceof Error ? error.message : String(error));
      return;
    }
    this.#child = child;
    void child.gone.then((reason) => {
      if (performance.now() - startedMs >= YOUNG_MS) this.works();
      this.#gone(reason);
    });
  }

  /** The process has given a sign of life. */
  heard(): void {
    this.#silentSeconds = 0;
  }

  /** The process has shown that it works: should it end, the next one is started soon. */
  works(): void {
    this.#backoff.reset();
  }

  /** Starts no more processes. Returns the running process, which the caller must end. */
  close(): C | undefined {
    this.#closed = true;
    clearInterval(this.#watch);
    clearTimeout(this.#restartTimer);
    return this.#child;
  }

  #gone(reason: string): void {
    this.#child = undefined;
    if (this.#closed) return;
    this.#modules.ended(reason);
    this.#restartTimer = setTimeout(() => {
      this.#restarts += 1;
      this.start();
    }, this.#backoff.next());
  }

  #look(): void {
    this.#silentSeconds += 1;
    this.#modules.tick?.();
    if (this.#child === undefined || this.#silentSeconds <= this.#options.hungSecondsMax) return;
    this.#modules.hangs(this.#child);
    this.#child.kill();
    this.#silentSeconds = 0;
  }
}

/** Resolves when a process is gone, or could not be started, with the reason: a signal's name, an exit code, or an error. */
export function goneOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
    // A process that could not be started has no exit.
    child.on('error', (error) => {
      if (child.pid === undefined) resolve(error.message);
    });
  });
}
