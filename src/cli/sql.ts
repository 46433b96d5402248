import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { clickhouseHref } from '#base/config/href';
import { loadConfig } from '#base/config/load';
import { QueryError } from '#books/analytics/query-client';
import { querySql } from '#books/analytics/query-sql';
import { CommandError, type ExitCode, exitCodes, type Io } from './io.ts';

/** Output formats of ClickHouse that make sense on a terminal or in a pipe. */
export const formats = ['TSV', 'CSV', 'JSONEachRow', 'Pretty'] as const;

export interface SqlOptions {
  readonly config?: string;
  readonly format: (typeof formats)[number];
  readonly json?: boolean;
}

/** `sluice sql`: one query over the pool's tables; its result goes to stdout as the database writes it. */
export async function sql(query: string, options: SqlOptions, io: Io): Promise<ExitCode> {
  const config = loadConfig({ file: options.config, env: io.env });
  const statement = query === '-' ? await text(process.stdin) : query;
  if (statement.trim() === '') {
    throw new CommandError('the query is empty; try: sluice sql "SHOW TABLES"', exitCodes.usage);
  }
  const url = config.clickhouse && clickhouseHref(config.clickhouse);
  const format = options.json === true ? 'JSONEachRow' : options.format;
  try {
    const waiting = (): void => {
      io.stderr.write('sluice: waiting for ClickHouse to start; another query on this data folder may come first\n');
    };
    await copy(
      await querySql(
        { folder: config.data, name: config.name, ...(url !== undefined && { url }) },
        statement,
        format,
        waiting,
      ),
      io,
    );
  } catch (error) {
    if (error instanceof QueryError) throw new CommandError(error.message);
    throw error;
  }
  return exitCodes.fine;
}

/** Passes a result on as fast as the reader takes it: it may be larger than memory. */
async function copy(result: Readable, { stdout }: Io): Promise<void> {
  for await (const chunk of result) {
    if (stdout.write(chunk) !== false) continue;
    await new Promise<void>((resolve) => stdout.once?.('drain', resolve) ?? resolve());
  }
}
