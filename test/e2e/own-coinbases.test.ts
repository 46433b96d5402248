import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readLedger } from '#books/ledger/ledger-db';
import { findBitcoind } from '../support/bitcoind.ts';
import { type RegtestNode, startRegtest } from '../support/bitcoind-regtest.ts';
import { falsify } from '../support/falsify.ts';
import { PoolFolder, PoolProcess } from '../support/pool-process.ts';
import { StratumClient } from '../support/stratum-client.ts';

/** Whatever is mined here never comes to a wallet. */
const ELSEWHERE = 'bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202';
const FEE_BASIS_POINTS = 200n;
const DONATION_BASIS_POINTS = 50n;
/** What one of the miners pays instead. */
const OWN_FEE_BASIS_POINTS = 25n;
const CONFIRMATIONS = 3;

interface ChainBlock {
  readonly height: number;
  readonly tx: readonly {
    readonly vout: readonly { readonly value: number; readonly scriptPubKey: { readonly address?: string } }[];
  }[];
}
interface ShareRow {
  readonly account: string;
  readonly verdict: string;
  readonly hash: string;
  readonly block: boolean;
}

const bitcoind = await findBitcoind();
if (bitcoind.path === undefined) process.stderr.write(`not run: coinbases of accounts: ${bitcoind.reason}\n`);

const sats = (bitcoin: number): bigint => BigInt(Math.round(bitcoin * 1e8));
const part = (whole: bigint, basisPoints: bigint): bigint => (whole * basisPoints) / 10_000n;

describe.skipIf(bitcoind.path === undefined)('solo with coinbases that pay the finder, on a real bitcoind', () => {
  let node: RegtestNode;
  let folder: PoolFolder;
  let pool: PoolProcess;
  let operator = '';
  let donation = '';
  let miners: string[] = [];
  /** Blocks that the chain has, by hash: who found it. */
  const found = new Map<string, string>();

  beforeAll(async () => {
    node = await startRegtest({ path: bitcoind.path ?? '' });
    // The node has one wallet, of the operator and the miners.
    await node.fund();
    operator = await node.walletRpc('tests', 'getnewaddress', '', 'bech32');
    donation = await node.walletRpc('tests', 'getnewaddress', '', 'bech32');
    miners = [];
    for (const type of ['bech32', 'bech32m', 'legacy']) {
      miners.push(await node.walletRpc('tests', 'getnewaddress', '', type));
    }
    folder = new PoolFolder(
      [
        'network = "regtest"',
        `[node]\nrpc = [${JSON.stringify(node.url)}]\nzmq = "${node.zmq}"\nrefresh-seconds = 0.1`,
        '[stratum]\ngateways = 2\n[stratum.difficulty]\nstart = 1e-9\nvardiff = false',
        `[payout]\naddress = "${operator}"\nscheme = "solo"\nmethod = "coinbase"\nfee-percent = 2\ntag = "/solo-test/"`,
        `donation-address = "${donation}"\ndonation-percent = 0.5\nwallet = "tests"\ninterval = "off"`,
        `confirmations = ${CONFIRMATIONS}`,
        `[payout.accounts."${miners[2]}"]\nfee-percent = 0.25`,
      ].join('\n'),
    );
    pool = await PoolProcess.start(folder);
  }, 120_000);
  afterAll(async () => {
    pool?.child.kill('SIGKILL');
    await pool?.exited;
    await folder?.remove();
    await node?.stop();
  }, 60_000);

  async function connect(miner: string): Promise<StratumClient> {
    const { host, port } = pool.endpoints.tcp;
    const client = await StratumClient.tcp(host, port);
    await client.login(`${miner}.rig`);
    return client;
  }

  async function told<T>(...args: string[]): Promise<T> {
    const { code, stdout, stderr } = await folder.run(...args, '--json', '--config', folder.config);
    if (code !== 0) throw new Error(`${args.join(' ')}: ${stderr}${stdout}`);
    return JSON.parse(stdout) as T;
  }

  /** Each miner in turn mines a block, with fees in it. */
  async function mine(rounds: number): Promise<void> {
    const clients = await Promise.all(miners.map(connect));
    for (let round = 0; round < rounds; round += 1) {
      for (const [at, client] of clients.entries()) {
        const before = await node.rpc<string>('getbestblockhash');
        await client.jobOn(before);
        await client.submit(client.solve(`${miners[at]}.rig`));
        const tip = await vi.waitFor(
          async () => {
            const hash = await node.rpc<string>('getbestblockhash');
            expect(hash).not.toBe(before);
            return hash;
          },
          { timeout: 30_000 },
        );
        found.set(tip, miners[at] ?? '');
        await node.send(1);
      }
    }
    for (const client of clients) client.close();
  }

  it('pays each block to its finder first, and the fee to the pool', { timeout: 240_000 }, async () => {
    await mine(2);
    // The pool dies; what was mined stays paid, and the books have it.
    await pool.kill();
    pool = await PoolProcess.start(folder);
    await mine(1);
    expect(found.size).toBe(9);
    for (const [hash, miner] of found) {
      const { tx } = await node.rpc<ChainBlock>('getblock', hash, 2);
      const outputs = (tx[0]?.vout ?? []).map(
        ({ value, scriptPubKey }) => [scriptPubKey.address, sats(value)] as const,
      );
      const reward = outputs.reduce((sum, [, value]) => sum + value, 0n);
      const fee = part(reward, miner === miners[2] ? OWN_FEE_BASIS_POINTS : FEE_BASIS_POINTS);
      const kept = fee + part(reward, DONATION_BASIS_POINTS);
      // The last one is the witness commitment.
      expect(outputs).toEqual([
        [miner, reward - kept],
        [operator, kept],
        [undefined, 0n],
      ]);
    }
  });

  it('shows a miner its own address in its job, and refuses a second account on the connection', async () => {
    const client = await connect(miners[0] ?? '');
    const { scriptPubKey } = await node.walletRpc<{ scriptPubKey: string }>('tests', 'getaddressinfo', miners[0]);
    // Sequence, number of outputs, value, length of the script, script.
    expect(client.work.coinb2).toContain(`ffffffff03`);
    expect(client.work.coinb2.split('ffffffff03')[1]?.slice(16)).toMatch(new RegExp(`^16${scriptPubKey}`));
    expect(Buffer.from(client.work.coinb2, 'hex').toString('latin1')).toContain('/solo-test/');
    const refused = await client.request('mining.authorize', [`${miners[1]}.rig`, 'x']);
    expect(refused.error?.[0]).toBe(24);
    const same = await client.request('mining.authorize', [`${miners[0]}.other`, 'x']);
    expect(same.result).toBe(true);
    client.close();
  });

  it('has in its books what the chain has, to the satoshi', { timeout: 240_000 }, async () => {
    await node.mine(CONFIRMATIONS, ELSEWHERE);
    const blocks = () =>
      told<{ blocks: { hash: string; status: string; credits: { account: string; sats: string }[] }[] }>(
        'ledger',
        'blocks',
      );
    const booked = await vi.waitFor(
      async () => {
        const all = (await blocks()).blocks.filter(({ status }) => status === 'confirmed');
        expect(all).toHaveLength(found.size);
        return all;
      },
      { timeout: 150_000, interval: 500 },
    );
    const paid = new Map<string, bigint>();
    let kept = 0n;
    let donated = 0n;
    for (const [hash, miner] of found) {
      const { tx } = await node.rpc<ChainBlock>('getblock', hash, 2);
      const [own = 0n, pools = 0n] = (tx[0]?.vout ?? []).map(({ value }) => sats(value));
      paid.set(miner, (paid.get(miner) ?? 0n) + own);
      donated += part(own + pools, DONATION_BASIS_POINTS);
      kept += pools;
      const credits = booked.find((block) => block.hash === hash)?.credits;
      expect(credits).toMatchObject([{ account: miner, sats: String(own) }]);
    }
    const { accounts, pool: own } = await told<{
      accounts: { account: string; immature_sats: string; paid_sats: string }[];
      pool: Record<string, string>;
    }>('ledger', 'balances');
    for (const miner of miners) {
      const balance = accounts.find(({ account }) => account === miner);
      expect(balance).toMatchObject({ immature_sats: '0', paid_sats: String(paid.get(miner)) });
    }
    expect(accounts.find(({ account }) => account === donation)).toMatchObject({ immature_sats: String(donated) });
    expect(own['fee_sats']).toBe(String(kept - donated));
    const direct = [...paid.values()].reduce((sum, each) => sum + each, 0n);
    const database = readLedger(join(folder.path, 'data'));
    const [row] = database
      .prepare<[], { direct: bigint; own: bigint }>(
        'SELECT sum(direct_sats) AS direct, (SELECT sum(own_sats) FROM blocks) AS own FROM block_credits',
      )
      .all();
    database.close();
    expect(row).toEqual({ direct, own: kept });
    const metrics = await (await fetch(`${pool.endpoints.http}/metrics`)).text();
    const ratio = Number(/^sluice_ledger_direct_ratio (.*)$/m.exec(metrics)?.[1]);
    expect(ratio).toBeCloseTo(Number(direct) / Number(direct + kept), 6);
    expect((await folder.run('ledger', 'check', '--config', folder.config)).code).toBe(0);
  });

  it('lets anybody rebuild every header from the tables', { timeout: 240_000 }, async () => {
    const rows = await vi.waitFor(
      async () => {
        const shares = await folder.sql<ShareRow>(
          `SELECT s.account, s.verdict, s.block, lower(hex(reverse(SHA256(SHA256(concat(
             reinterpretAsFixedString(s.version), reverse(unhex(j.previous_hash)),
             arrayFold((root, hash) -> SHA256(SHA256(concat(root, unhex(hash)))), j.merkle_branch,
               SHA256(SHA256(unhex(concat(left(j.coinb1, -4), leftPad(hex(s.job_variant), 4, '0'), s.extranonce1,
                 s.extranonce2, if(s.coinb2 = '', j.coinb2, s.coinb2)))))),
             reinterpretAsFixedString(s.ntime), reinterpretAsFixedString(j.nbits), reinterpretAsFixedString(s.nonce)
           )))))) AS hash
           FROM shares AS s JOIN jobs AS j USING (node, job_id) WHERE s.verdict = 'accepted'`,
        );
        expect(shares.length).toBeGreaterThanOrEqual(found.size);
        return shares;
      },
      { timeout: 150_000, interval: 1000 },
    );
    for (const [hash, miner] of found) {
      expect(rows.filter((row) => row.hash === hash)).toMatchObject([{ account: miner, block: true }]);
    }
    const { code, stdout } = await folder.run('audit', '--config', folder.config, '--json');
    expect([code, JSON.parse(stdout)]).toMatchObject([
      0,
      { holds: true, differences: [], skipped: [], blocks: found.size, hashed: rows.length },
    ]);
  });

  it('finds a share whose coinbase was changed', { timeout: 240_000 }, async () => {
    await pool.kill();
    const [victim] = await folder.sql<{ extranonce1: string; coinb2: string }>(
      "SELECT extranonce1, coinb2 FROM shares WHERE verdict = 'accepted' ORDER BY time LIMIT 1",
    );
    const changed = createHash('sha256').update('another address').digest('hex').slice(0, 40);
    const forged = victim?.coinb2.replace(/^(.*?ffffffff03.{20}).{40}/, `$1${changed}`) ?? '';
    expect(forged).not.toBe(victim?.coinb2);
    await falsify(
      join(folder.path, 'data'),
      `ALTER TABLE sluice.shares UPDATE coinb2 = '${forged}' WHERE coinb2 = '${victim?.coinb2}' SETTINGS mutations_sync = 1`,
    );
    const { code, stdout } = await folder.run('audit', '--config', folder.config, '--json');
    const report = JSON.parse(stdout) as { differences: { subject: string; detail: string }[] };
    expect(code).toBe(1);
    expect(report.differences.map(({ subject }) => subject)).toContain('share');
  });
});
