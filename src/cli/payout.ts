import { readFileSync, writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import type { Config } from '#base/config/config';
import { loadConfig } from '#base/config/load';
import type { Logger } from '#base/domain/ports';
import type { Wallet } from '#base/domain/wallet';
import { limits } from '#base/limits';
import { systemClock } from '#base/std/system-clock';
import { createLogger, formatFor } from '#base/telemetry/logger';
import { chainMismatch } from '#books/ledger/blocks/chain-guard';
import { checkLedger } from '#books/ledger/check';
import { minerBalances } from '#books/ledger/entries/accounts';
import { EntryBook } from '#books/ledger/entries/book';
import { LedgerError, openLedger, readLedger } from '#books/ledger/ledger-db';
import { answerPayout, type PayoutQuestion } from '#books/ledger/payouts/answers';
import { newPayoutId } from '#books/ledger/payouts/new-id';
import { askPayouts } from '#books/ledger/payouts/payout-server';
import { Payouts } from '#books/ledger/payouts/payouts';
import { planPayouts } from '#books/ledger/payouts/plan';
import {
  type ShownInFull,
  type ShownList,
  type ShownPlan,
  type ShownRun,
  shownInFull,
  shownList,
  shownPlan,
} from '#books/ledger/payouts/shown';
import { PayoutStore } from '#books/ledger/payouts/store';
import { payoutRules } from '#pool/payout-rules';
import { createWallet } from '#pool/wallet';
import { CommandError, type ExitCode, exitCodes, type Io } from './io.ts';
import { table } from './table.ts';

export interface PayoutOptions {
  readonly config?: string;
  readonly json?: boolean;
}

/** `sluice payout plan`: who would be paid now, and who not and why. Changes nothing. */
export async function planPayout(options: PayoutOptions, io: Io): Promise<ExitCode> {
  const shown = await ask<ShownPlan>({ verb: 'plan', argument: '' }, options, io);
  if (options.json === true) return json(shown, io);
  for (const [index, { accounts, debit_sats, items }] of shown.batches.entries()) {
    io.stdout.write(`Batch ${index + 1}: ${accounts} accounts, ${debit_sats} sats at ${shown.fee_rate} sat/vB\n`);
    const rows = items.map(({ account, sats, fee_sats, output_sats }) => [account, sats, fee_sats, output_sats]);
    io.stdout.write(table([{ title: 'account' }, ...numeric('owed sats', 'fee sats', 'gets sats')], rows));
  }
  if (shown.batches.length === 0) io.stdout.write('Nobody is paid now.\n');
  writeLeft(shown.left, io);
  if (shown.alarm !== undefined) io.stdout.write(`\nPayouts have stopped: ${shown.alarm}\n`);
  return exitCodes.fine;
}

/** `sluice payout run`: pays what is planned, one batch. Exit code 1 if somebody is to be paid and nobody was. */
export async function runPayout(options: PayoutOptions, io: Io): Promise<ExitCode> {
  const shown = await ask<ShownRun>({ verb: 'run', argument: '' }, options, io);
  const code = shown.payout === null && shown.reason !== undefined ? exitCodes.failed : exitCodes.fine;
  if (options.json === true) {
    json(shown, io);
    return code;
  }
  if (shown.payout !== null) writeBatch(shown.payout, io);
  else if (shown.reason === undefined) io.stdout.write('Nobody is to be paid now: sluice payout plan says why.\n');
  if (shown.reason !== undefined) io.stdout.write(`${shown.reason}\n`);
  if (shown.batches_left > 0) io.stdout.write(`${shown.batches_left} batches follow when it is in a block.\n`);
  return code;
}

/** `sluice payout list`: payouts, newest first, and what keeps accounts from being paid. */
export function listPayouts(options: PayoutOptions, io: Io): ExitCode {
  const shown: ShownList = withStore(options, io, (store) =>
    shownList(store.list(limits.payoutsListed), store.aside(), store.outsiders()),
  );
  if (options.json === true) return json(shown, io);
  const columns = [
    ...['id', 'state', 'created'].map((title) => ({ title })),
    ...numeric('accounts', 'sats', 'fee sats'),
  ];
  const rows = shown.payouts.map((one) => [
    ...[one.id, one.state, one.created, String(one.accounts), one.output_sats, one.fee_sats, one.txid ?? ''],
  ]);
  io.stdout.write(table([...columns, { title: 'txid' }], rows));
  for (const { id, trouble } of shown.payouts) {
    if (trouble !== undefined) io.stdout.write(`${id}: ${trouble}\n`);
  }
  for (const { account, reason } of shown.aside) io.stdout.write(`set aside: ${account}: ${reason}\n`);
  for (const { txid, sats } of shown.outsiders) {
    io.stdout.write(`payouts have stopped: transaction ${txid} spends ${sats} sats and is none of this ledger's\n`);
  }
  return exitCodes.fine;
}

/** `sluice payout show ID`: who gets what, and each transaction. */
export function showPayout(id: string, options: PayoutOptions, io: Io): ExitCode {
  const batch = withStore(options, io, (store) => store.find(id));
  if (batch === undefined) throw new CommandError(`there is no payout ${id}`, exitCodes.usage);
  const shown = shownInFull(batch);
  if (options.json === true) return json(shown, io);
  writeBatch(shown, io);
  return exitCodes.fine;
}

/** `sluice payout export ID`: the PSBT that is to be signed, in base64. */
export async function exportPayout(
  id: string,
  options: PayoutOptions & { readonly output?: string },
  io: Io,
): Promise<ExitCode> {
  const shown = await ask<{ psbt: string; txid: string }>({ verb: 'export', argument: id }, options, io);
  if (options.output !== undefined) writeFileSync(options.output, `${shown.psbt}\n`, { mode: 0o600 });
  if (options.json === true) return json(shown, io);
  io.stdout.write(options.output === undefined ? `${shown.psbt}\n` : `written to ${options.output}\n`);
  return exitCodes.fine;
}

/** `sluice payout import FILE`: a signed PSBT, in base64 or binary, or a signed transaction in hex. */
export async function importPayout(file: string, options: PayoutOptions, io: Io): Promise<ExitCode> {
  const given = file === '-' ? Buffer.from(await text(process.stdin)) : readFile(file);
  // BIP174: a binary PSBT begins with "psbt" and 0xff.
  const isBinary = given.subarray(0, 5).equals(Buffer.from([0x70, 0x73, 0x62, 0x74, 0xff]));
  const signed = isBinary ? given.toString('base64') : given.toString('utf8');
  const shown = await ask<{ id: string; txid: string }>({ verb: 'import', argument: signed }, options, io);
  if (options.json === true) return json(shown, io);
  io.stdout.write(`payout ${shown.id} is signed: transaction ${shown.txid}\n`);
  return exitCodes.fine;
}

/** `sluice payout cancel ID`, `accept TXID` and `retry ACCOUNT`. */
export async function changePayout(
  verb: 'cancel' | 'accept' | 'retry',
  argument: string,
  options: PayoutOptions,
  io: Io,
): Promise<ExitCode> {
  const shown = await ask<Record<string, string>>({ verb, argument }, options, io);
  if (options.json === true) return json(shown, io);
  io.stdout.write(
    `${Object.entries(shown)
      .map(([name, value]) => `${name}: ${value}`)
      .join('\n')}\n`,
  );
  return exitCodes.fine;
}

/** `sluice payout adopt TXID`: a payout that was made after the copy that this ledger was restored from becomes one of its own. */
export async function adoptPayout(txid: string, options: PayoutOptions, io: Io): Promise<ExitCode> {
  const shown = await ask<ShownInFull>({ verb: 'adopt', argument: txid }, options, io);
  if (options.json === true) return json(shown, io);
  writeBatch(shown, io);
  return exitCodes.fine;
}

/** The answer of the running pool's ledger, or of the stopped pool's, which is locked meanwhile. */
async function ask<T>(question: PayoutQuestion, options: PayoutOptions, io: Io): Promise<T> {
  const config = loadConfig({ file: options.config, env: io.env });
  const running = await askPayouts(config.data, question);
  const { status, body } = running ?? (await askLedger(question, config, io));
  if (status === 200) return JSON.parse(body) as T;
  const { error } = JSON.parse(body) as { error: string };
  throw new CommandError(error, status === 400 ? exitCodes.usage : exitCodes.failed);
}

async function askLedger(question: PayoutQuestion, config: Config, io: Io): Promise<{ status: number; body: string }> {
  const wallet = createWallet(config, { spare: { release: () => false } });
  if (wallet === undefined && question.verb === 'plan') return planWithoutWallet(config);
  if (wallet === undefined) {
    throw new CommandError("the embedded node's wallet is a part of the pool: start the pool first");
  }
  try {
    return await onLedger(question, config, wallet, createLogger({ level: 'warn', ...formatFor(io.stderr, io.env) }));
  } finally {
    wallet.close();
  }
}

/** The plan of a stopped pool whose wallet stopped with it, at the lowest fee rate. */
function planWithoutWallet(config: Config): { status: number; body: string } {
  const rules = payoutRules(config);
  const plan = inLedger(() => {
    const database = readLedger(config.data);
    try {
      const balances = minerBalances(new EntryBook(database).balances());
      return planPayouts({
        ...{ rules, balances, aside: new PayoutStore(database).aside(), feeRate: rules.feeRateMin },
      });
    } finally {
      database.close();
    }
  });
  return { status: 200, body: JSON.stringify(shownPlan(plan, undefined)) };
}

async function onLedger(question: PayoutQuestion, config: Config, wallet: Wallet, logger: Logger) {
  const ledger = inLedger(() => openLedger(config.data));
  try {
    const [fault] = checkLedger(ledger.database);
    const fallen = fault && `the books do not hold: ${fault.invariant}: ${fault.detail}`;
    const payouts = new Payouts(payoutRules(config), {
      ...{ database: ledger.database, wallet, clock: systemClock, logger },
      newId: newPayoutId,
      halted: () => chainMismatch(ledger.database) ?? fallen,
    });
    return await answerPayout(question, payouts);
  } finally {
    ledger.close();
  }
}

function withStore<T>(options: PayoutOptions, io: Io, read: (store: PayoutStore) => T): T {
  const { data } = loadConfig({ file: options.config, env: io.env });
  return inLedger(() => {
    const database = readLedger(data);
    try {
      return database.transaction(() => read(new PayoutStore(database)))();
    } finally {
      database.close();
    }
  });
}

function inLedger<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw error instanceof LedgerError ? new CommandError(error.message) : error;
  }
}

function readFile(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new CommandError(error instanceof Error ? error.message : String(error), exitCodes.usage);
  }
}

function numeric(...titles: string[]) {
  return titles.map((title) => ({ title, numeric: true }));
}

function writeLeft(left: ShownPlan['left'], io: Io): void {
  if (left.length === 0) return;
  const rows = left.map(({ account, sats, why, detail }) => [account, sats, `${why}: ${detail}`]);
  io.stdout.write(`\n${table([{ title: 'not paid' }, ...numeric('sats'), { title: 'because' }], rows)}`);
}

function writeBatch(shown: ShownInFull, io: Io): void {
  const { id, state, output_sats, fee_sats, accounts, items, transactions, trouble } = shown;
  io.stdout.write(`payout ${id} is ${state}: ${output_sats} sats to ${accounts} accounts, fee ${fee_sats} sats\n`);
  const rows = items.map(({ account, sats, fee_sats: fee, output_sats: gets }) => [account, sats, fee, gets]);
  io.stdout.write(table([{ title: 'account' }, ...numeric('owed sats', 'fee sats', 'gets sats')], rows));
  for (const { kind, txid, signed, fee_rate } of transactions) {
    io.stdout.write(`${kind} ${txid} at ${fee_rate} sat/vB${signed ? '' : ', not signed'}\n`);
  }
  if (trouble !== undefined) io.stdout.write(`${trouble}\n`);
}

function json(value: object, io: Io): ExitCode {
  io.stdout.write(`${JSON.stringify(value)}\n`);
  return exitCodes.fine;
}
