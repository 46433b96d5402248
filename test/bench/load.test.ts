import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** As built: a pool and its load run the shipped code. */
const built = async <Module>(file: string): Promise<Module> =>
  (await import(new URL(`../../dist/bench/run/${file}.js`, import.meta.url).href)) as Module;
const { load, IdleConnections } = await built<typeof import('../../bench/run/load.ts')>('load');
const { startPool } = await built<typeof import('../../bench/run/pool.ts')>('pool');

const hasGcc = spawnSync('gcc', ['--version']).status === 0;

describe.skipIf(!hasGcc && !process.env['CI'])('the load generator', { timeout: 60_000 }, () => {
  let pool: Awaited<ReturnType<typeof startPool>>;
  beforeAll(async () => {
    pool = await startPool({ name: 'sluice', refreshSeconds: 0.5 });
  });
  afterAll(() => pool.close());

  it.each(['tcp', 'websocket'] as const)('has every share accepted, counted and stored over %s', async (transport) => {
    const workload = { transport, connections: 20, inFlight: 4, seconds: 0.3 };
    const before = (await pool.accepted()) ?? 0;
    const closed = await load(pool, workload);
    expect(closed.acceptedPerSecond).toBeGreaterThan(0);
    expect(closed.cpuMicrosPerShare).toBeGreaterThan(0);
    expect(closed.p99Ms).toBeGreaterThanOrEqual(closed.p50Ms);
    const shares = (await pool.accepted()) ?? 0;
    expect(shares).toBeGreaterThan(before);
    await load(pool, { ...workload, rate: 100 });
    const rated = ((await pool.accepted()) ?? 0) - shares;
    expect(rated).toBeGreaterThan(0);
    expect(rated).toBeLessThanOrEqual(31);
    expect(await pool.acceptedRows()).toBe(await pool.accepted());
  });

  it.each(['tcp', 'websocket'] as const)('sees each new job reach every idle connection over %s', async (transport) => {
    const idle = await IdleConnections.open(pool, 50, transport);
    expect(await idle.firstToLastMs()).toBeGreaterThan(0);
    expect(await idle.firstToLastMs()).toBeGreaterThan(0);
    await idle.close();
  });
});
