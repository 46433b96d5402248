import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { findBitcoind } from '../support/bitcoind.ts';
import { type RegtestNode, startRegtest } from '../support/bitcoind-regtest.ts';
import { PoolFolder, PoolProcess } from '../support/pool-process.ts';
import { StratumClient } from '../support/stratum-client.ts';
import { WebSocketClient } from '../support/websocket.ts';
import { expectEachAcknowledgedOnce, rowsByVerdict, Tally } from './tally.ts';

/** Regtest asks for two hashes a block, so every share of this pool is one, or is orphaned by one. */
const DIFFICULTY = '[stratum.difficulty]\nstart = 1e-9\nvardiff = false\n';

interface Block {
  readonly height: number;
  readonly tx: readonly string[];
  readonly version: number;
}

const bitcoind = await findBitcoind();
if (bitcoind.path === undefined) process.stderr.write(`not run: a pool with a real bitcoind: ${bitcoind.reason}\n`);

describe.skipIf(bitcoind.path === undefined)('a pool with a real bitcoind', () => {
  let node: RegtestNode;
  let folder: PoolFolder;
  let pool: PoolProcess;
  let user: string;
  const tally = new Tally();
  let forgotten = '';
  /** A block whose share came late: refused as stale, and handed in all the same. */
  let late = '';

  const connect = async (transport: 'tcp' | 'websocket'): Promise<StratumClient> => {
    const { host, port } = pool.endpoints[transport];
    return transport === 'tcp'
      ? StratumClient.tcp(host, port)
      : new StratumClient(await WebSocketClient.open(host, port));
  };
  const best = async (): Promise<Block> => node.rpc<Block>('getblock', await node.rpc('getbestblockhash'));

  beforeAll(async () => {
    node = await startRegtest({ path: bitcoind.path ?? '' });
    await node.fund();
    const address = await node.address();
    user = `${address}.rig`;
    folder = new PoolFolder(
      [
        'network = "regtest"',
        `[payout]\naddress = "${address}"`,
        `[node]\nrpc = [${JSON.stringify(node.url)}]\nzmq = "${node.zmq}"\nrefresh-seconds = 1`,
        DIFFICULTY,
      ].join('\n'),
    );
    pool = await PoolProcess.start(folder);
  });
  afterAll(async () => {
    pool?.child.kill('SIGKILL');
    await node?.stop();
    await folder?.remove();
  });

  /** Mines one block through the pool and returns it as the node has it. */
  async function mineOne(client: StratumClient, versionBits?: number): Promise<Block> {
    // After a reorganisation or a restart of the node the first job may be on a block that it has left again.
    await client.jobOn(await node.rpc('getbestblockhash'));
    const before = await node.rpc<number>('getblockcount');
    const solution = client.solve(user, versionBits === undefined ? {} : { versionBits });
    expect(await tally.submit(client, solution)).toMatchObject({ result: true, error: null });
    // A job on another tip may be under way already: wait for the one on this block.
    await client.jobOn(solution.hash);
    expect(await node.rpc<number>('getblockcount')).toBe(before + 1);
    expect(await node.rpc('getbestblockhash')).toBe(solution.hash);
    return best();
  }

  it.each(['tcp', 'websocket'] as const)('turns shares over %s into blocks', async (transport) => {
    const client = await connect(transport);
    await client.login(user);
    for (let block = 0; block < 3; block += 1) await mineOne(client);
    client.close();
  });

  it('puts the transactions of the mempool into its blocks', async () => {
    const sent = await node.send(4);
    // A job with the new transactions is announced without a change of tip.
    const client = await connect('tcp');
    await client.login(user);
    // Five leaves make a branch of three hashes, and fewer make a shorter one: a template may have come in between.
    while (client.work.branch.length < 3) await client.jobAfter(client.jobs.length);
    const block = await mineOne(client);
    expect(block.tx.slice(1).sort()).toEqual([...sent].sort());
    client.close();
  });

  it('mines with rolled version bits', async () => {
    const client = await connect('tcp');
    await client.login(user, { mask: 'ffffffff' });
    const bits = 0x0badc000 & client.versionMask;
    expect(bits).not.toBe(0);
    const block = await mineOne(client, bits);
    expect(block.version & client.versionMask).toBe(bits);
    client.close();
  });

  it('sends clean jobs after a block of another miner, and answers old work as stale', async () => {
    const client = await connect('tcp');
    await client.login(user);
    const old = client.solve(user);
    late = old.hash;
    const jobs = client.jobs.length;
    await node.mine(1);
    await client.cleanJobAfter(jobs);
    expect((await tally.submit(client, old)).error).toEqual([21, 'Stale', null]);
    await mineOne(client);
    client.close();
  });

  it('tells miners and probes when its node is away, and goes on when it is back', async () => {
    const client = await connect('tcp');
    await client.login(user);
    // Makes the node write its chain to disk: a killed one forgets the last blocks otherwise.
    await node.rpc('gettxoutsetinfo');
    await node.kill();
    await client.until((message) => message.method === 'client.show_message');
    const probe = await fetch(`${pool.endpoints.http}/readyz`);
    expect(probe.status).toBe(503);
    expect(JSON.stringify(await probe.json())).toContain('node');
    const jobs = client.jobs.length;
    await node.restart();
    await client.jobAfter(jobs);
    expect((await fetch(`${pool.endpoints.http}/readyz`)).status).toBe(200);
    await mineOne(client);
    client.close();
  });

  it('gives its node the blocks again that it has lost', async () => {
    const client = await connect('tcp');
    await client.login(user);
    await node.rpc('gettxoutsetinfo');
    const height = await node.rpc<number>('getblockcount');
    for (let block = 0; block < 3; block += 1) await mineOne(client);
    const tip = await node.rpc('getbestblockhash');
    const before = pool.log.length;
    // Before it has written them to its disk.
    await node.kill();
    // It may have written some, so it is asked before the pool can give it the others.
    pool.child.kill('SIGSTOP');
    await node.restart();
    const lost = height + 3 - (await node.rpc<number>('getblockcount'));
    pool.child.kill('SIGCONT');
    expect(lost).toBeGreaterThan(0);
    await expect.poll(() => node.rpc('getbestblockhash')).toBe(tip);
    expect(await node.rpc('getblockcount')).toBe(height + 3);
    const again = (line: string): boolean => line.includes('the block is sent again') && line.includes('accepted');
    await expect.poll(() => pool.log.slice(before).filter(again)).toHaveLength(lost);
    client.close();
  });

  it('goes on beside a block that its node was told to forget', async () => {
    const client = await connect('tcp');
    await client.login(user);
    await mineOne(client);
    forgotten = await node.rpc<string>('getbestblockhash');
    const jobs = client.jobs.length;
    await node.rpc('invalidateblock', forgotten);
    await client.cleanJobAfter(jobs);
    await mineOne(client);
    client.close();
  });

  it('follows a block that the chain leaves and comes back to', async () => {
    const client = await connect('tcp');
    await client.login(user);
    await mineOne(client);
    const ours = await node.rpc<string>('getbestblockhash');
    const [rival = ''] = await rivalOf(ours);
    await said('a block of this pool was orphaned', ours);
    // It may come back: its file is there.
    expect(readdirSync(join(folder.path, 'data', 'candidates'))).toContain(`${ours}.json`);
    const jobs = client.jobs.length;
    await node.rpc('invalidateblock', rival);
    expect(await node.rpc('getbestblockhash')).toBe(ours);
    await said('a block of this pool is in the chain again', ours);
    await client.cleanJobAfter(jobs);
    await mineOne(client);
    client.close();
  });

  it('has every share and every block in its tables', async () => {
    // The node keeps the block, and calls it invalid.
    await said('block rejected', forgotten);
    expect(await pool.stop()).toBe(0);
    expect(await rowsByVerdict(folder)).toEqual(tally.replies);
    await expectEachAcknowledgedOnce(folder, tally);
    const blocks = await folder.sql<{ hash: string; height: string; status: string }>(
      'SELECT hash, toString(height) AS height, status FROM sluice.blocks FINAL ORDER BY height',
    );
    expect(blocks.length).toBe(tally.acknowledged.size + 1);
    for (const { hash, height, status } of blocks) {
      expect(status).toBe(hash === forgotten ? 'rejected' : hash === late ? 'orphaned' : 'accepted');
      if (status === 'accepted') expect(await node.rpc('getblockhash', Number(height))).toBe(hash);
    }
  });

  it('follows its blocks also after a restart, up to the tables', async () => {
    const ours = await node.rpc<string>('getbestblockhash');
    const [rival = ''] = await rivalOf(ours);
    pool = await PoolProcess.start(folder);
    await said('blocks of earlier starts are followed', '"orphaned":');
    const status = async (): Promise<string | undefined> =>
      (await folder.sql<{ status: string }>(`SELECT status FROM blocks WHERE hash = '${ours}'`))[0]?.status;
    await expect.poll(status).toBe('orphaned');
    await node.rpc('invalidateblock', rival);
    await said('a block of this pool is in the chain again', ours);
    await expect.poll(status).toBe('accepted');
    expect(await pool.stop()).toBe(0);
  });

  it('says why there is no work also from a gateway that is started meanwhile', async () => {
    pool = await PoolProcess.start(folder, { SLUICE_STRATUM__GATEWAYS: '2' });
    const client = await connect('tcp');
    await client.login(user);
    await node.kill();
    await client.until((message) => message.method === 'client.show_message');
    const old = new Set(pool.gateways());
    for (const pid of old) process.kill(pid, 'SIGKILL');
    // What came in before they were there is cut off.
    const late = await vi.waitFor(
      async () => {
        const again = await connect('tcp');
        expect((await again.request('mining.subscribe', ['late/1'])).error).toBeNull();
        return again;
      },
      { timeout: 30_000 },
    );
    expect(pool.gateways().filter((pid) => old.has(pid))).toEqual([]);
    await late.request('mining.authorize', [user, 'x']);
    await late.until((message) => message.method === 'client.show_message');
    expect(late.jobs).toEqual([]);
  });

  it.each(['1', '2'])(
    'lets miners go after the grace without a node, and takes them with one: %s gateways',
    async (gateways) => {
      await pool.stop();
      await node.restart();
      pool = await PoolProcess.start(folder, {
        SLUICE_STRATUM__GATEWAYS: gateways,
        SLUICE_STRATUM__OUTAGE_GRACE_SECONDS: '6',
      });
      const client = await connect('tcp');
      await client.login(user);
      await node.kill();
      await client.until((message) => message.method === 'client.show_message');
      await client.whenClosed;
      const late = await connect('tcp');
      const { error } = await late.request('mining.subscribe', ['late/1']);
      expect(error).toEqual([20, 'The pool can not take work at the moment: please use your next pool', null]);
      await late.whenClosed;
      await node.restart();
      await vi.waitFor(async () => mineOne(await loggedIn()), { timeout: 30_000 });
    },
  );

  /** Makes the node's chain go on for two blocks beside this one, which the node keeps. Returns the two. */
  async function rivalOf(hash: string): Promise<string[]> {
    await node.rpc('invalidateblock', hash);
    const rivals = await node.mine(2);
    await node.rpc('reconsiderblock', hash);
    expect(await node.rpc('getbestblockhash')).toBe(rivals[1]);
    return rivals;
  }

  /** Waits until the pool has a line of log with all of this. */
  async function said(...parts: readonly string[]): Promise<void> {
    await expect.poll(() => pool.log.some((line) => parts.every((part) => line.includes(part)))).toBe(true);
  }

  async function loggedIn(): Promise<StratumClient> {
    const client = await connect('tcp');
    await client.login(user);
    return client;
  }
});
