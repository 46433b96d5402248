/** The part of an output stream that commands use. */
export interface Output {
  /** Takes text or bytes; false if it wants to be waited for until it emits `drain`. */
  write(chunk: string | Uint8Array): unknown;
  once?(event: 'drain', callback: () => void): unknown;
  /** True on a terminal. */
  readonly isTTY?: boolean;
}

/** Both ways of a terminal. */
export interface Terminal {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream & { readonly columns?: number };
}

/** The environment of a command. */
export interface Io {
  /** The terminal on the input; undefined if the input is none. */
  readonly terminal?: Terminal | undefined;
  /** For results. */
  readonly stdout: Output;
  /** For progress, logs and errors. */
  readonly stderr: Output;
  /** Where a running pool's log goes instead of the process's stderr. */
  readonly logs?: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Calls back at each SIGTERM or SIGINT. */
  onStopSignal(callback: (signal: string) => void): void;
  /** Calls back at each SIGHUP. */
  onHangup(callback: () => void): void;
  /** Ends the process at once. */
  exit(code: number): void;
}

/** Exit codes. */
export const exitCodes = { fine: 0, failed: 1, usage: 2 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** A command failed; shown as one message, without a stack. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: ExitCode;

  /** `message` says what is wrong and what to do next. */
  constructor(message: string, exitCode: ExitCode = exitCodes.failed) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** SGR codes of the few colours in use. */
const colours = { red: 31, green: 32, yellow: 33, dim: 2, bold: 1 } as const;

/** A text in colour if the output is a terminal and NO_COLOR (no-color.org) is not set. */
export function paint(io: Io, output: Output, colour: keyof typeof colours, text: string): string {
  const colourful = output.isTTY === true && (io.env['NO_COLOR'] ?? '') === '';
  return colourful ? `\u001b[${colours[colour]}m${text}\u001b[0m` : text;
}
