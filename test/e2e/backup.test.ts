import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { checkBackup, restore } from '#backup/restore';
import { own, payableOf } from '#books/ledger/entries/accounts';
import { EntryBook } from '#books/ledger/entries/book';
import { openLedger } from '#books/ledger/ledger-db';
import { RESTORING_FILE } from '#shares/sharelog/journal/folder-state';
import { findBitcoind } from '../support/bitcoind.ts';
import { startRegtest } from '../support/bitcoind-regtest.ts';
import { expectLedgerAgrees } from '../support/ledger-child.ts';
import { PoolFolder, PoolProcess } from '../support/pool-process.ts';
import { StratumClient } from '../support/stratum-client.ts';
import { expectEachAcknowledgedOnce, Tally } from './tally.ts';

const cli = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const ACCOUNTS = ['bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080', 'mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn'];
/** Whatever is mined here never comes to a wallet. */
const ELSEWHERE = 'bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202';
const bitcoind = await findBitcoind();
if (bitcoind.path === undefined) process.stderr.write(`not run: a backup beside a real bitcoind: ${bitcoind.reason}\n`);
/** When a backup is killed, ms after its start: at another step each time. */
const KILLS_MS = [300, 700, 1_300, 2_200];

interface ShownBackup {
  readonly journals: readonly { readonly journal: string; readonly last: number }[];
  readonly running: boolean;
  readonly clickhouse: string;
}

let folder: PoolFolder | undefined;
let pool: PoolProcess | undefined;
afterEach(async () => {
  pool?.child.kill('SIGKILL');
  await pool?.exited;
  await folder?.remove();
});

/** Mines until told to stop, over one connection after another. */
async function mine(of: PoolProcess, user: string, tally: Tally, stopped: () => boolean): Promise<void> {
  const client = await StratumClient.tcp(of.endpoints.tcp.host, of.endpoints.tcp.port);
  await client.login(user);
  while (!stopped() && !client.closed) await tally.submit(client, client.solve(user));
  client.close();
}

function startMiners(of: PoolProcess, tally: Tally): { stop(): Promise<void> } {
  let isStopped = false;
  const miners = [0, 1, 2].map((i) => mine(of, `${ACCOUNTS[i % 2]}.rig${i}`, tally, () => isStopped));
  return {
    stop: async () => {
      isStopped = true;
      await Promise.allSettled(miners);
    },
  };
}

async function acceptMore(tally: Tally, more: number): Promise<void> {
  const goal = tally.acknowledged.size + more;
  await expect.poll(() => tally.acknowledged.size, { timeout: 60_000 }).toBeGreaterThan(goal);
}

async function told<T>(of: PoolFolder, ...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await of.run(...args, '--json', '--config', of.config);
  if (code !== 0) throw new Error(`${args.join(' ')}: ${stderr}${stdout}`);
  return JSON.parse(stdout) as T;
}

describe('a backup of a pool with two gateways under load', () => {
  it('is restored with every share that was acknowledged before it, and the pool goes on without a double', {
    timeout: 300_000,
  }, async () => {
    const of = new PoolFolder(
      '[node]\nrefresh-seconds = 1\n[stratum]\ngateways = 2\n[stratum.difficulty]\nstart = 1e-9\nvardiff = false\n',
    );
    folder = of;
    const data = join(of.path, 'data');
    const target = join(of.path, 'backup');
    const started = await PoolProcess.start(of);
    pool = started;
    const tally = new Tally();
    const first = startMiners(started, tally);
    await acceptMore(tally, 200);
    await expectKilledLeavesNothing(of, target);
    const before = new Set(tally.acknowledged);
    const shown = await told<ShownBackup>(of, 'backup', target);
    expect(shown).toMatchObject({ running: true, clickhouse: 'embedded' });
    expect(shown.journals.map(({ journal }) => journal)).toEqual(['sharelog', 'sharelog-1', 'sharelog-2']);
    // What comes behind the backup is lost with the folder.
    await acceptMore(tally, 200);
    await started.kill();
    await first.stop();
    renameSync(data, join(of.path, 'lost'));
    await told(of, 'restore', target);
    expect(existsSync(join(data, RESTORING_FILE))).toBe(false);

    const again = await PoolProcess.start(of);
    pool = again;
    const after = new Tally();
    const second = startMiners(again, after);
    await acceptMore(after, 200);
    await second.stop();
    expect(await again.stop()).toBe(0);
    const kept = new Tally();
    for (const share of [...before, ...after.acknowledged]) kept.acknowledged.add(share);
    await expectEachAcknowledgedOnce(of, kept);
    const rows = await expectLedgerAgrees(of);
    expect(rows).toBeGreaterThanOrEqual(kept.acknowledged.size);
    // Nothing is there that nobody was told of.
    expect(rows).toBeLessThanOrEqual(tally.acknowledged.size + after.acknowledged.size);
    const audit = await of.run('audit', '--json', '--config', of.config);
    expect(audit).toMatchObject({ code: 0 });
  });

  /** A backup that is killed has no name, and the next one clears what it left. */
  async function expectKilledLeavesNothing(of: PoolFolder, target: string): Promise<void> {
    let killed = 0;
    for (const ms of KILLS_MS) {
      const child = spawn(process.execPath, [cli, 'backup', target, '--config', of.config]);
      const killing = setTimeout(() => child.kill('SIGKILL'), ms);
      const [code] = (await once(child, 'exit')) as [number | null];
      clearTimeout(killing);
      if (code === 0) {
        rmSync(target, { recursive: true });
      } else killed += 1;
      expect(existsSync(target)).toBe(false);
    }
    // On a quick machine the later ones come too late.
    expect(killed).toBeGreaterThan(0);
  }
});

describe('restore', () => {
  it('refuses a backup that was damaged, and names the file', { timeout: 300_000 }, async () => {
    const of = await stoppedPool();
    const data = join(of.path, 'data');
    const whole = join(of.path, 'whole');
    expect(await told<ShownBackup>(of, 'backup', whole)).toMatchObject({ running: false });
    expect(await told(of, 'restore', '--check', whole)).toMatchObject({ whole: true, faults: [] });
    renameSync(data, join(of.path, 'lost'));
    const part = readdirSync(join(whole, 'data', 'chdb', 'store'), { recursive: true, encoding: 'utf8' }).find((name) =>
      name.endsWith('data.bin'),
    );
    const files = [
      'data/ledger.db',
      'data/sharelog/identity.json',
      'data/sharelog/0000000000000001.segment',
      `data/chdb/store/${part}`,
    ];
    const copy = join(of.path, 'copy');
    for (const file of files) {
      for (const damage of [flip, cut, rmSync]) {
        rmSync(copy, { recursive: true, force: true });
        cpSync(whole, copy, { recursive: true });
        damage(join(copy, file));
        const { faults } = await checkBackup(copy, () => {});
        expect(faults, `${damage.name} ${file}`).toEqual([expect.stringContaining(file)]);
      }
      // What stays of the copy is damaged in the last way.
      const { faults } = await restore({ source: copy, folder: data, network: 'regtest' }, () => {});
      expect(faults).toEqual([expect.stringContaining(file)]);
      expect(existsSync(data)).toBe(false);
    }
    const refused = await of.run('restore', copy, '--config', of.config);
    expect([refused.code, refused.stdout]).toEqual([1, expect.stringContaining(`damaged: ${files.at(-1)}`)]);
    flip(join(whole, 'manifest.json'));
    const { code, stderr } = await of.run('restore', whole, '--config', of.config);
    expect(code).toBe(1);
    expect(stderr).toContain('manifest.json is damaged');
  });

  it('refuses a folder that has something in it, and a chain that is another one', { timeout: 120_000 }, async () => {
    const of = await stoppedPool();
    const backup = join(of.path, 'backup');
    await told(of, 'backup', backup);
    const used = await of.run('restore', backup, '--config', of.config);
    expect([used.code, used.stderr]).toEqual([1, expect.stringContaining('there is something in')]);
    const again = await of.run('backup', backup, '--config', of.config);
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('there is something in')]);
    const inside = await of.run('backup', join(of.path, 'data', 'backup'), '--config', of.config);
    expect([inside.code, inside.stderr]).toEqual([1, expect.stringContaining('in the data folder')]);
    writeFileSync(of.config, `network = "signet"\n${readFileSync(of.config, 'utf8')}`);
    writeFileSync(
      of.config,
      `${readFileSync(of.config, 'utf8')}[node]\nrpc = ["http://a:b@127.0.0.1:1"]\n[payout]\naddress = "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx"\n`,
    );
    const other = await of.run('restore', backup, '--config', of.config);
    expect([other.code, other.stderr]).toEqual([1, expect.stringContaining('is of a pool on regtest')]);
  });

  it('that was cut short leaves a folder on which no pool starts, and can be run again', {
    timeout: 120_000,
  }, async () => {
    const of = await stoppedPool();
    const data = join(of.path, 'data');
    const backup = join(of.path, 'backup');
    await told(of, 'backup', backup);
    rmSync(data, { recursive: true });
    await told(of, 'restore', backup);
    // As if the last step had not come.
    writeFileSync(join(data, RESTORING_FILE), '');
    rmSync(join(data, 'ledger.db'));
    const start = await of.run('start', '--config', of.config);
    expect([start.code, start.stderr]).toEqual([1, expect.stringContaining('run sluice restore again')]);
    await told(of, 'restore', backup);
    const started = await PoolProcess.start(of);
    pool = started;
    expect(await started.stop()).toBe(0);
  });

  /** A pool with some shares that was stopped. */
  async function stoppedPool(): Promise<PoolFolder> {
    const of = new PoolFolder('[stratum.difficulty]\nstart = 1e-9\nvardiff = false\n');
    folder = of;
    const started = await PoolProcess.start(of);
    pool = started;
    const tally = new Tally();
    const miners = startMiners(started, tally);
    await acceptMore(tally, 20);
    await miners.stop();
    expect(await started.stop()).toBe(0);
    return of;
  }
});

describe.skipIf(bitcoind.path === undefined)('a pool that has paid after its backup was made', () => {
  it('pays nothing when it is restored, takes the payout over, and pays nobody twice', {
    timeout: 300_000,
  }, async () => {
    const node = await startRegtest({ path: bitcoind.path ?? '' });
    try {
      await node.rpc('createwallet', 'pool');
      await node.rpc('createwallet', 'miners');
      const miner = await node.walletRpc<string>('miners', 'getnewaddress');
      await node.rpc('generatetoaddress', 3, await node.walletRpc<string>('pool', 'getnewaddress'));
      await node.rpc('generatetoaddress', 100, ELSEWHERE);
      const of = new PoolFolder(
        `network = "regtest"\n[node]\nrpc = [${JSON.stringify(node.url)}]\n[payout]\naddress = "${ELSEWHERE}"\nwallet = "pool"\ninterval = "off"\n`,
      );
      folder = of;
      const data = join(of.path, 'data');
      mkdirSync(data);
      owe(data, miner, 9_000_000n);
      const started = await PoolProcess.start(of);
      pool = started;
      await told(of, 'backup', join(of.path, 'backup'));
      // The books are checked in the first moments of the process.
      await expect
        .poll(async () => (await told<ShownRun>(of, 'payout', 'run')).payout?.state, { timeout: 60_000 })
        .toBe('seen');
      await started.kill();
      const [txid = ''] = await node.rpc<string[]>('getrawmempool');
      renameSync(data, join(of.path, 'lost'));
      await told(of, 'restore', join(of.path, 'backup'));
      const again = await PoolProcess.start(of);
      pool = again;
      const refused = async (): Promise<string> => (await of.run('payout', 'run', '--config', of.config)).stdout;
      await expect.poll(refused, { timeout: 60_000 }).toContain(`transaction ${txid} spends this wallet's coins`);
      expect(await told(of, 'payout', 'adopt', txid)).toMatchObject({
        state: 'seen',
        accounts: 1,
        output_sats: '9000000',
      });
      await node.rpc('generatetoaddress', 3, ELSEWHERE);
      const settled = async (): Promise<unknown> => told(of, 'payout', 'list');
      await expect
        .poll(settled, { timeout: 60_000 })
        .toMatchObject({ payouts: [{ state: 'settled', txid }], outsiders: [] });
      expect(await told<ShownRun>(of, 'payout', 'run')).toMatchObject({ payout: null });
      expect(await told(of, 'ledger', 'check')).toMatchObject({ faults: [] });
      expect(await node.walletRpc('miners', 'getreceivedbyaddress', miner)).toBe(0.09);
      expect(await again.stop()).toBe(0);
    } finally {
      await node.stop();
    }
  });
});

interface ShownRun {
  readonly payout: { readonly state: string } | null;
}

/** A ledger that owes a miner something, by an entry of a kind that a pool books. */
function owe(data: string, miner: string, sats: bigint): void {
  const { database, close } = openLedger(data);
  const lines = [
    { account: own.ppsReserve, sats },
    { account: payableOf(miner), sats: -sats },
  ];
  const book = new EntryBook(database);
  database.transaction(() => book.post({ kind: 'slice-paid', reference: 'slice:1', atMs: 1, lines })).immediate();
  close();
}

function flip(path: string): void {
  const bytes = readFileSync(path);
  const at = Math.floor(bytes.length / 2);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

function cut(path: string): void {
  truncateSync(path, readFileSync(path).length - 1);
}
