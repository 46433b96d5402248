import type { Io } from '#cli/io';

/** A command's surroundings, in memory: what it wrote, and a way to send it signals. */
export class FakeIo implements Io {
  out = '';
  err = '';
  log = '';
  readonly exits: number[] = [];
  readonly env: Record<string, string | undefined>;
  readonly stdout: Io['stdout'];
  readonly stderr: Io['stderr'];
  readonly logs = {
    write: (text: string | Uint8Array) => {
      this.log += text;
    },
  };
  #signalled: ((signal: string) => void)[] = [];
  #hungUp: (() => void)[] = [];
  #written: (() => void)[] = [];

  constructor(env: Record<string, string | undefined> = {}, isTTY = false) {
    this.env = env;
    this.stdout = {
      isTTY,
      write: (chunk: string | Uint8Array) => {
        this.out += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
        for (const wake of this.#written.splice(0)) wake();
      },
    };
    this.stderr = {
      isTTY,
      write: (text: string | Uint8Array) => {
        this.err += text;
      },
    };
  }

  onStopSignal(callback: (signal: string) => void): void {
    this.#signalled.push(callback);
  }

  signal(name = 'SIGTERM'): void {
    for (const callback of this.#signalled) callback(name);
  }

  onHangup(callback: () => void): void {
    this.#hungUp.push(callback);
  }

  hangUp(): void {
    for (const callback of this.#hungUp) callback();
  }

  exit(code: number): void {
    this.exits.push(code);
  }

  /** Resolves when something has been written to stdout. */
  async written(): Promise<void> {
    if (this.out === '') await new Promise<void>((resolve) => this.#written.push(resolve));
  }
}
