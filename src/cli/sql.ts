import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { Config } from '#base/config/config';
import { clickhouseHref } from '#base/config/href';
import { loadConfig } from '#base/config/load';
import type { AnalyticsOptions } from '#books/analytics/analytics';
import { QueryError } from '#books/analytics/query-client';
import { querySql } from '#books/analytics/query-sql';
import { CommandError, type ExitCode, exitCodes, type Io } from './io.ts';
import { runShell } from './sql/shell.ts';

/** Output formats of ClickHouse that make sense on a terminal or in a pipe. */
export const formats = ['TSV', 'CSV', 'JSONEachRow', 'Pretty'] as const;

export interface SqlOptions {
  readonly config?: string;
  readonly format: (typeof formats)[number];
  readonly json?: boolean;
}

/**
 * `sluice sql`: one query over the pool's tables; its result goes to stdout as the database writes it. Without a query, at a
 * terminal, a prompt for many.
 */
export async function sql(query: string | undefined, options: SqlOptions, io: Io): Promise<ExitCode> {
  const config = loadConfig({ file: options.config, env: io.env });
  if (query === undefined) return prompt(config, io);
  const statement = query === '-' ? await text(process.stdin) : query;
  if (statement.trim() === '') {
    throw new CommandError('the query is empty; try: sluice sql "SHOW TABLES"', exitCodes.usage);
  }
  const format = options.json === true ? 'JSONEachRow' : options.format;
  try {
    await copy(await querySql(whereOf(config), statement, format, { waiting: () => waiting(io) }), io);
  } catch (error) {
    if (error instanceof QueryError) throw new CommandError(error.message);
    throw error;
  }
  return exitCodes.fine;
}

/** A prompt. Each statement finds a running pool, or a stopped pool's data, for itself: no pool waits for an idle prompt. */
async function prompt(config: Config, io: Io): Promise<ExitCode> {
  if (io.terminal === undefined) {
    throw new CommandError('say a query, or - to read it from standard input', exitCodes.usage);
  }
  const query = (statement: string, format: string, signal: AbortSignal): Promise<Readable> =>
    querySql(whereOf(config), statement, format, { signal });
  await runShell({ io, terminal: io.terminal, query });
  return exitCodes.fine;
}

function whereOf(config: Config): AnalyticsOptions {
  const url = config.clickhouse && clickhouseHref(config.clickhouse);
  return { folder: config.data, name: config.name, ...(url !== undefined && { url }) };
}

function waiting(io: Io): void {
  io.stderr.write('sluice: waiting for ClickHouse to start; another query on this data folder may come first\n');
}

/** Passes a result on as fast as the reader takes it: it may be larger than memory. */
async function copy(result: Readable, { stdout }: Io): Promise<void> {
  for await (const chunk of result) {
    if (stdout.write(chunk) !== false) continue;
    await new Promise<void>((resolve) => stdout.once?.('drain', resolve) ?? resolve());
  }
}
