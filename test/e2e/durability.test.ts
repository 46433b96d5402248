import { afterEach, expect, it } from 'vitest';
import { PoolFolder, PoolProcess } from '../support/pool-process.ts';
import { StratumClient } from '../support/stratum-client.ts';
import { expectEachAcknowledgedOnce, rowsByVerdict, Tally } from './tally.ts';

const USER = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080.load';
const CLIENTS = 4;
const SHARES_IN_FLIGHT = 8;
const KILLS = 3;

let folder: PoolFolder | undefined;
afterEach(() => folder?.remove());

/** Submits without pause until the connection dies. */
async function mine(pool: PoolProcess, tally: Tally): Promise<void> {
  const client = await StratumClient.tcp(pool.endpoints.tcp.host, pool.endpoints.tcp.port);
  await client.login(USER);
  const lane = async (): Promise<void> => {
    while (!client.closed) await tally.submit(client, client.solve(USER));
  };
  await Promise.all(Array.from({ length: SHARES_IN_FLIGHT }, lane));
}

it('loses no acknowledged share and credits none twice through kill -9 under load', { timeout: 180_000 }, async () => {
  folder = new PoolFolder('[stratum.difficulty]\nstart = 1e-9\nvardiff = false\n');
  const tally = new Tally();
  for (let kill = 1; kill <= KILLS; kill += 1) {
    const pool = await PoolProcess.start(folder);
    const goal = tally.acknowledged.size + 500;
    const miners = Array.from({ length: CLIENTS }, () => mine(pool, tally));
    const killWhenBusy = async (): Promise<void> => {
      while (tally.acknowledged.size < goal) await new Promise((resolve) => setImmediate(resolve));
      await pool.kill();
    };
    await Promise.all([killWhenBusy(), ...miners]);
  }
  expect(tally.acknowledged.size).toBeGreaterThanOrEqual(500 * KILLS);
  // Read twice: on the folder as the last kill left it, and after a clean start and stop.
  await expectEachAcknowledgedOnce(folder, tally);
  const pool = await PoolProcess.start(folder);
  expect(await pool.stop()).toBe(0);
  await expectEachAcknowledgedOnce(folder, tally);
});

it('takes no share of before a kill -9 again, whatever session hands it in', async () => {
  folder = new PoolFolder('[stratum.difficulty]\nstart = 1e-9\nvardiff = false\n');
  let pool = await PoolProcess.start(folder);
  const connect = async (): Promise<StratumClient> => {
    const client = await StratumClient.tcp(pool.endpoints.tcp.host, pool.endpoints.tcp.port);
    await client.login(USER);
    return client;
  };
  const before = await connect();
  const shares = Array.from({ length: 20 }, () => before.solve(USER));
  for (const share of shares) expect((await before.submit(share)).result).toBe(true);
  await pool.kill();
  pool = await PoolProcess.start(folder);
  const [first, second] = [await connect(), await connect()];
  for (const client of [first, second]) {
    for (const share of shares) {
      expect(await client.submit(share)).toMatchObject({ error: [21, 'Job not found', null] });
      // Nor under the id of work that is out now.
      const [user, , ...fields] = share.params;
      const reply = await client.request('mining.submit', [user, client.work.jobId, ...fields]);
      expect([true, 'Difficulty too low']).toContain(reply.result ?? reply.error?.[1]);
    }
    client.close();
  }
  expect(await pool.stop()).toBe(0);
  const rows = await folder.sql<{ shares: string; headers: string }>(
    "SELECT toString(count()) AS shares, toString(uniqExact(job_id, extranonce1, extranonce2, ntime, nonce, version)) AS headers FROM sluice.shares WHERE verdict = 'accepted'",
  );
  expect(rows[0]?.shares).toBe(rows[0]?.headers);
  expect((await rowsByVerdict(folder)).get('job-not-found')).toBe(2 * shares.length);
});
