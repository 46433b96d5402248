import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseServerUrl } from '#books/analytics/server-warehouse';
import { dataFolder, foundBlock, job } from '../../shares/sharelog/fixtures.ts';
import { type Shim, type ShimOptions, startShim } from './clickhouse-shim.ts';
import { openRig, type Rig, someShares, TOTALS_SQL, totalsOf } from './support.ts';

/**
 * No ClickHouse server can be had where these tests run, so they use the embedded engine behind as much of the HTTP
 * interface as is needed. That shows the pool's side: what is sent, that lost answers and refused connections are tried
 * again, and that the engine drops the second copies. It does not show a server's own HTTP parsing, users or limits.
 */
let folder: ReturnType<typeof dataFolder>;
let serverFolder: ReturnType<typeof dataFolder>;
let shims: Shim[] = [];
let rigs: Rig[] = [];

async function shimAt(options: Partial<ShimOptions> = {}): Promise<Shim> {
  const shim = await startShim({ folder: serverFolder.path, ...options });
  shims.push(shim);
  return shim;
}

async function rigAt(port: number): Promise<Rig> {
  const rig = await openRig(folder.path, { url: `http://127.0.0.1:${port}/mining` });
  rigs.push(rig);
  return rig;
}

beforeEach(() => {
  folder = dataFolder();
  serverFolder = dataFolder();
  shims = [];
  rigs = [];
});
afterEach(async () => {
  await Promise.all(rigs.map((rig) => rig.close()));
  await Promise.all(shims.map((shim) => shim.kill()));
  await folder.remove();
  await serverFolder.remove();
});

describe('a ClickHouse server', () => {
  it('gets the tables and the rows', async () => {
    const rig = await rigAt((await shimAt()).port);
    rig.log.job(job);
    rig.log.outcome(foundBlock(), { status: 'accepted' });
    await rig.commit(someShares(0, 3000));
    expect(await rig.one(TOTALS_SQL)).toBe(totalsOf(3000));
    expect(await rig.one('SELECT job_id, merkle_branch FROM jobs')).toContain(`${job.id}\t['11`);
    expect(await rig.one('SELECT status FROM mining.blocks')).toBe('accepted');
    expect(rig.analytics.status()).toMatchObject({ mode: 'server', healthy: true });
    await expect(rig.analytics.query('SELECT nothing', 'TSV')).rejects.toThrow(/nothing/);
  });

  it('gets each row once though its answers are lost', async () => {
    const rig = await rigAt((await shimAt({ faults: 'lose-answers' })).port);
    for (let shares = 0; shares < 3000; shares += 1000) {
      await rig.commit(someShares(shares, 1000));
      await expect.poll(() => rig.analytics.status().shippedRows).toBe(shares + 1000);
    }
    expect(rig.lines).toContain('a shipment to ClickHouse failed; it is tried again');
    expect(await rig.one(TOTALS_SQL)).toBe(totalsOf(3000));
  });

  it('catches up after it was away, with nothing lost and nothing doubled', async () => {
    const first = await shimAt();
    const rig = await rigAt(first.port);
    await rig.commit(someShares(0, 1000));
    await expect.poll(() => rig.analytics.status().shippedRows).toBe(1000);
    await first.kill();
    await rig.commit(someShares(1000, 5000));
    await expect.poll(() => rig.analytics.status().healthy).toBe(false);
    await expect.poll(() => rig.analytics.status().lagRows).toBe(5000);
    expect(rig.log.status()).toMatchObject({ healthy: true, pendingRows: 0 });
    await shimAt({ port: first.port });
    await expect.poll(() => rig.analytics.status().shippedRows).toBe(6000);
    await expect.poll(() => rig.analytics.status().healthy).toBe(true);
    expect(await rig.one(TOTALS_SQL)).toBe(totalsOf(6000));
  });

  it('does not keep a pool from starting when it is not there', async () => {
    const gone = await shimAt();
    await gone.kill();
    const rig = await rigAt(gone.port);
    await rig.commit(someShares(0, 10));
    await expect.poll(() => rig.analytics.status().reason).toMatch(/ECONNREFUSED/);
    await expect(rig.analytics.query('SELECT 1', 'TSV')).rejects.toThrow(/ECONNREFUSED/);
  });
});

describe('its URL', () => {
  it('names server, user and database', () => {
    expect(parseServerUrl('http://u%40:p%2f@db.example:8123/mine')).toEqual({
      url: 'http://db.example:8123',
      username: 'u@',
      password: 'p/',
      database: 'mine',
    });
    expect(parseServerUrl('https://127.0.0.1:8443')).toMatchObject({
      username: 'default',
      password: '',
      database: 'sluice',
    });
  });

  it.each(['', 'nonsense', 'tcp://127.0.0.1:9000', 'http://127.0.0.1/a%20b', "http://127.0.0.1/a'b"])(
    'is not %j',
    (url) => {
      expect(() => parseServerUrl(url)).toThrow(/clickhouse\.url/);
    },
  );
});
