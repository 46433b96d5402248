import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { clickhouseHref } from '#base/config/href';
import { loadConfig } from '#base/config/load';
import { QueryError } from '#books/analytics/query-client';
import { openQueries, type Queries } from '#books/analytics/query-sql';
import { lockFile } from '#shares/sharelog/journal/folder-lock';
import { Bar } from './export/bar.ts';
import { ExportFolder } from './export/files.ts';
import { type Period, parseInstant, UNITS } from './export/periods.ts';
import { type Piece, planPieces, TooManyRows } from './export/pieces.ts';
import { CommandError, type ExitCode, exitCodes, type Io } from './io.ts';

/** What may be exported: the tables with a time. */
export const exportTables = ['shares', 'jobs', 'blocks', 'hashrate_1m', 'hashrate_1h'] as const;
export const exportFormats = ['parquet', 'csv'] as const;

export interface ExportOptions {
  readonly config?: string;
  readonly from: string;
  readonly to: string;
  readonly format: (typeof exportFormats)[number];
  readonly by?: 'day' | 'hour';
  readonly table: (typeof exportTables)[number];
  readonly output: string;
  readonly json?: boolean;
}

const LOCK_FILE = '.sluice-export.lock';
/** ClickHouse holds a Parquet file in memory until it is whole: so many rows of shares take about 100 MiB. */
const PARQUET_ROWS_MAX = 500_000;
const ENGINE_FORMATS = { parquet: 'Parquet', csv: 'CSVWithNames' } as const;

/** `sluice export`: a table's rows of a period as files. What is there already is not written again, so it goes on where it stopped. */
export async function exportRows(options: ExportOptions, io: Io): Promise<ExitCode> {
  const config = loadConfig({ file: options.config, env: io.env });
  const period = periodOf(options, Date.now());
  const url = config.clickhouse && clickhouseHref(config.clickhouse);
  try {
    const folder = await ExportFolder.open(options.output);
    const lock = lockFile(join(folder.path, LOCK_FILE));
    if (lock === undefined) throw new CommandError(`another export writes into ${folder.path}: wait for it to end`);
    try {
      await folder.removeUnfinished();
      const queries = await openQueries({ folder: config.data, name: config.name, ...(url !== undefined && { url }) });
      await writePieces(period, options, { folder, queries, io }).finally(() => queries.close());
    } finally {
      lock.release();
    }
  } catch (error) {
    throw advised(error, options);
  }
  return exitCodes.fine;
}

function periodOf({ from, to, by }: ExportOptions, nowMs: number): Period {
  const usage = (message: string): CommandError => new CommandError(message, exitCodes.usage);
  const [fromMs, toMs] = [parseInstant(from), parseInstant(to)];
  const form = 'must be a day or an hour of UTC, such as 2026-01-31 or 2026-01-31T05';
  if (fromMs === undefined) throw usage(`--from ${form}`);
  if (toMs === undefined) throw usage(`--to ${form}`);
  if (fromMs >= toMs) throw usage('--to must be after --from; its own day or hour is not exported');
  if (toMs > nowMs) throw usage('--to is not over yet (UTC), and files are written once: choose an earlier one');
  if (by === 'day' && (fromMs % UNITS.day !== 0 || toMs % UNITS.day !== 0)) {
    throw usage('--by day needs whole days; give --from and --to without hours, or --by hour');
  }
  return { fromMs, toMs };
}

interface Writing {
  readonly folder: ExportFolder;
  readonly queries: Queries;
  readonly io: Io;
}

async function writePieces(period: Period, options: ExportOptions, { folder, queries, io }: Writing): Promise<void> {
  const { table, format, by, json } = options;
  const pieces = await planPieces(
    { table, period, by, rowsMax: format === 'parquet' ? PARQUET_ROWS_MAX : Number.POSITIVE_INFINITY },
    {
      count: (within, unitMs) => countRows(queries, table, within, unitMs),
      done: (name) => folder.has(`${name}.${format}`),
      begun: (start) => folder.hasStart(start),
    },
  );
  const rowsOfAll = pieces.reduce((sum, { rows }) => sum + rows, 0);
  const bar = new Bar(io, rowsOfAll);
  let rowsDone = 0;
  for (const piece of pieces) {
    const file = `${piece.name}.${format}`;
    bar.show(rowsDone, file);
    const content = await queries.query(rowsSql(table, piece), ENGINE_FORMATS[format]);
    const bytes = await folder.write(file, content, (written) => {
      bar.show(rowsDone, `${file}, ${(written / 1024 ** 2).toFixed(1)} MiB`);
    });
    rowsDone += piece.rows;
    bar.clear();
    const line = json === true ? JSON.stringify({ file, rows: piece.rows, bytes }) : `${file}: ${piece.rows} rows`;
    io.stdout.write(`${line}\n`);
  }
  if (pieces.length === 0) io.stderr.write('sluice: nothing to write: no rows in that time, or all files are there\n');
}

/** `time` is a DateTime or a DateTime64: compared with seconds as either of them. */
function whereTime({ fromMs, toMs }: Period): string {
  const at = (ms: number): string => `toDateTime(${ms / 1000}, 'UTC')`;
  return `time >= ${at(fromMs)} AND time < ${at(toMs)}`;
}

function rowsSql(table: string, { period }: Piece): string {
  return `SELECT * FROM ${table} WHERE ${whereTime(period)}`;
}

async function countRows(
  queries: Queries,
  table: string,
  period: Period,
  unitMs: number,
): Promise<ReadonlyMap<number, number>> {
  const seconds = unitMs / 1000;
  const sql = `SELECT intDiv(toUnixTimestamp(time), ${seconds}) AS unit, count() FROM ${table}
    WHERE ${whereTime(period)} GROUP BY unit ORDER BY unit`;
  const lines = (await text(await queries.query(sql, 'TSV'))).split('\n').filter((line) => line !== '');
  return new Map(
    lines.map((line) => {
      const [unit, rows] = line.split('\t').map(Number);
      return [(unit ?? 0) * unitMs, rows ?? 0];
    }),
  );
}

/** What went wrong, and what to do. */
function advised(error: unknown, { output, by, format }: ExportOptions): unknown {
  const again = 'the files that are there are whole; the same command goes on behind them';
  if (error instanceof TooManyRows) {
    const what = by === undefined ? 'add --by day' : 'use --format csv, which is written as it is read';
    return new CommandError(`more than ${PARQUET_ROWS_MAX} rows do not fit one Parquet file here: ${what}`);
  }
  if (error instanceof QueryError) {
    const large = /TOO_MANY_ROWS_OR_BYTES|TIMEOUT_EXCEEDED|MEMORY_LIMIT_EXCEEDED/.test(error.message);
    const advice = large && format === 'parquet' ? `; use --by hour, or --format csv; ${again}` : `; ${again}`;
    return new CommandError(`${error.message}${advice}`);
  }
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') return new CommandError(`no room left in ${output}: free some; ${again}`);
  if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM') {
    return new CommandError(`${output} can not be written to: choose another --output`);
  }
  if (code === 'ENOTDIR' || code === 'EEXIST')
    return new CommandError(`${output} is no folder: choose another --output`);
  return error;
}
