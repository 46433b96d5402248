import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findBitcoind } from '../support/bitcoind.ts';
import { type RegtestNode, startRegtest } from '../support/bitcoind-regtest.ts';
import { PoolFolder, PoolProcess } from '../support/pool-process.ts';
import { type Solution, StratumClient } from '../support/stratum-client.ts';
import { expectEachAcknowledgedOnce, rowsByVerdict, Tally } from './tally.ts';

/** More than the pool takes at once where every share is a block. */
const SHARES = 40_000;
const CONNECTIONS = 4;
const STOP_MS_MAX = 10_000;
/** The solving of so many shares by one process is most of it. */
const TEST_MS_MAX = 180_000;

const bitcoind = await findBitcoind();
if (bitcoind.path === undefined) process.stderr.write(`not run: a flood of blocks: ${bitcoind.reason}\n`);

describe.skipIf(bitcoind.path === undefined)('a pool that is flooded with blocks', () => {
  let node: RegtestNode;
  let folder: PoolFolder;
  let user: string;

  beforeAll(async () => {
    node = await startRegtest({ path: bitcoind.path ?? '' });
    await node.mine(1);
    const address = await node.address();
    user = `${address}.rig`;
    folder = new PoolFolder(
      [
        'network = "regtest"',
        `[payout]\naddress = "${address}"`,
        `[node]\nrpc = [${JSON.stringify(node.url)}]`,
        '[stratum.limits]\nexempt = ["127.0.0.0/8"]',
        '[stratum.difficulty]\nstart = 1e-9\nvardiff = false',
      ].join('\n'),
    );
  });
  afterAll(async () => {
    await node?.stop();
    await folder?.remove();
  });

  it.each(['1', '2'])(
    'ends when told, with a reply to each share that has a row: %s gateways',
    async (gateways) => {
      const pool = await PoolProcess.start(folder, { SLUICE_STRATUM__GATEWAYS: gateways });
      try {
        const { host, port } = pool.endpoints.tcp;
        const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => StratumClient.tcp(host, port)));
        for (const client of clients) await client.login(user);
        const flood = clients.flatMap((client) => {
          const solutions = Array.from({ length: SHARES / CONNECTIONS }, () => client.solve(user));
          return solutions.map((solution): [StratumClient, Solution] => [client, solution]);
        });
        const rowsBefore = await rowsByVerdict(folder);
        const tally = new Tally();
        const replies = flood.map(([client, solution]) => tally.submit(client, solution));
        await Promise.race(replies);
        const startedMs = performance.now();
        expect(await pool.stop(), pool.log.slice(-9).join('\n')).toBe(0);
        expect(performance.now() - startedMs).toBeLessThan(STOP_MS_MAX);
        await Promise.all(replies);

        expect(tally.acknowledged.size).toBeGreaterThan(0);
        // What is turned away for want of room leaves no row.
        tally.replies.delete('overloaded');
        const rows = await rowsByVerdict(folder);
        for (const [verdict, before] of rowsBefore) rows.set(verdict, (rows.get(verdict) ?? 0) - before);
        expect(rows).toEqual(tally.replies);
        await expectEachAcknowledgedOnce(folder, tally);
        expect(pool.log.filter((line) => line.includes('"level":"error"'))).toEqual([]);
      } finally {
        pool.child.kill('SIGKILL');
      }
    },
    TEST_MS_MAX,
  );
});
