import { readFileSync } from 'node:fs';
import { createClient } from '@clickhouse/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PoolFolder, PoolProcess } from '../support/pool-process.ts';
import { StratumClient } from '../support/stratum-client.ts';

const TOKEN = 'a-token-of-the-analysts';
const USER = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080.rig1';

describe('SQL over the HTTP port of a running pool', () => {
  const folder = new PoolFolder(
    `[stratum.difficulty]\nstart = 1e-9\nvardiff = false\n[http]\nsql-token = "${TOKEN}"\n`,
  );
  let pool: PoolProcess;

  beforeAll(async () => {
    pool = await PoolProcess.start(folder);
  }, 300_000);
  afterAll(async () => {
    pool?.child.kill('SIGKILL');
    await folder.remove();
  });

  it('has every share that was acknowledged, while more come beside endless queries', async () => {
    const client = createClient({ url: pool.endpoints.http, pathname: '/sql', password: TOKEN });
    const { host, port } = pool.endpoints.tcp;
    const miner = await StratumClient.tcp(host, port);
    await miner.login(USER);
    const going = new AbortController();
    const endless = [1, 2, 3].map(() =>
      client.query({ query: 'SELECT count() FROM system.numbers', abort_signal: going.signal }).catch(() => undefined),
    );
    const shares = 30;
    for (let share = 0; share < shares; share += 1) {
      const reply = await miner.request('mining.submit', miner.solve(USER).params);
      expect(reply.result).toBe(true);
    }
    going.abort();
    await Promise.all(endless);
    const asked = async (): Promise<unknown> => {
      const query = 'SELECT worker, toUInt32(count()) AS n FROM shares WHERE verdict = {v:String} GROUP BY worker';
      return (await client.query({ query, query_params: { v: 'accepted' }, format: 'JSONEachRow' })).json();
    };
    await expect.poll(asked, { timeout: 30_000 }).toEqual([{ worker: 'rig1', n: shares }]);
    expect((await pool.json<{ shares: { accepted: number } }>('/api/v1/pool')).shares.accepted).toBe(shares);
    miner.close();
    await client.close();
  });

  it('is closed to whoever has no token, and no process shows it', async () => {
    expect((await fetch(`${pool.endpoints.http}/sql?query=SELECT+1`)).status).toBe(401);
    expect((await fetch(`${pool.endpoints.http}/sql?query=SELECT+1&password=wrong`)).status).toBe(403);
    const { pid } = pool.child;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(/\s+/);
    expect(children.length).toBeGreaterThan(1);
    for (const child of children) {
      expect(readFileSync(`/proc/${child}/cmdline`, 'latin1')).not.toContain(TOKEN);
      expect(readFileSync(`/proc/${child}/environ`, 'latin1')).not.toContain(TOKEN);
    }
    expect(pool.log.join()).not.toContain(TOKEN);
  });
});
