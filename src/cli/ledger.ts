import { loadConfig } from '#base/config/load';
import { BlockStore, type LedgerBlock } from '#books/ledger/blocks/block-store';
import { checkLedger } from '#books/ledger/check';
import { assets, minerBalances, own } from '#books/ledger/entries/accounts';
import { EntryBook } from '#books/ledger/entries/book';
import { rebuildBooks } from '#books/ledger/entries/rebuild';
import { type LedgerDatabase, LedgerError, memoryLedger, readLedger } from '#books/ledger/ledger-db';
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
    withdrawn_sats: earned(own.withdrawn),
    immature_sats: balances.get(assets.immature) ?? 0n,
    wallet_sats: balances.get(assets.wallet) ?? 0n,
    in_flight_sats: balances.get(assets.inFlight) ?? 0n,
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

/** `sluice ledger blocks`: the blocks that the pool found, and who earned what by each. */
export function ledgerBlocks(options: LedgerOptions, io: Io): ExitCode {
  const { blocks, foreign } = withLedger(options, io, (database) => {
    const store = new BlockStore(database);
    return { blocks: store.all(), foreign: store.foreign() };
  });
  if (options.json === true) {
    io.stdout.write(`${toJson({ blocks: blocks.map(shownBlock) })}\n`);
    return exitCodes.fine;
  }
  const columns = ['height', 'block', 'status', 'confirmations', 'reward sats', 'fee sats', 'accounts'].map(
    (title) => ({
      title,
      numeric: title !== 'block' && title !== 'status',
    }),
  );
  const rows = blocks.map(({ height, hash, status, confirmations, booking, claimedSats }) => [
    ...[String(height), hash, status, String(confirmations), String(booking?.rewardSats ?? claimedSats)],
    ...[
      booking === undefined ? '' : String(booking.feeSats),
      booking === undefined ? '' : String(booking.credits.length),
    ],
  ]);
  io.stdout.write(blocks.length === 0 ? 'No block was found yet.\n' : table(columns, rows));
  for (const { hash, height, sats, reason } of foreign) {
    const warning = paint(io, io.stdout, 'yellow', 'not booked');
    io.stdout.write(`${warning}: block ${hash} at height ${height} pays the pool ${sats} sats, and ${reason}\n`);
  }
  return exitCodes.fine;
}

function shownBlock({ hash, height, status, confirmations, booking, claimedSats }: LedgerBlock) {
  return {
    ...{ hash, height, status, confirmations },
    reward_sats: booking?.rewardSats ?? claimedSats,
    fee_sats: booking?.feeSats ?? 0n,
    donation_sats: booking?.donationSats ?? 0n,
    credits: (booking?.credits ?? []).map(({ account, sats, work }) => ({ account, sats, work })),
  };
}

/** `sluice ledger rebuild --check`: makes the books anew from their entries, in memory, and compares them byte for byte. */
export function ledgerRebuild(options: LedgerOptions, io: Io): ExitCode {
  const tables = withLedger(options, io, (database) => {
    const into = memoryLedger();
    try {
      return rebuildBooks(database, into);
    } finally {
      into.close();
    }
  });
  const same = tables.every(({ difference }) => difference === undefined);
  if (options.json === true) io.stdout.write(`${toJson({ same, tables })}\n`);
  else {
    for (const { table: name, kept, difference } of tables) {
      if (difference === undefined) io.stdout.write(`${name.padEnd(8)}  ${kept}  the same\n`);
      else
        io.stdout.write(
          `${name.padEnd(8)}  ${paint(io, io.stdout, 'red', 'differs')}: ${difference.kept} is kept, ${difference.rebuilt} comes out\n`,
        );
    }
  }
  return same ? exitCodes.fine : exitCodes.failed;
}

/** `sluice ledger check`: exit code 0 if every invariant of the books holds, 1 with each fault named if not. */
export function ledgerCheck(options: LedgerOptions, io: Io): ExitCode {
  const { faults, head } = withLedger(options, io, (database) => ({
    faults: checkLedger(database),
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
export function withLedger<T>(options: LedgerOptions, io: Io, read: (database: LedgerDatabase) => T): T {
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
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? String(inner) : inner));
}
