import { Transaction } from 'bitcoinjs-lib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { findBitcoind } from '../support/bitcoind.ts';
import { type RegtestNode, startRegtest } from '../support/bitcoind-regtest.ts';
import { PoolFolder, PoolProcess } from '../support/pool-process.ts';
import { StratumClient } from '../support/stratum-client.ts';
import { type BlockRow, recomputed, type WorkRow, workQuery } from './recomputed.ts';

/** Whatever is mined here never comes to a wallet. */
const ELSEWHERE = 'bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202';
const FEE_PERCENT = 2n;
const WINDOW_BLOCKS = 60n;
/** More than a coinbase of 750 bytes can pay. */
const MINERS = 24;

interface Output {
  readonly address: string | undefined;
  readonly sats: bigint;
}
interface JobRow {
  readonly job_id: string;
  readonly window_end: string;
  readonly reward_sats: string;
}

const bitcoind = await findBitcoind();
if (bitcoind.path === undefined) process.stderr.write(`not run: coinbases of windows: ${bitcoind.reason}\n`);

describe.skipIf(bitcoind.path === undefined)('pplns with coinbases that pay the window, on a real bitcoind', () => {
  let node: RegtestNode;
  let folder: PoolFolder;
  let pool: PoolProcess;
  let client: StratumClient;
  let operator = '';
  const miners: string[] = [];
  /** The block that was mined on a coinbase that pays accounts. */
  let hash = '';
  /** The one that a device found whose coinbases are shorter. */
  let short = '';

  beforeAll(async () => {
    node = await startRegtest({ path: bitcoind.path ?? '' });
    await node.fund();
    operator = await node.walletRpc('tests', 'getnewaddress', '', 'bech32');
    for (let miner = 0; miner < MINERS; miner += 1) {
      const type = ['bech32', 'bech32m', 'p2sh-segwit', 'legacy'][miner % 4];
      miners.push(await node.walletRpc('tests', 'getnewaddress', '', type));
    }
    folder = new PoolFolder(
      [
        'network = "regtest"',
        `[node]\nrpc = [${JSON.stringify(node.url)}]\nzmq = "${node.zmq}"\nrefresh-seconds = 0.1`,
        '[stratum.difficulty]\nstart = 1e-9\nvardiff = false',
        `[payout]\naddress = "${operator}"\nmethod = "coinbase"\nfee-percent = ${FEE_PERCENT}\nwindow = ${WINDOW_BLOCKS}`,
        'wallet = "tests"\ninterval = "off"',
      ].join('\n'),
    );
    pool = await PoolProcess.start(folder);
    const { host, port } = pool.endpoints.tcp;
    client = await StratumClient.tcp(host, port);
    await client.login(`${miners[0]}.rig`);
    for (const miner of miners.slice(1)) await client.request('mining.authorize', [`${miner}.rig`, 'x']);
  }, 120_000);
  afterAll(async () => {
    pool?.child.kill('SIGKILL');
    await pool?.exited;
    await folder?.remove();
    await node?.stop();
  }, 60_000);

  /** Miner n sends n + 1 shares on the job; one of them becomes the tip. */
  async function round(): Promise<string> {
    const before = await node.rpc<string>('getbestblockhash');
    await client.jobOn(before);
    const replies = miners.flatMap((miner, at) =>
      Array.from({ length: 1 + (at % 3) }, () => client.submit(client.solve(`${miner}.rig`))),
    );
    await Promise.all(replies);
    return vi.waitFor(
      async () => {
        const tip = await node.rpc<string>('getbestblockhash');
        expect(tip).not.toBe(before);
        return tip;
      },
      { timeout: 60_000 },
    );
  }

  async function outputsOf(block: string): Promise<Output[]> {
    const { tx } = await node.rpc<{
      tx: { vout: { value: number; scriptPubKey: { address?: string } }[] }[];
    }>('getblock', block, 2);
    return (tx[0]?.vout ?? []).map(({ value, scriptPubKey }) => ({
      address: scriptPubKey.address,
      sats: BigInt(Math.round(value * 1e8)),
    }));
  }

  /** Outputs of the coinbase that the miners have. */
  function outputsOfWork(): number {
    const { coinb1, coinb2 } = client.work;
    const hole = '00'.repeat(4 + client.extranonce2Bytes);
    return Transaction.fromHex(coinb1 + hole + coinb2).outs.length;
  }

  it('pays the pool as long as there is no sealed slice', { timeout: 60_000 }, async () => {
    expect(outputsOfWork()).toBe(2);
    const [first, ...others] = await outputsOf(await round());
    expect(first?.address).toBe(operator);
    expect(others.every(({ sats }) => sats === 0n)).toBe(true);
  });

  it('pays those whom the newest sealed window credits most, and the pool the rest', { timeout: 240_000 }, async () => {
    await vi.waitFor(
      async () => {
        await node.send(1);
        expect(outputsOfWork()).toBeGreaterThan(3);
      },
      { timeout: 150_000, interval: 500 },
    );
    expect((client.work.coinb1.length + client.work.coinb2.length) / 2 + 12).toBeLessThanOrEqual(750);
    hash = await round();
    const outputs = await outputsOf(hash);
    const [job] = await vi.waitFor(
      async () => {
        const rows = await folder.sql<JobRow>(
          `SELECT job_id, window_end, toString(reward_sats) AS reward_sats FROM jobs
           WHERE job_id IN (SELECT job_id FROM blocks WHERE hash = '${hash}')`,
        );
        expect(rows).toHaveLength(1);
        return rows as [JobRow];
      },
      { timeout: 150_000, interval: 500 },
    );
    expect(job.window_end).not.toBe('');
    expect(job.window_end < job.job_id).toBe(true);
    const work = await folder.sql<WorkRow>(workQuery);
    const credits = recomputed(
      'pplns',
      FEE_PERCENT,
      WINDOW_BLOCKS,
    )({ ...job, job_id: job.window_end, hash, height: 0, account: '' } satisfies BlockRow, { work, blocks: [] });
    expect(credits.size).toBe(MINERS);
    const paid = outputs.filter(({ address, sats }) => sats > 0n && address !== operator);
    // About so many fit 750 bytes.
    expect(paid.length).toBeGreaterThan(12);
    expect(paid.length).toBeLessThan(MINERS);
    for (const { address = '', sats } of paid) expect([address, sats]).toEqual([address, credits.get(address)]);
    const [least = 0n] = paid.map(({ sats }) => sats).sort((a, b) => Number(a - b));
    const leftOut = [...credits].filter(([account]) => !paid.some(({ address }) => address === account));
    // A longer script may have been left out for a shorter one of an equal credit.
    for (const [, sats] of leftOut) expect(sats <= least).toBe(true);
    const total = outputs.reduce((sum, { sats }) => sum + sats, 0n);
    const direct = paid.reduce((sum, { sats }) => sum + sats, 0n);
    expect(outputs.filter(({ address }) => address === operator)).toEqual([
      { address: operator, sats: total - direct },
    ]);
    const metrics = await (await fetch(`${pool.endpoints.http}/metrics`)).text();
    expect(metrics).toMatch(/^sluice_job_direct_ratio 0\.\d+$/m);
  });

  it('gives a device that takes less a shorter coinbase of the same division', { timeout: 240_000 }, async () => {
    const { host, port } = pool.endpoints.tcp;
    const axe = await StratumClient.tcp(host, port);
    await axe.login(`${miners[1]}.axe`, { agent: 'bitaxe/BM1370/v2.9.0' });
    await vi.waitFor(
      async () => {
        await node.send(1);
        const { coinb1, coinb2 } = axe.work;
        expect((coinb1.length + coinb2.length) / 2 + 4 + axe.extranonce2Bytes).toBeLessThanOrEqual(384);
        expect(
          Transaction.fromHex(`${coinb1}${'00'.repeat(4 + axe.extranonce2Bytes)}${coinb2}`).outs.length,
        ).toBeGreaterThan(3);
        await axe.jobOn(await node.rpc('getbestblockhash'));
      },
      { timeout: 150_000, interval: 500 },
    );
    const before = await node.rpc<string>('getbestblockhash');
    await axe.submit(axe.solve(`${miners[1]}.axe`));
    short = await vi.waitFor(
      async () => {
        const tip = await node.rpc<string>('getbestblockhash');
        expect(tip).not.toBe(before);
        return tip;
      },
      { timeout: 60_000 },
    );
    axe.close();
    const paid = (await outputsOf(short)).filter(({ address, sats }) => sats > 0n && address !== operator);
    expect(paid.length).toBeGreaterThan(1);
    expect(paid.length).toBeLessThan(7);
  });

  it('books what the coinbase paid as paid, and owes the rest', { timeout: 240_000 }, async () => {
    await node.mine(3, ELSEWHERE);
    const outputs = await outputsOf(hash);
    const block = await vi.waitFor(
      async () => {
        const { stdout } = await folder.run('ledger', 'blocks', '--json', '--config', folder.config);
        const { blocks } = JSON.parse(stdout) as {
          blocks: { hash: string; status: string; fee_sats: string; credits: { account: string; sats: string }[] }[];
        };
        const found = blocks.find((each) => each.hash === hash);
        expect(found?.status).toBe('confirmed');
        expect(blocks.find((each) => each.hash === short)?.status).toBe('confirmed');
        return found;
      },
      { timeout: 150_000, interval: 500 },
    );
    const total = outputs.reduce((sum, { sats }) => sum + sats, 0n);
    const credited = (block?.credits ?? []).reduce((sum, { sats }) => sum + BigInt(sats), 0n);
    expect(credited + BigInt(block?.fee_sats ?? 0)).toBe(total);
    const { stdout } = await folder.run('ledger', 'balances', '--json', '--config', folder.config);
    const { accounts } = JSON.parse(stdout) as {
      accounts: { account: string; immature_sats: string; paid_sats: string }[];
    };
    const all = [...outputs, ...(await outputsOf(short))];
    for (const miner of miners) {
      const paid = all.filter(({ address }) => address === miner).reduce((sum, { sats }) => sum + sats, 0n);
      expect([miner, accounts.find(({ account }) => account === miner)?.paid_sats]).toEqual([miner, String(paid)]);
    }
    expect((await folder.run('ledger', 'check', '--config', folder.config)).code).toBe(0);
    const audit = await folder.run('audit', '--config', folder.config, '--json');
    expect([audit.code, JSON.parse(audit.stdout)]).toMatchObject([0, { holds: true, differences: [], skipped: [] }]);
    const explained = await folder.run(
      'explain',
      '--account',
      miners[2] ?? '',
      '--block',
      hash,
      '--config',
      folder.config,
    );
    expect(explained.stdout).toContain('the newest sealed one when the coinbase was made');
    expect(explained.stdout).toContain('the whole division is what the book has');
  });
});
