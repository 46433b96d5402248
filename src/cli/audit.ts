import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type AuditReport, audit } from '#audit/audit';
import { LedgerSide } from '#audit/ledger-side';
import { type AuditRange, Tables } from '#audit/tables';
import { clickhouseHref } from '#base/config/href';
import { loadConfig } from '#base/config/load';
import { QueryError } from '#books/analytics/query-client';
import { LEDGER_FILE, type LedgerDatabase, LedgerError, readLedger } from '#books/ledger/ledger-db';
import { CommandError, type ExitCode, exitCodes, type Io, paint } from './io.ts';
import { progressBar } from './progress-bar.ts';

export interface AuditOptions {
  readonly config?: string;
  readonly json?: boolean;
  /** As `Date` reads them. */
  readonly from?: string;
  readonly to?: string;
}

/** `sluice audit`: everything computed again from the tables. Exit code 1 if something is kept otherwise, each by name. */
export async function runAudit(options: AuditOptions, io: Io): Promise<ExitCode> {
  const config = loadConfig({ file: options.config, env: io.env });
  const range: AuditRange = { fromMs: momentOf('--from', options.from), toMs: momentOf('--to', options.to) };
  const url = config.clickhouse && clickhouseHref(config.clickhouse);
  const waiting = (): void => {
    io.stderr.write('sluice: waiting for ClickHouse to start; another query on this data folder may come first\n');
  };
  const startedMs = performance.now();
  let tables: Tables | undefined;
  let ledger: LedgerDatabase | undefined;
  try {
    tables = await Tables.open({ folder: config.data, name: config.name, ...(url !== undefined && { url }) }, waiting);
    ledger = ledgerOf(config.data);
    const report = await audit(range, {
      tables,
      ledger: ledger && ((differences) => new LedgerSide(ledger as LedgerDatabase, differences)),
      progress: sharesBar(io),
    });
    return show(report, (performance.now() - startedMs) / 1000, options, io);
  } catch (error) {
    if (error instanceof QueryError || error instanceof LedgerError) throw new CommandError(error.message);
    throw error;
  } finally {
    ledger?.close();
    await tables?.close();
  }
}

/** The ledger as it is now, until it is closed; undefined if there is none. */
function ledgerOf(folder: string): LedgerDatabase | undefined {
  if (!existsSync(join(folder, LEDGER_FILE))) return undefined;
  const ledger = readLedger(folder);
  ledger.exec('BEGIN');
  return ledger;
}

function momentOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) {
    throw new CommandError(
      `${option} ${text} is no time; write it as 2026-01-31 or 2026-01-31T12:00:00Z`,
      exitCodes.usage,
    );
  }
  return ms;
}

function sharesBar(io: Io): (done: number, all: number) => void {
  const startedMs = performance.now();
  return progressBar(io, (done, all) => {
    const rate = Math.round(done / Math.max(0.001, (performance.now() - startedMs) / 1000));
    return `${count(done)} of ${count(all)} shares, ${count(rate)}/s`;
  });
}

function show(report: AuditReport, seconds: number, { json }: AuditOptions, io: Io): ExitCode {
  const { jobs, shares, hashed, blocks, differences, differencesTotal, skipped } = report;
  const holds = differencesTotal === 0;
  if (json === true) {
    const { differencesTotal: differences_total, ...rest } = report;
    io.stdout.write(`${JSON.stringify({ holds, seconds, ...rest, differences_total })}\n`);
    return holds ? exitCodes.fine : exitCodes.failed;
  }
  for (const { subject, detail } of differences) {
    io.stdout.write(`${paint(io, io.stdout, 'red', subject)}: ${detail}\n`);
  }
  const unnamed = differencesTotal - differences.length;
  if (unnamed > 0) io.stdout.write(`and ${count(unnamed)} more\n`);
  for (const reason of skipped) io.stdout.write(`${paint(io, io.stdout, 'yellow', 'not looked at')}: ${reason}\n`);
  io.stdout.write(
    `${count(shares)} shares of ${count(jobs)} jobs and ${count(blocks)} blocks in ${seconds.toFixed(1)} s; ${count(hashed)} shares were hashed again.\n`,
  );
  const verdict = holds
    ? paint(io, io.stdout, 'green', 'Everything comes out as it is kept.')
    : paint(io, io.stdout, 'red', `${count(differencesTotal)} differences.`);
  io.stdout.write(`${verdict}\n`);
  return holds ? exitCodes.fine : exitCodes.failed;
}

function count(many: number): string {
  return many.toLocaleString('en');
}
