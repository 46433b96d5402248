import { loadConfig } from '#base/config/load';
import { minerBalances, own } from '#books/ledger/entries/accounts';
import { EntryBook } from '#books/ledger/entries/book';
import { checkEntries } from '#books/ledger/entries/check';
import { type LedgerDatabase, LedgerError, readLedger } from '#books/ledger/ledger-db';
import { CommandError, type ExitCode, exitCodes, type Io, paint } from './io.ts';
import { table } from './table.ts';

export interface LedgerOptions {
  readonly config?: string;
  readonly json?: boolean;
}

/** `sluice ledger balances`: what each account has earned, and what the pool has. */
export function ledgerBalances(options: LedgerOptions, io: Io): ExitCode {
  const balances = withLedger(options, io, (database) => new EntryBook(database).balances());
  const accounts = minerBalances(balances);
  const earned = (name: string): bigint => -(balances.get(name) ?? 0n);
  const pool = {
    fee_sats: earned(own.fee),
    donation_sats: earned(own.donation),
    rounding_sats: earned(own.rounding),
    pps_reserve_sats: earned(own.ppsReserve),
    network_fees_sats: earned(own.networkFees),
  };
  if (options.json === true) {
    const shown = accounts.map(({ account, immatureSats, payableSats, inFlightSats, paidSats }) => ({
      account,
      immature_sats: immatureSats,
      payable_sats: payableSats,
      in_flight_sats: inFlightSats,
      paid_sats: paidSats,
    }));
    io.stdout.write(`${toJson({ accounts: shown, pool })}\n`);
    return exitCodes.fine;
  }
  const columns = ['immature', 'payable', 'in flight', 'paid'].map((title) => ({
    title: `${title} sats`,
    numeric: true,
  }));
  const rows = accounts.map(({ account, immatureSats, payableSats, inFlightSats, paidSats }) => [
    account,
    ...[immatureSats, payableSats, inFlightSats, paidSats].map(String),
  ]);
  io.stdout.write(table([{ title: 'account' }, ...columns], rows));
  const poolRows = Object.entries(pool).map(([name, sats]) => [
    name.replace(/_sats$/, '').replaceAll('_', ' '),
    String(sats),
  ]);
  io.stdout.write(`\n${table([{ title: 'pool' }, { title: 'sats', numeric: true }], poolRows)}`);
  return exitCodes.fine;
}

/** `sluice ledger check`: exit code 0 if every invariant of the books holds, 1 with each fault named if not. */
export function ledgerCheck(options: LedgerOptions, io: Io): ExitCode {
  const { faults, head } = withLedger(options, io, (database) => ({
    faults: checkEntries(database),
    head: new EntryBook(database).head(),
  }));
  const holds = faults.length === 0;
  if (options.json === true) io.stdout.write(`${toJson({ holds, ...head, faults })}\n`);
  else if (holds) io.stdout.write(`The books hold: ${head.entries} entries, head ${head.hash}.\n`);
  else {
    for (const { invariant, detail } of faults) {
      io.stdout.write(`${paint(io, io.stdout, 'red', invariant)}: ${detail}\n`);
    }
    io.stdout.write(`The books do not hold: ${faults.length} fault${faults.length === 1 ? '' : 's'}.\n`);
  }
  return holds ? exitCodes.fine : exitCodes.failed;
}

/** Reads the ledger of the config's data folder as it is at one moment, whether a pool runs or not. */
function withLedger<T>(options: LedgerOptions, io: Io, read: (database: LedgerDatabase) => T): T {
  const { data } = loadConfig({ file: options.config, env: io.env });
  try {
    const database = readLedger(data);
    try {
      return database.transaction(() => read(database))();
    } finally {
      database.close();
    }
  } catch (error) {
    throw error instanceof LedgerError ? new CommandError(error.message) : error;
  }
}

/** JSON with satoshis and work as decimal strings. */
function toJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? String(inner) : inner));
}
