import { pino } from 'pino';
import type { Logger } from '#base/domain/ports';
import { escapeLine, prettyLine } from './line.ts';
import { DescriptorSink, type LogSink, standardError } from './log-sink.ts';

export interface LoggerOptions {
  /** The least that is written. */
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** `pretty` for people, `json` (one object a line) for machines. */
  readonly format: 'json' | 'pretty';
  /** ANSI colours, for `pretty`. */
  readonly colour: boolean;
}

/**
 * A logger that writes to stderr, because stdout is for output that programs read. It never waits: unwritten lines are kept up to a
 * limit, further lines are dropped and counted.
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
  if (sink instanceof DescriptorSink) {
    sink.recovered = (lines) => logger.warn({ lines }, 'log lines were dropped because stderr was blocked');
  }
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
  };
}

/** The format of a stream: for people, with colours, if it is a terminal (and NO_COLOR is not set). */
export function formatFor(
  stream: { readonly isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>>,
): Pick<LoggerOptions, 'format' | 'colour'> {
  const terminal = stream.isTTY === true;
  return { format: terminal ? 'pretty' : 'json', colour: terminal && (env['NO_COLOR'] ?? '') === '' };
}
