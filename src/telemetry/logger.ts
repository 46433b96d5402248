import { pino } from 'pino';
import type { Logger } from '../domain/ports.ts';
import { escapeLine, prettyLine } from './line.ts';

export interface LoggerOptions {
  /** The least that is written. */
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** `pretty` for people, `json` (one object a line) for machines. */
  readonly format: 'json' | 'pretty';
  /** ANSI colours, for `pretty`. */
  readonly colour: boolean;
}

/** Where lines go; each write is whole lines. */
export interface LogSink {
  write(lines: string): void;
}

/** Unwritten log that may pile up where nobody reads stderr; what comes after that is dropped, and the pool goes on. */
const PENDING_CHARS_MAX = 4 * 1024 * 1024;

/**
 * A logger that writes to stderr: stdout is for what a program reads. Writes are not waited for; what is pending when
 * the process exits is written then.
 */
export function createLogger(options: LoggerOptions, sink: LogSink = standardError()): Logger {
  const streamWrite =
    options.format === 'pretty'
      ? (line: string) => prettyLine(line, options.colour)
      : (line: string) => escapeLine(line);
  const logger = pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: options.format === 'json' ? { level: (label) => ({ level: label }) } : {},
      hooks: { streamWrite },
    },
    sink,
  );
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
  };
}

/** How to write to a stream: for people, with colours, where it is a terminal (and NO_COLOR is not set). */
export function formatFor(
  stream: { readonly isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>>,
): Pick<LoggerOptions, 'format' | 'colour'> {
  const terminal = stream.isTTY === true;
  return { format: terminal ? 'pretty' : 'json', colour: terminal && (env['NO_COLOR'] ?? '') === '' };
}

function standardError(): LogSink {
  return pino.destination({ dest: 2, sync: false, maxLength: PENDING_CHARS_MAX });
}
