import { constants, fstatSync, openSync, write as systemWrite, writeSync } from 'node:fs';

/** Where lines go; each write is whole lines. */
export interface LogSink {
  write(lines: string): void;
}

/** As node:fs has it. */
export type WriteDescriptor = (
  fd: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
  position: null,
  callback: (error: NodeJS.ErrnoException | null, written: number) => void,
) => void;

/** Log that waits for a descriptor that takes none; further lines are dropped and counted. */
const PENDING_CHARS_MAX = 4 * 1024 * 1024;
/** One write takes at most this much, in characters. */
const WRITE_CHARS_MAX = 64 * 1024;
/** A full pipe or terminal is retried soon; a full disk or a closed descriptor less often. */
const BUSY_MS = 50;
const FAILED_MS = 1_000;
/** How long the end of the process waits for a pipe that is full. */
const EXIT_TRIES = 10;
const EXIT_WAIT_MS = 20;

export interface DescriptorSinkOptions {
  readonly fd: number;
  readonly pendingCharsMax?: number;
  readonly failedMs?: number;
  readonly write?: WriteDescriptor;
}

/**
 * Writes lines to a descriptor without ever waiting or failing. Unwritten lines wait in memory up to a limit; further lines are
 * dropped and counted.
 */
export class DescriptorSink implements LogSink {
  /** Called with the number of lines that were dropped, when lines are taken again. */
  recovered: (dropped: number) => void = () => {};
  readonly #fd: number;
  readonly #pendingCharsMax: number;
  readonly #failedMs: number;
  readonly #write: WriteDescriptor;
  #lines: string[] = [];
  #pendingChars = 0;
  #dropped = 0;
  /** The unwritten part of the current write. */
  #bytes: Uint8Array = new Uint8Array(0);
  #writing = false;
  #retry: NodeJS.Timeout | undefined;

  constructor({ fd, pendingCharsMax, failedMs, write }: DescriptorSinkOptions) {
    this.#fd = fd;
    this.#pendingCharsMax = pendingCharsMax ?? PENDING_CHARS_MAX;
    this.#failedMs = failedMs ?? FAILED_MS;
    this.#write = write ?? systemWrite;
  }

  write(lines: string): void {
    if (this.#pendingChars + lines.length > this.#pendingCharsMax) {
      this.#dropped += 1;
      return;
    }
    this.#lines.push(lines);
    this.#pendingChars += lines.length;
    this.#next();
  }

  /** Writes what waits as far as the descriptor takes it within a moment: the process ends. */
  flush(): void {
    clearTimeout(this.#retry);
    // A thread that is already writing finishes without this.
    const rest = Buffer.from(this.#lines.join(''));
    let bytes: Uint8Array = this.#writing ? rest : Buffer.concat([this.#bytes, rest]);
    this.#lines = [];
    for (let tries = 0; bytes.length > 0 && tries < EXIT_TRIES; ) {
      try {
        bytes = bytes.subarray(writeSync(this.#fd, bytes));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
        tries += 1;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, EXIT_WAIT_MS);
      }
    }
  }

  /** Begins the next write, unless one is under way or is to be tried again. */
  #next(): void {
    if (this.#writing || this.#retry !== undefined) return;
    if (this.#bytes.length === 0) {
      if (this.#lines.length === 0) return;
      this.#bytes = this.#take();
    }
    this.#writing = true;
    this.#write(this.#fd, this.#bytes, 0, this.#bytes.length, null, (error, written) => {
      this.#writing = false;
      if (error !== null || written === 0) {
        this.#tryAgain(error?.code === 'EAGAIN' ? BUSY_MS : this.#failedMs);
        return;
      }
      this.#bytes = this.#bytes.subarray(written);
      if (this.#bytes.length === 0) this.#taken();
      this.#next();
    });
  }

  #take(): Uint8Array {
    let count = 0;
    let chars = 0;
    for (const line of this.#lines) {
      if (count > 0 && chars + line.length > WRITE_CHARS_MAX) break;
      chars += line.length;
      count += 1;
    }
    this.#pendingChars -= chars;
    return Buffer.from(this.#lines.splice(0, count).join(''));
  }

  #tryAgain(ms: number): void {
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.#next();
    }, ms).unref();
  }

  #taken(): void {
    // The line that says so must find room.
    if (this.#dropped === 0 || this.#pendingChars * 2 > this.#pendingCharsMax) return;
    const dropped = this.#dropped;
    this.#dropped = 0;
    this.recovered(dropped);
  }
}

/** The process's stderr; what still waits is written when the process exits. */
export function standardError(): DescriptorSink {
  const sink = new DescriptorSink({ fd: unblocked(process.stderr.fd) });
  process.once('exit', () => sink.flush());
  return sink;
}

/**
 * A non-blocking descriptor of the same pipe or terminal. A blocking write would hold a thread, and delay the end of the process. (A
 * file is used unchanged, because a new descriptor would have another position.)
 */
function unblocked(fd: number): number {
  try {
    const status = fstatSync(fd);
    if (!status.isFIFO() && !status.isCharacterDevice()) return fd;
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    // Without /proc, or another user's. Node has made a pipe non-blocking already.
    return fd;
  }
}
