import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, expect, it } from 'vitest';
import { LEDGER_FILE } from '#books/ledger/ledger-db';
import { expectLedgerAgrees, ledgerPid } from '../support/ledger-child.ts';
import { PoolFolder, PoolProcess } from '../support/pool-process.ts';
import { StratumClient } from '../support/stratum-client.ts';
import { expectEachAcknowledgedOnce, Tally } from './tally.ts';

const ACCOUNTS = ['bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080', 'mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn'];
/** How often the ledger's process is killed: at another moment of its work each time. */
const KILLS = 3;

let folder: PoolFolder | undefined;
let pool: PoolProcess | undefined;
afterEach(async () => {
  pool?.child.kill('SIGKILL');
  await folder?.remove();
});

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function mine(of: PoolProcess, user: string, tally: Tally, stopped: () => boolean): Promise<void> {
  const client = await StratumClient.tcp(of.endpoints.tcp.host, of.endpoints.tcp.port);
  await client.login(user);
  while (!stopped()) await tally.submit(client, client.solve(user));
  client.close();
}

it('counts each accepted share once, to the unit as ClickHouse does, however often its process is killed', {
  timeout: 180_000,
}, async () => {
  folder = new PoolFolder(
    '[node]\nrefresh-seconds = 1\n[stratum]\ngateways = 2\n[stratum.difficulty]\nstart = 1e-9\nvardiff = false\n',
  );
  const started = await PoolProcess.start(folder);
  pool = started;
  const tally = new Tally();
  let stop = false;
  const miners = [0, 1, 2].map((i) => mine(started, `${ACCOUNTS[i % 2]}.rig${i}`, tally, () => stop));
  for (let kill = 0; kill < KILLS; kill += 1) {
    const goal = tally.acknowledged.size + 100;
    await expect.poll(() => tally.acknowledged.size, { timeout: 30_000 }).toBeGreaterThan(goal);
    await expect.poll(() => ledgerPid(started.child.pid ?? 0), { timeout: 30_000, interval: 10 }).toBeDefined();
    // Not a wait for something to happen: each kill falls on another part of a start and a turn.
    await sleep(kill * 300);
    const pid = ledgerPid(started.child.pid ?? 0);
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
  }
  stop = true;
  await Promise.all(miners);
  await expect.poll(() => ledgerPid(started.child.pid ?? 0), { timeout: 30_000, interval: 10 }).toBeDefined();
  expect(await started.stop()).toBe(0);
  await expectEachAcknowledgedOnce(folder, tally);
  // The last process may have been young when the pool stopped: another start takes the rest.
  const again = await PoolProcess.start(folder);
  pool = again;
  expect(await again.stop()).toBe(0);
  expect(await expectLedgerAgrees(folder)).toBe(tally.acknowledged.size);
  await expectDifferencesNamed(folder);
});

/** `sluice ledger check` names a slice that was falsified, one that is missing, and one that ClickHouse lacks. */
async function expectDifferencesNamed(of: PoolFolder): Promise<void> {
  const check = async (): Promise<{ faults: string[]; clickhouse: string }> => {
    const { stdout } = await of.run('ledger', 'check', '--json', '--config', of.config);
    const { faults, clickhouse } = JSON.parse(stdout) as { faults: { detail: string }[]; clickhouse: string };
    return { faults: faults.map(({ detail }) => detail), clickhouse };
  };
  expect(await check()).toEqual({ faults: [], clickhouse: 'compared' });
  const database = new Database(join(of.path, 'data', LEDGER_FILE));
  const slices = database
    .prepare<[], { job_id: string; account: string; work: string }>(
      'SELECT job_id, account, work FROM slices JOIN jobs USING (job_id), taken WHERE serial <= sealed_serial ORDER BY 1, 2 LIMIT 3',
    )
    .all();
  const [changed, removed, added] = slices;
  if (changed === undefined || removed === undefined || added === undefined) throw new Error('no slice is sealed');
  database
    .prepare('UPDATE slices SET work = ? WHERE job_id = ? AND account = ?')
    .run(String(BigInt(changed.work) + 1n), changed.job_id, changed.account);
  database.prepare('DELETE FROM slices WHERE job_id = ? AND account = ?').run(removed.job_id, removed.account);
  database.prepare("INSERT INTO slices VALUES (?, 'mallory', '7', 1)").run(added.job_id);
  database.close();
  const { faults } = await check();
  expect(faults).toHaveLength(3);
  const named = [
    `${changed.job_id}, account ${changed.account}: the ledger has ${BigInt(changed.work) + 1n} hashes`,
    `${removed.job_id}, account ${removed.account}: the ledger has nothing`,
    `${added.job_id}, account mallory: the ledger has 7 hashes in 1 shares, and ClickHouse has nothing`,
  ];
  for (const text of named) expect(faults.join('\n')).toContain(text);
}
