import { cpSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { PoolFolder, PoolProcess } from '../support/pool-process.ts';
import { StratumClient, type Work } from '../support/stratum-client.ts';

const folder = new PoolFolder('[stratum.difficulty]\nstart = 1e-9\nvardiff = false\n');
const user = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080.rig';
const data = join(folder.path, 'data');
const copy = join(folder.path, 'copy');

afterAll(() => folder.remove());

/** Starts the pool, has a share accepted and stops the pool. Returns the job of that share, and all keys in the tables. */
async function live(): Promise<{ readonly work: Work; readonly keys: ReadonlySet<string> }> {
  const pool = await PoolProcess.start(folder);
  try {
    const client = await StratumClient.tcp(pool.endpoints.tcp.host, pool.endpoints.tcp.port);
    await client.login(user);
    const { work } = client;
    expect(await client.submit(client.solve(user, { work }))).toMatchObject({ result: true });
    expect(await pool.stop()).toBe(0);
    const rows = await folder.sql<{ key: string }>(
      "SELECT concat('job ', job_id) AS key FROM sluice.jobs UNION ALL SELECT concat('session ', toString(session)) FROM sluice.shares",
    );
    return { work, keys: new Set(rows.map(({ key }) => key)) };
  } finally {
    pool.child.kill('SIGKILL');
  }
}

it('has other jobs, coinbases and sessions than the first life of its data folder', { timeout: 180_000 }, async () => {
  const before = await live();
  cpSync(data, copy, { recursive: true });
  const first = await live();
  rmSync(data, { recursive: true });
  renameSync(copy, data);
  const second = await live();
  // Both count the same epoch.
  expect(second.work.jobId.slice(0, 10)).toBe(first.work.jobId.slice(0, 10));
  expect(second.work.coinb1).not.toBe(first.work.coinb1);
  const fresh = ({ keys }: typeof before): string[] => [...keys].filter((key) => !before.keys.has(key));
  for (const kind of ['job', 'session']) {
    for (const life of [first, second]) expect(fresh(life).some((key) => key.startsWith(`${kind} `))).toBe(true);
  }
  expect(fresh(second).filter((key) => first.keys.has(key))).toEqual([]);
});
