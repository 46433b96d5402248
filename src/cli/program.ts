import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { SIMULATED_PAYOUT_ADDRESS } from '#base/config/defaults';
import { ConfigError } from '#base/config/problem';
import { hashAccount } from './account.ts';
import { addExport, addSql } from './analyst-commands.ts';
import { type AuditOptions, runAudit } from './audit.ts';
import { type BackupOptions, runBackup, runRestore } from './backup.ts';
import { addBan, type BansOptions, liftBan, listBans } from './bans.ts';
import { type BenchOptions, bench } from './bench.ts';
import { check, keyHelp } from './check.ts';
import { configOption, type Done, examples } from './command-parts.ts';
import { type ExplainOptions, explainCredit } from './explain.ts';
import { CommandError, type ExitCode, exitCodes, type Io, paint } from './io.ts';
import { type LedgerOptions, ledgerBalances, ledgerBlocks, ledgerCheck, ledgerRebuild } from './ledger.ts';
import { mine } from './miner.ts';
import {
  adoptPayout,
  changePayout,
  exportPayout,
  importPayout,
  listPayouts,
  type PayoutOptions,
  planPayout,
  runPayout,
  showPayout,
} from './payout.ts';
import { type SimulateOptions, simulate } from './simulate.ts';
import { start } from './start.ts';
import { version } from './version.ts';

/** Runs the command line (without node and script); resolves with the exit code, never rejects. */
export async function run(args: readonly string[], io: Io): Promise<ExitCode> {
  let exitCode: ExitCode = exitCodes.fine;
  const program = build(io, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    return explain(error, io);
  }
}

function explain(error: unknown, io: Io): ExitCode {
  // commander has written its message already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.fine : exitCodes.usage;
  const prefix = paint(io, io.stderr, 'red', 'sluice:');
  if (error instanceof ConfigError) {
    io.stderr.write(`${prefix} ${error.message}\nNothing was started. Every key and its bounds: sluice check --help\n`);
    return exitCodes.usage;
  }
  if (error instanceof CommandError) {
    io.stderr.write(`${prefix} ${error.message}\n`);
    return error.exitCode;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  io.stderr.write(`${prefix} unexpected error, please report it: ${text}\n`);
  return exitCodes.failed;
}

function build(io: Io, done: Done): Command {
  const program = new Command('sluice')
    .description('A Bitcoin mining pool: Stratum in, durable shares, SQL over every one of them')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .configureOutput({ writeOut: (text) => void io.stdout.write(text), writeErr: (text) => void io.stderr.write(text) })
    .showHelpAfterError('(sluice --help, or sluice <command> --help, tells more)')
    .exitOverride()
    .addHelpText(
      'after',
      examples('sluice start', 'sluice miner', "sluice sql 'SELECT verdict, count() FROM shares GROUP BY verdict'"),
    );
  addStart(program, io, done);
  addCheck(program, io, done);
  addBench(program, io, done);
  addMiner(program, io, done);
  addSql(program, io, done);
  addExport(program, io, done);
  addPayout(program, io, done);
  addBans(program, io, done);
  addAccount(program, io, done);
  addLedger(program, io, done);
  addExplain(program, io, done);
  addAudit(program, io, done);
  addBackup(program, io, done);
  addSimulate(program, io, done);
  return program;
}

function addStart(program: Command, io: Io, done: Done): void {
  program
    .command('start')
    .description('start the pool; without a config everything is embedded, and nothing leaves this machine')
    .addOption(configOption())
    .option('--json', 'print the endpoints as a JSON object instead of "sluice ready …"')
    .addHelpText(
      'after',
      examples('sluice start', 'sluice start --config sluice.toml', 'SLUICE_STRATUM__TCP=0.0.0.0:3333 sluice start'),
    )
    .action(async (options: { config?: string; json?: boolean }) => done(await start(options, io)));
}

function addCheck(program: Command, io: Io, done: Done): void {
  program
    .command('check')
    .description('check the config and its certificate, and show the settings in force; starts nothing')
    .addOption(configOption())
    .option('--json', 'print the result as JSON')
    .addHelpText('after', `${keyHelp()}${examples('sluice check --config sluice.toml')}`)
    .action((options: { config?: string; json?: boolean }) => done(check(options, io)));
}

function addBench(program: Command, io: Io, done: Done): void {
  program
    .command('bench')
    .description('measure how many shares and miners this machine can serve, beside upper bounds from the same run')
    .argument('[names...]', 'benchmarks to run, or "all"; without names a quick look of about three minutes')
    .option('--list', 'list the benchmarks')
    .option('--quick', 'short runs, one round')
    .option('--full', 'long runs, more rounds; without names every benchmark')
    .option('--json', 'print one JSON object per benchmark')
    .option(
      '--beside <pool>',
      'a running pool to measure in the same rounds: NAME=stratum+tcp://127.0.0.1:PORT,pid=PID',
      (pool: string, before: string[] = []) => [...before, pool],
    )
    .option('--report <file>', 'write a page with the results and their plots')
    .option('--compare <file...>', 'measure nothing: compare two files of results, before and after, knowing the noise')
    .addHelpText(
      'after',
      examples(
        'sluice bench',
        'sluice bench stratum-tcp',
        'sluice bench --full',
        'sluice bench --compare before.json after.json',
      ),
    )
    .action(async (names: string[], options: BenchOptions) => done(await bench(names, options, io)));
}

function addMiner(program: Command, io: Io, done: Done): void {
  program
    .command('miner')
    .description('mine with the CPU and the kernel that verifies shares; for trying a pool, not for earning')
    .option(
      '--url <url>',
      'the pool: stratum+tcp://host:port or stratum+ws://host:port',
      'stratum+tcp://127.0.0.1:3333',
    )
    .option('--user <name>', 'user name: a payable address, a dot and a worker name', `${SIMULATED_PAYOUT_ADDRESS}.cpu`)
    .option('--password <text>', 'password', 'x')
    .option('--threads <count>', 'number of hashing threads', whole(1, 256), 1)
    .option('--duration <seconds>', 'stop after this time', whole(1, 31_536_000))
    .option('--json', 'print the result as a JSON object at the end')
    .addHelpText(
      'after',
      examples('sluice miner', 'sluice miner --url stratum+ws://127.0.0.1:3334 --duration 60 --json'),
    )
    .action(async (options: Parameters<typeof mine>[0]) => done(await mine(options, io)));
}

function addAccount(program: Command, io: Io, done: Done): void {
  program
    .command('account')
    .description('accounts of a pool whose stratum.authorization is "accounts"')
    .addHelpText('after', examples('printf \'%s\' "$PASSWORD" | sluice account hash'))
    .command('hash')
    .description('print the password-hash of the password on standard input, for [stratum.accounts.NAME]')
    .option('--json', 'print as JSON')
    .action(async (options: { json?: boolean }) => done(await hashAccount(options, io)));
}

function addPayout(program: Command, io: Io, done: Done): void {
  const payout = program
    .command('payout')
    .description('pay what the books owe, and look at what was paid')
    .addHelpText('after', examples('sluice payout plan', 'sluice payout run', 'sluice payout list --json'));
  const command = (text: string, description: string): Command =>
    payout.command(text).description(description).addOption(configOption()).option('--json', 'print as JSON');
  command('plan', 'show who would be paid now, and why others would not; changes nothing').action(
    async (options: PayoutOptions) => done(await planPayout(options, io)),
  );
  command('run', 'pay now, one batch').action(async (options: PayoutOptions) => done(await runPayout(options, io)));
  command('list', 'list payouts, newest first').action((options: PayoutOptions) => done(listPayouts(options, io)));
  command('show', 'show a payout: who gets what, and its transactions')
    .argument('<id>', 'as it is listed')
    .action((id: string, options: PayoutOptions) => done(showPayout(id, options, io)));
  command('export', 'print the PSBT of a payout (payout.method = "psbt"), to be signed elsewhere')
    .argument('<id>', 'as it is listed')
    .option('--output <file>', 'write it to a file instead')
    .action(async (id: string, options: Parameters<typeof exportPayout>[1]) =>
      done(await exportPayout(id, options, io)),
    );
  command('import', 'take a signed PSBT or transaction, and send it')
    .argument('<file>', 'base64, binary or hex; - reads standard input')
    .action(async (file: string, options: PayoutOptions) => done(await importPayout(file, options, io)));
  const change = (
    verb: Parameters<typeof changePayout>[0],
    description: string,
    argument: string,
    what: string,
  ): void => {
    command(verb, description)
      .argument(argument, what)
      .action(async (value: string, options: PayoutOptions) => done(await changePayout(verb, value, options, io)));
  };
  change(
    'cancel',
    'cancel a payout; if it may have been sent, send a conflicting transaction',
    '<id>',
    'as it is listed',
  );
  command('adopt', 'take over a payout that this ledger, restored from a backup, does not know; see sluice payout list')
    .argument('<txid>', 'as it is listed')
    .action(async (txid: string, options: PayoutOptions) => done(await adoptPayout(txid, options, io)));
  change('accept', 'resolve a transaction that has stopped payouts', '<txid>', 'as it is listed');
  change('retry', 'pay an account again that was set aside', '<account>', 'as it is listed');
}

function addBans(program: Command, io: Io, done: Done): void {
  const bans = program
    .command('bans')
    .description('list and change bans, while the pool runs or when it is stopped')
    .addHelpText(
      'after',
      examples('sluice bans list', 'sluice bans lift 203.0.113.7', 'sluice bans add 198.51.100.0/24 --for 7d'),
    );
  const command = (text: string, description: string): Command =>
    bans.command(text).description(description).addOption(configOption()).option('--json', 'print as JSON');
  command('list', 'list the bans in force').action(async (options: BansOptions) => done(await listBans(options, io)));
  command('lift', 'end a ban')
    .argument('<address>', 'as it is listed')
    .action(async (address: string, options: BansOptions) => done(await liftBan(address, options, io)));
  command('add', 'ban an address; its connections are closed at once')
    .argument('<address>', 'an IP address, or a range such as 203.0.113.0/24')
    .requiredOption('--for <time>', 'how long: 90s, 10m, 1h, 7d')
    .option('--reason <text>', 'shown in the list')
    .action(async (address: string, options: Parameters<typeof addBan>[1]) => done(await addBan(address, options, io)));
}

function addLedger(program: Command, io: Io, done: Done): void {
  const ledger = program
    .command('ledger')
    .description("read and check the pool's books, while it runs or when it is stopped")
    .addHelpText('after', examples('sluice ledger balances', 'sluice ledger blocks --json', 'sluice ledger check'));
  const command = (text: string, description: string): Command =>
    ledger.command(text).description(description).addOption(configOption()).option('--json', 'print as JSON');
  command('balances', 'what each account has earned and was paid').action((options: LedgerOptions) =>
    done(ledgerBalances(options, io)),
  );
  command('blocks', 'the blocks that the pool found, and how their rewards are divided').action(
    (options: LedgerOptions) => done(ledgerBlocks(options, io)),
  );
  command('rebuild', 'rebuild the books from their entries; exit code 1 if the result differs')
    .requiredOption('--check', 'compare byte for byte, and change nothing')
    .action((options: LedgerOptions) => done(ledgerRebuild(options, io)));
  command('check', 'check every invariant of the books; exit code 1 if one does not hold').action(
    async (options: LedgerOptions) => done(await ledgerCheck(options, io)),
  );
}

function addExplain(program: Command, io: Io, done: Done): void {
  program
    .command('explain')
    .description('recompute what a block credits to an account, down to its shares; exit code 1 if the books differ')
    .requiredOption('--account <name>', 'as it stands in the books')
    .option('--block <hash>', 'a block of the pool; without it the newest that credits the account')
    .addOption(configOption())
    .option('--json', 'print as JSON')
    .addHelpText('after', examples('sluice explain --account bc1q…', 'sluice explain --account bc1q… --block 0000…'))
    .action((options: ExplainOptions) => done(explainCredit(options, io)));
}

function addAudit(program: Command, io: Io, done: Done): void {
  program
    .command('audit')
    .description('recompute hashes, verdicts, slices, rewards and books from the tables; exit code 1 if one differs')
    .option('--from <time>', 'jobs made at this time or later, with all of their shares')
    .option('--to <time>', 'jobs made before this time')
    .addOption(configOption())
    .option('--json', 'print as JSON')
    .addHelpText('after', examples('sluice audit', 'sluice audit --from 2026-01-01 --to 2026-02-01 --json'))
    .action(async (options: AuditOptions) => done(await runAudit(options, io)));
}

function addBackup(program: Command, io: Io, done: Done): void {
  const command = (name: string, description: string, argument: string, what: string): Command =>
    program
      .command(name)
      .description(description)
      .argument(argument, what)
      .addOption(configOption())
      .option('--json', 'print as JSON');
  command(
    'backup',
    'copy the books, the share log and the tables, while the pool runs or when it is stopped',
    '<folder>',
    'becomes the backup; new, or empty',
  )
    .addHelpText('after', examples('sluice backup /backups/2026-11-30 --config sluice.toml'))
    .action(async (folder: string, options: BackupOptions) => done(await runBackup(folder, options, io)));
  command('restore', 'make the data folder of a backup', '<folder>', 'the backup')
    .option('--check', 'look whether the backup is whole; writes nothing')
    .addHelpText(
      'after',
      examples('sluice restore --check /backups/2026-11-30', 'sluice restore /backups/2026-11-30 --config sluice.toml'),
    )
    .action(async (folder: string, options: BackupOptions & { check?: boolean }) =>
      done(await runRestore(folder, options, io)),
    );
}

function addSimulate(program: Command, io: Io, done: Done): void {
  program
    .command('simulate')
    .description('try the pool on simulated histories')
    .addHelpText('after', examples('sluice simulate rewards', 'sluice simulate rewards --plot rewards.svg'))
    .command('rewards')
    .description(
      'compare the reward schemes with theory over simulated blocks; exit code 1 if a figure is out of its tolerance',
    )
    .option('--blocks <count>', 'blocks of each history', whole(1_000, 10_000_000), 100_000)
    .option('--seed <number>', 'the same seed gives the same numbers', whole(0, 999_999_999), 1)
    .option('--plot <file>', 'write a plot as an SVG file')
    .option('--json', 'print as JSON')
    .action((options: SimulateOptions) => done(simulate(options, io)));
}

function whole(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^[0-9]{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}
