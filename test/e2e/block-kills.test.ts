import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readLedger } from '#books/ledger/ledger-db';
import { findBitcoind } from '../support/bitcoind.ts';
import { type RegtestNode, startRegtest } from '../support/bitcoind-regtest.ts';
import { type KillingProxy, killingProxy } from '../support/killing-proxy.ts';
import { PoolFolder, PoolProcess } from '../support/pool-process.ts';
import { StratumClient } from '../support/stratum-client.ts';

/** Whatever is mined here never comes to a wallet. */
const ELSEWHERE = 'bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202';

const KILLS = 2;

interface BlockRow {
  readonly hash: string;
  readonly status: string;
  readonly account: string;
  readonly extranonce1: string;
}

const bitcoind = await findBitcoind();
if (bitcoind.path === undefined) process.stderr.write(`not run: blocks and kills: ${bitcoind.reason}\n`);

/** Under solo a block is credited to its finder, so a block whose finder is forgotten is credited to nobody. */
describe.skipIf(bitcoind.path === undefined)('a block that is with bitcoind when the pool is killed', () => {
  let node: RegtestNode;
  let proxy: KillingProxy;
  let miner: string;

  beforeAll(async () => {
    node = await startRegtest({ path: bitcoind.path ?? '' });
    proxy = await killingProxy(node.url);
    await node.fund();
    miner = await node.rpc<string>('getnewaddress');
  }, 120_000);
  afterAll(async () => {
    proxy?.close();
    await node?.stop();
  }, 60_000);

  it.each([1, 2])(
    'is credited to its finder, and is in the tables: %i gateways',
    { timeout: 300_000 },
    async (gateways) => {
      const folder = new PoolFolder(
        [
          'network = "regtest"',
          `[node]\nrpc = [${JSON.stringify(proxy.url)}]\nzmq = "${node.zmq}"\nrefresh-seconds = 0.1`,
          `[stratum]\ngateways = ${gateways}`,
          '[stratum.difficulty]\nstart = 1e-9\nvardiff = false',
          `[payout]\naddress = "${await node.address()}"\nscheme = "solo"\ninterval = "off"`,
        ].join('\n'),
      );
      const taken: string[] = [];
      let pool: PoolProcess | undefined;
      try {
        for (let kill = 0; kill < KILLS; kill += 1) {
          pool = await PoolProcess.start(folder);
          const client = await StratumClient.tcp(pool.endpoints.tcp.host, pool.endpoints.tcp.port);
          await client.login(`${miner}.rig`);
          const { child } = pool;
          proxy.next({ method: 'submitblock', when: kill % 2 === 0 ? 'during' : 'after' }, () => child.kill('SIGKILL'));
          // A job that is as young as can be: its row may still be on its way to the disk.
          const [tip = ''] = await node.mine(1, ELSEWHERE);
          await client.jobOn(tip);
          await Promise.all([client.submit(client.solve(`${miner}.rig`)).catch(() => undefined), pool.exited]);
          await expect.poll(() => node.rpc<string>('getbestblockhash'), { timeout: 10_000 }).not.toBe(tip);
          taken.push(await node.rpc<string>('getbestblockhash'));
        }
        // A block that waits is divided by the scheme of its job, whatever the pool promises now.
        pool = await PoolProcess.start(folder, { SLUICE_PAYOUT__SCHEME: 'pps' });
        const client = await StratumClient.tcp(pool.endpoints.tcp.host, pool.endpoints.tcp.port);
        await client.login(`${miner}.rig`);
        for (let block = 0; block < 4; block += 1) {
          const [tip = ''] = await node.mine(1, ELSEWHERE);
          await client.jobOn(tip);
        }
        client.close();
        await expect
          .poll(() => credits(folder), { timeout: 60_000, interval: 200 })
          .toEqual(taken.map((hash) => [hash, miner]).sort());
        const rows = await folder.sql<BlockRow>(
          'SELECT hash, status, account, extranonce1 FROM blocks FINAL ORDER BY hash',
        );
        expect(rows.map(({ hash, status, account }) => [hash, status, account])).toEqual(
          taken.toSorted().map((hash) => [hash, 'accepted', miner]),
        );
        expect(rows.every(({ extranonce1 }) => extranonce1 !== '')).toBe(true);
        expect(foreign(folder)).toBe(0n);
      } finally {
        await pool?.kill();
        await folder.remove();
      }
    },
  );
});

function read<T>(folder: PoolFolder, sql: string): T[] {
  const database = readLedger(join(folder.path, 'data'));
  const rows = database.prepare<[], T>(sql).all();
  database.close();
  return rows;
}

function credits(folder: PoolFolder): string[][] {
  const rows = read<{ hash: string; account: string }>(folder, 'SELECT hash, account FROM block_credits ORDER BY hash');
  return rows.map(({ hash, account }) => [hash, account]);
}

function foreign(folder: PoolFolder): bigint {
  return read<{ count: bigint }>(folder, 'SELECT count(*) AS count FROM foreign_blocks')[0]?.count ?? -1n;
}
