import { type BackupReport, backup } from '#backup/backup';
import { BackupError } from '#backup/backup-error';
import { type Checked, checkBackup, restore } from '#backup/restore';
import { clickhouseHref } from '#base/config/href';
import { loadConfig } from '#base/config/load';
import { QueryError } from '#books/analytics/query-client';
import { LedgerError } from '#books/ledger/ledger-db';
import { BAN_FILE } from '#front/net/door/ban-file';
import { SIMULATED_FILES } from '#pool/node';
import { CommandError, type ExitCode, exitCodes, type Io, paint } from './io.ts';
import { progressBar } from './progress-bar.ts';
import { version } from './version.ts';

export interface BackupOptions {
  readonly config?: string;
  readonly json?: boolean;
}

/** `sluice backup DIR`: copies a running or a stopped pool's data folder. */
export async function runBackup(target: string, options: BackupOptions, io: Io): Promise<ExitCode> {
  const { data, network, name, clickhouse } = loadConfig({ file: options.config, env: io.env });
  const url = clickhouse && clickhouseHref(clickhouse);
  const startedMs = performance.now();
  const report = await told(() =>
    backup(
      {
        analytics: { folder: data, name, ...(url !== undefined && { url }) },
        ...{ network, target, version, configFile: options.config, nowMs: Date.now() },
        smallFiles: [BAN_FILE, ...SIMULATED_FILES],
      },
      {
        progress: bytesBar(io),
        waiting: () => void io.stderr.write('sluice: waiting for ClickHouse to start\n'),
      },
    ),
  );
  const seconds = (performance.now() - startedMs) / 1000;
  if (options.json === true) io.stdout.write(`${JSON.stringify(shown(target, report, seconds))}\n`);
  else writeReport(target, report, seconds, io);
  return exitCodes.fine;
}

/** `sluice restore DIR`, or with `--check` only a look at the backup, which needs no data folder. Exit code 1 if it is damaged. */
export async function runRestore(
  source: string,
  options: BackupOptions & { readonly check?: boolean },
  io: Io,
): Promise<ExitCode> {
  const { data, network } = loadConfig({ file: options.config, env: io.env });
  const isCheck = options.check === true;
  const checked = await told(() =>
    isCheck ? checkBackup(source, bytesBar(io)) : restore({ source, folder: data, network }, bytesBar(io)),
  );
  const isWhole = checked.faults.length === 0;
  const code = isWhole ? exitCodes.fine : exitCodes.failed;
  if (options.json === true) {
    const { faults, aheadRows } = checked;
    const folder = isCheck || !isWhole ? undefined : data;
    io.stdout.write(
      `${JSON.stringify({ whole: isWhole, faults, ahead_rows: aheadRows, folder, ...summary(checked) })}\n`,
    );
    return code;
  }
  writeChecked(source, checked, io);
  if (!isWhole) return code;
  if (!isCheck) {
    io.stdout.write(
      `Restored into ${data}. Start the pool with sluice start; then look at sluice payout list: what was paid since the backup\nwas made, the restored ledger does not know, and no payout is made before all of it is known.\n`,
    );
  }
  return code;
}

/** Errors that have a message for the user become errors of the command. */
async function told<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    const isKnown = error instanceof BackupError || error instanceof LedgerError || error instanceof QueryError;
    if (isKnown) throw new CommandError(error.message);
    const { code, message } = error as NodeJS.ErrnoException;
    // The system's word on a disk that is full, a folder that may not be written, and so on.
    if (typeof code === 'string' && /^E[A-Z]+$/.test(code)) throw new CommandError(message);
    throw error;
  }
}

function shown(target: string, report: BackupReport, seconds: number) {
  const { madeMs, files, bytes, running, ...rest } = report;
  return { backup: target, made: new Date(madeMs).toISOString(), files, bytes, running, seconds, ...rest };
}

function summary({ manifest: { madeMs, version: madeBy, network, clickhouse, journals, ledger, files } }: Checked) {
  return {
    ...{ made: new Date(madeMs).toISOString(), version: madeBy, network, clickhouse, journals, ledger },
    ...{ files: files.length, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) },
  };
}

function writeReport(target: string, report: BackupReport, seconds: number, io: Io): void {
  const { files, bytes, ledger, journals, clickhouse } = report;
  const batches = journals.map(({ journal, last }) => `${journal} up to batch ${last}`).join(', ');
  io.stdout.write(
    `${target}: ${files.toLocaleString('en')} files, ${mebibytes(bytes)} MiB in ${seconds.toFixed(1)} s\n` +
      `share log: ${batches}\n` +
      `ledger: ${ledger.entries.toLocaleString('en')} entries, the newest ${ledger.hash}\n` +
      `ClickHouse: ${whereTables[clickhouse]}\n`,
  );
}

const whereTables = {
  embedded: 'its tables are in the backup',
  server: 'its tables are on a server: back that up by its own means',
  none: 'no tables, because the optional package chdb is not installed',
} as const;

function writeChecked(source: string, checked: Checked, io: Io): void {
  const { manifest, faults, aheadRows } = checked;
  for (const fault of faults) io.stdout.write(`${paint(io, io.stdout, 'red', 'damaged')}: ${fault}\n`);
  if (faults.length > 0) {
    io.stdout.write(`${source} can not be restored: use another backup.\n`);
    return;
  }
  const { files, bytes, made, version: madeBy } = summary(checked);
  io.stdout.write(
    `${source} is whole: ${files.toLocaleString('en')} files, ${mebibytes(bytes)} MiB, made ${made} by Sluice ${madeBy}\n` +
      `ledger: ${manifest.ledger.entries.toLocaleString('en')} entries, every invariant holds; ${aheadRows.toLocaleString('en')} rows of the share log follow\n` +
      `ClickHouse: ${whereTables[manifest.clickhouse]}\n`,
  );
}

function bytesBar(io: Io): (done: number, all: number) => void {
  return progressBar(io, (done, all) => `${mebibytes(done)} of ${mebibytes(all)} MiB`);
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}
