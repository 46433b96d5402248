import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PoolFolder, PoolProcess } from '../support/pool-process.ts';
import { StratumClient } from '../support/stratum-client.ts';
import { WebSocketClient } from '../support/websocket.ts';
import { expectEachAcknowledgedOnce, rowsByVerdict, Tally } from './tally.ts';

const ADDRESS = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const USER = `${ADDRESS}.rig1`;

describe.each(['tcp', 'websocket'] as const)('a pool with everything embedded, over %s', (transport) => {
  const folder = new PoolFolder('[stratum.difficulty]\nstart = 1e-9\nvardiff = false\n');
  const tally = new Tally();
  let pool: PoolProcess;

  const connect = async (): Promise<StratumClient> => {
    const { host, port } = pool.endpoints[transport];
    return transport === 'tcp'
      ? StratumClient.tcp(host, port)
      : new StratumClient(await WebSocketClient.open(host, port));
  };

  beforeAll(async () => {
    pool = await PoolProcess.start(folder);
  });
  afterAll(async () => {
    pool.child.kill('SIGKILL');
    await folder.remove();
  });

  it('says that it is healthy and ready', async () => {
    expect((await fetch(`${pool.endpoints.http}/healthz`)).status).toBe(200);
    expect((await fetch(`${pool.endpoints.http}/readyz`)).status).toBe(200);
    expect(await pool.json('/api/v1/pool')).toMatchObject({ network: 'regtest' });
  });

  it('credits work, with and without version rolling, under several workers of one connection', async () => {
    const client = await connect();
    await client.login(USER, { mask: '1fffe000' });
    expect(client.versionMask).toBe(0x1fffe000);
    const second = await client.request('mining.authorize', [`${ADDRESS}.rig2`, 'x']);
    expect(second.result).toBe(true);
    for (let round = 0; round < 20; round += 1) {
      const reply = await tally.submit(client, client.solve(USER));
      expect(reply).toMatchObject({ result: true, error: null });
      const rolled = client.solve(`${ADDRESS}.rig2`, { versionBits: round << 13 });
      expect((await tally.submit(client, rolled)).result).toBe(true);
    }
    client.close();
    const metrics = await (await fetch(`${pool.endpoints.http}/metrics`)).text();
    // Each of the forty was awaited, so none shared its commit.
    expect(Number(/^sluice_share_log_commit_seconds_count (\d+)$/m.exec(metrics)?.[1])).toBeGreaterThanOrEqual(40);
  });

  it('gives every wrong share its reason', async () => {
    const client = await connect();
    await client.login(USER, { mask: '1fffe000' });
    const good = client.solve(USER);
    const [user, jobId, extranonce2, ntime, nonce] = good.params;
    const submit = async (...params: string[]): Promise<unknown> =>
      (await tally.submit(client, { hash: '', params: params as typeof good.params })).error?.slice(0, 2);

    expect((await tally.submit(client, good)).result).toBe(true);
    expect(await submit(user, jobId, extranonce2, ntime, nonce)).toEqual([22, 'Duplicate share']);
    expect(await submit(user, jobId, extranonce2.toUpperCase(), `0x${ntime}`, nonce.toUpperCase())).toEqual([
      22,
      'Duplicate share',
    ]);
    expect(await submit('nobody', jobId, extranonce2, ntime, nonce)).toEqual([24, 'Unauthorized worker']);
    expect(await submit(user, 'ffffffffff', extranonce2, ntime, nonce)).toEqual([21, 'Job not found']);
    expect(await submit(user, jobId, `${extranonce2}00`, ntime, nonce)).toEqual([20, 'Invalid mining submit message']);
    expect(await submit(user, jobId, extranonce2, 'ffffffff', nonce)).toEqual([20, 'Ntime out of range']);
    expect(await submit(user, jobId, extranonce2, ntime, nonce, 'e0001fff')).toEqual([20, 'Invalid version mask']);
    const weak = client.solve(USER, { accept: (value, target) => value > target });
    expect((await tally.submit(client, weak)).error).toEqual([23, 'Difficulty too low', null]);
    client.close();

    const stranger = await connect();
    const unsubscribed = await stranger.request('mining.submit', good.params);
    expect(unsubscribed.error).toEqual([25, 'Not subscribed', null]);
    tally.replies.set('not-subscribed', 1);
    stranger.close();
  });

  it('has the same counts in the table as in the replies, verdict by verdict', async () => {
    // From the running pool first, as soon as its rows have arrived there.
    const replies = [...tally.replies.values()].reduce((sum, count) => sum + count, 0);
    const count = 'SELECT toUInt32(count()) AS rows FROM sluice.shares';
    await expect.poll(async () => (await folder.sql<{ rows: number }>(count))[0]?.rows).toBe(replies);
    expect(await pool.stop()).toBe(0);
    expect(await rowsByVerdict(folder)).toEqual(tally.replies);
    await expectEachAcknowledgedOnce(folder, tally);
  });

  it('stores all inputs of each accepted share’s hash', async () => {
    const rows = await folder.sql<Record<string, string>>(
      `SELECT s.extranonce1 AS extranonce1, s.extranonce2 AS extranonce2, j.coinb1 AS coinb1, j.coinb2 AS coinb2,
              s.account AS account, s.worker AS worker, toString(s.share_difficulty) AS achieved
       FROM sluice.shares AS s INNER JOIN sluice.jobs AS j ON s.job_id = j.job_id WHERE s.verdict = 'accepted'`,
    );
    expect(rows.length).toBe(tally.replies.get('accepted'));
    for (const row of rows) {
      expect(row['account']).toBe(ADDRESS);
      expect(['rig1', 'rig2']).toContain(row['worker']);
      expect(Number(row['achieved'])).toBeGreaterThanOrEqual(1e-9);
    }
  });
});
