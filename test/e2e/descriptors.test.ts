import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { limits } from '#base/limits';
import { findBitcoind } from '../support/bitcoind.ts';
import { type RegtestNode, startRegtest } from '../support/bitcoind-regtest.ts';
import { PoolFolder, PoolProcess } from '../support/pool-process.ts';
import { StratumClient } from '../support/stratum-client.ts';

const bitcoind = await findBitcoind();
if (bitcoind.path === undefined) process.stderr.write(`not run: blocks without descriptors: ${bitcoind.reason}\n`);

/** Lowers the limit of a process to the lowest number that is free, so that it can open nothing more. */
function exhaust(pid: number): void {
  const open = new Set(readdirSync(`/proc/${pid}/fd`).map(Number));
  let lowest = 0;
  while (open.has(lowest)) lowest += 1;
  execFileSync('prlimit', ['--pid', String(pid), `--nofile=${lowest}:`]);
}

describe.skipIf(bitcoind.path === undefined)('a pool whose descriptors are used up', () => {
  let node: RegtestNode;
  let folder: PoolFolder;
  let pool: PoolProcess;
  let client: StratumClient;
  let user: string;
  const pid = (): number => pool.child.pid ?? 0;
  const spare = async (): Promise<number> => {
    const text = await (await fetch(`${pool.endpoints.http}/metrics`)).text();
    return Number(/^sluice_spare_descriptors (\d+)$/m.exec(text)?.[1]);
  };

  /** Submits a share that solves a block. Regtest asks for two hashes, so nearly every share of the pool does. */
  async function mineOne(): Promise<void> {
    const height = await node.rpc<number>('getblockcount');
    const jobs = client.jobs.length;
    const solution = client.solve(user);
    expect(await client.submit(solution)).toMatchObject({ result: true, error: null });
    expect(await node.rpc('getbestblockhash')).toBe(solution.hash);
    expect(await node.rpc('getblockcount')).toBe(height + 1);
    await client.cleanJobAfter(jobs);
  }

  beforeAll(async () => {
    node = await startRegtest({ path: bitcoind.path ?? '' });
    await node.mine(1);
    const address = await node.address();
    user = `${address}.rig`;
    const url = node.url.replace('127.0.0.1', 'localhost');
    folder = new PoolFolder(
      [
        'network = "regtest"',
        `[payout]\naddress = "${address}"`,
        `[node]\nrpc = [${JSON.stringify(url)}]`,
        '[stratum.difficulty]\nstart = 1e-9\nvardiff = false',
      ].join('\n'),
    );
    pool = await PoolProcess.start(folder);
    const { host, port } = pool.endpoints.tcp;
    client = await StratumClient.tcp(host, port);
    await client.login(user);
    await mineOne();
  });
  afterAll(async () => {
    pool?.child.kill('SIGKILL');
    await node?.stop();
    await folder?.remove();
  });

  it('keeps a block and hands it in', async () => {
    expect(await spare()).toBe(limits.descriptorsSpare);
    exhaust(pid());
    await mineOne();
    expect(pool.log.filter((line) => line.includes('out of file descriptors'))).toHaveLength(1);
  });

  it('connects to its node again, and hands in the block that it finds then', async () => {
    // Makes the node write its chain to disk: a killed one forgets the last blocks otherwise.
    await node.rpc('gettxoutsetinfo');
    await node.kill();
    await client.until((message) => message.method === 'client.show_message');
    exhaust(pid());
    const jobs = client.jobs.length;
    await node.restart();
    await client.jobAfter(jobs);
    await mineOne();
  });

  it('takes the spare ones again when there are descriptors', async () => {
    expect(await spare()).toBeLessThan(limits.descriptorsSpare);
    execFileSync('prlimit', ['--pid', String(pid()), '--nofile=1024:']);
    await expect.poll(spare, { timeout: 5_000 }).toBe(limits.descriptorsSpare);
    expect(pool.log.some((line) => line.includes('there are file descriptors again'))).toBe(true);
    expect(await pool.stop()).toBe(0);
  });
});
