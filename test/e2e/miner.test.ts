import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PoolFolder, PoolProcess } from '../support/pool-process.ts';
import { rowsByVerdict } from './tally.ts';

/** What `sluice miner --json` prints at its end. */
interface Counters {
  readonly hashes: number;
  readonly accepted: number;
  readonly rejected: Readonly<Record<string, number>>;
}

describe('a pool with everything embedded, and the built-in miner', () => {
  // Easy enough for a few blocks within seconds, so that jobs change under the miner's hands.
  const folder = new PoolFolder(
    '[node]\nsimulated-block-difficulty = 0.0005\n[stratum.difficulty]\nstart = 0.00005\nvardiff = false\n',
  );
  let pool: PoolProcess;
  let accepted = 0;
  let rejected = 0;

  beforeAll(async () => {
    pool = await PoolProcess.start(folder);
  });
  afterAll(async () => {
    pool?.child.kill('SIGKILL');
    await folder.remove();
  });

  it.each(['tcp', 'websocket'] as const)('mines over %s', async (transport) => {
    const { host, port } = pool.endpoints[transport];
    const scheme = transport === 'tcp' ? 'stratum+tcp' : 'stratum+ws';
    const { code, stdout, stderr } = await folder.run(
      ...['miner', '--url', `${scheme}://${host}:${port}`, '--duration', '8', '--threads', '1', '--json'],
    );
    expect(code, stderr).toBe(0);
    const last = stdout.trim().split('\n').at(-1) ?? '';
    const counters = JSON.parse(last) as Counters;
    expect(counters.accepted).toBeGreaterThan(0);
    accepted += counters.accepted;
    rejected += Object.values(counters.rejected).reduce((sum, count) => sum + count, 0);
  });

  it('has found blocks on a chain that it then worked on', async () => {
    const status = await pool.json<{ job: { height: number }; blocks: { accepted: number; rejected: number } }>(
      '/api/v1/pool',
    );
    expect(status.blocks.accepted).toBeGreaterThan(0);
    expect(status.blocks.rejected).toBe(0);
    expect(status.job.height).toBe(status.blocks.accepted + 1);
  });

  it('has a row for every reply, and a row for every block', async () => {
    const { blocks } = await pool.json<{ blocks: { accepted: number } }>('/api/v1/pool');
    expect(await pool.stop()).toBe(0);
    const rows = await rowsByVerdict(folder);
    const all = [...rows.values()].reduce((sum, count) => sum + count, 0);
    // A miner that stops does not wait for the answers that are on their way: two runs, more shares each on a busy machine.
    const unheard = all - accepted - rejected;
    expect(unheard).toBeGreaterThanOrEqual(0);
    expect(unheard).toBeLessThanOrEqual(64);
    expect(rows.get('accepted')).toBeGreaterThanOrEqual(accepted);
    const found = await folder.sql<{ height: number; reward: string }>(
      "SELECT height, toString(reward_sats) AS reward FROM sluice.blocks FINAL WHERE status IN ('accepted', 'mature') ORDER BY height",
    );
    expect(found.map(({ height }) => Number(height))).toEqual(
      Array.from({ length: blocks.accepted }, (_, index) => index + 1),
    );
    // 50 BTC and the fees of the transactions that the simulated mempool offered, which may be none in a block.
    const fees = found.map(({ reward }) => BigInt(reward) - 5_000_000_000n);
    expect(fees.every((each) => each >= 0n)).toBe(true);
    expect(fees.some((each) => each > 0n)).toBe(true);
  });

  it('goes on at its height after a restart', async () => {
    pool = await PoolProcess.start(folder);
    const { job } = await pool.json<{ job: { height: number } }>('/api/v1/pool');
    const [{ blocks } = { blocks: 0 }] = await folder.sql<{ blocks: number }>(
      "SELECT toUInt32(count()) AS blocks FROM sluice.blocks FINAL WHERE status IN ('accepted', 'mature')",
    );
    expect(job.height).toBe(blocks + 1);
    expect(await pool.stop()).toBe(0);
  });
});
