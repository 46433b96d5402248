import { statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { readLedger } from '#books/ledger/ledger-db';
import { PayoutStore } from '#books/ledger/payouts/store';
import { PoolFolder, PoolProcess } from '../support/pool-process.ts';
import { StratumClient } from '../support/stratum-client.ts';

const ACCOUNT = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';

interface Shown {
  readonly payouts: readonly { readonly state: string; readonly output_sats: string; readonly fee_sats: string }[];
}

interface Balances {
  readonly accounts: readonly {
    readonly account: string;
    readonly paid_sats: string;
    readonly in_flight_sats: string;
  }[];
}

const folder = new PoolFolder(
  [
    '[node]\nsimulated-block-difficulty = 1e-9\nrefresh-seconds = 0.1',
    '[stratum.difficulty]\nstart = 1e-9\nvardiff = false',
    '[payout]\ninterval = "1s"\nminimum-sats = 1000',
  ].join('\n'),
);
let pool: PoolProcess;
afterAll(async () => {
  pool?.child.kill('SIGKILL');
  await folder.remove();
});

async function told<T>(...args: string[]): Promise<T> {
  const { stdout, stderr } = await folder.run(...args, '--json', '--config', folder.config);
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as T;
}

/** Mines a block now and then until it is as wanted: a payout needs blocks. */
async function mineUntil(holds: () => Promise<boolean>): Promise<void> {
  const { host, port } = pool.endpoints.tcp;
  const client = await StratumClient.tcp(host, port);
  await client.login(`${ACCOUNT}.rig`);
  await expect
    .poll(
      async () => {
        for (let block = 0; block < 3; block += 1) await client.submit(client.solve(`${ACCOUNT}.rig`));
        return holds();
      },
      { timeout: 50_000, interval: 200 },
    )
    .toBe(true);
  client.close();
}

it('pays a miner with nothing installed: credits mature, and a payout arrives, also after a kill', {
  timeout: 180_000,
}, async () => {
  pool = await PoolProcess.start(folder);
  const settled = async (): Promise<number> => {
    const database = readLedger(join(folder.path, 'data'));
    const batches = new PayoutStore(database).list(1000);
    database.close();
    return batches.filter(({ state }) => state === 'settled').length;
  };
  await mineUntil(async () => (await settled()) > 0);
  await pool.kill();
  expect(statSync(join(folder.path, 'data', 'simulated-wallet.key')).mode & 0o777).toBe(0o600);
  const before = await settled();
  pool = await PoolProcess.start(folder);
  await mineUntil(async () => (await settled()) > before);
  expect(await pool.stop()).toBe(0);
  const { payouts } = await told<Shown>('payout', 'list');
  const done = payouts.filter(({ state }) => state === 'settled');
  const { accounts } = await told<Balances>('ledger', 'balances');
  const paid = done.reduce((sum, { output_sats: sats }) => sum + BigInt(sats), 0n);
  expect(accounts.find(({ account }) => account === ACCOUNT)?.paid_sats).toBe(String(paid));
  expect((await folder.run('ledger', 'check', '--config', folder.config)).code).toBe(0);
});
