import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readLedger } from '#books/ledger/ledger-db';
import { findBitcoind } from '../support/bitcoind.ts';
import { type RegtestNode, startRegtest } from '../support/bitcoind-regtest.ts';
import { expectLedgerAgrees } from '../support/ledger-child.ts';
import { PoolFolder, PoolProcess } from '../support/pool-process.ts';
import { StratumClient } from '../support/stratum-client.ts';
import { type BlockRow, blockQuery, recomputed, recomputedPps, type WorkRow, workQuery } from './recomputed.ts';

/** Whatever is mined here never comes to a wallet. */
const ELSEWHERE = 'bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202';
const FEE_PERCENT = 1n;
/** A share of these miners is worth two blocks of regtest: a window of five shares. */
const WINDOW_BLOCKS = 11n;
/** Who sends a share on each job, in turn: six, three and two of eleven. Two on one job share its slice. */
const ROUNDS = [[0], [0, 1], [0], [2], [0, 1], [0], [0, 1, 2]] as const;
/** Coinbases of 50 bitcoin that the operator of the PPS pool brings along: here, a share is worth two blocks. */
const RESERVE_BLOCKS = 40;
const SCHEMES = ['pplns', 'prop', 'solo', 'pps'] as const;
type Scheme = (typeof SCHEMES)[number];

interface ShownBlock {
  readonly hash: string;
  readonly height: number;
  readonly status: string;
  readonly reward_sats: string;
  readonly fee_sats: string;
  readonly credits: readonly { readonly account: string; readonly sats: string }[];
}
interface Balances {
  readonly accounts: readonly {
    readonly account: string;
    readonly immature_sats: string;
    readonly payable_sats: string;
    readonly in_flight_sats: string;
    readonly paid_sats: string;
  }[];
  readonly pool: Readonly<Record<string, string>>;
}

const bitcoind = await findBitcoind();
if (bitcoind.path === undefined) process.stderr.write(`not run: the cycle of payments: ${bitcoind.reason}\n`);

/** A pool of one scheme with three miners, on a wallet of its own. */
class Pool {
  readonly scheme: Scheme;
  readonly folder: PoolFolder;
  readonly miners: readonly string[];
  /** Accepted shares, by miner. */
  readonly accepted = [0, 0, 0];
  process: PoolProcess | undefined;
  readonly #node: RegtestNode;

  private constructor(scheme: Scheme, node: RegtestNode, miners: readonly string[], address: string) {
    this.scheme = scheme;
    this.miners = miners;
    this.#node = node;
    this.folder = new PoolFolder(
      [
        'network = "regtest"',
        `[node]\nrpc = [${JSON.stringify(node.url)}]\nzmq = "${node.zmq}"\nrefresh-seconds = 0.1`,
        '[stratum.difficulty]\nstart = 1e-9\nvardiff = false',
        `[payout]\naddress = "${address}"\nscheme = "${scheme}"\nfee-percent = ${FEE_PERCENT}\nwindow = ${WINDOW_BLOCKS}`,
        `wallet = "${scheme}"\ninterval = "off"`,
      ].join('\n'),
    );
  }

  static async make(scheme: Scheme, node: RegtestNode): Promise<Pool> {
    await node.rpc('createwallet', scheme);
    const miners: string[] = [];
    for (const type of ['bech32', 'bech32m', 'p2sh-segwit']) {
      miners.push(await node.walletRpc('miners', 'getnewaddress', '', type));
    }
    return new Pool(scheme, node, miners, await node.walletRpc(scheme, 'getnewaddress', '', 'bech32'));
  }

  async start(): Promise<void> {
    this.process = await PoolProcess.start(this.folder);
  }

  async connect(): Promise<StratumClient> {
    const { host, port } = this.process?.endpoints.tcp ?? { host: '', port: 0 };
    const client = await StratumClient.tcp(host, port);
    await client.login(`${this.miners[0]}.rig`);
    for (const miner of this.miners.slice(1)) await client.request('mining.authorize', [`${miner}.rig`, 'x']);
    return client;
  }

  /** Each round is one job: the first of its shares is a block, and the others are orphaned by that. */
  async mine(client: StratumClient): Promise<void> {
    for (const round of ROUNDS) {
      if (client.closed) return;
      const solutions = round.map((miner) => ({ miner, solution: client.solve(`${this.miners[miner]}.rig`) }));
      const replies = solutions.map(({ solution }) => client.submit(solution));
      for (const [at, { miner }] of solutions.entries()) {
        const isAccepted = (await replies[at])?.result === true;
        this.accepted[miner] = (this.accepted[miner] ?? 0) + Number(isAccepted);
      }
      const tip = await this.#node.rpc<string>('getbestblockhash');
      await client.jobOn(tip);
    }
  }

  async told<T>(...args: string[]): Promise<T> {
    const { code, stdout, stderr } = await this.folder.run(...args, '--json', '--config', this.folder.config);
    if (code !== 0) throw new Error(`${args.join(' ')}: ${stderr}${stdout}`);
    return JSON.parse(stdout) as T;
  }

  /** How many blocks of the ledger have each status, read from the file: a command takes a second to start. */
  statuses(): Record<string, number> {
    const database = readLedger(join(this.folder.path, 'data'));
    const rows = database
      .prepare<[], { status: string; count: bigint }>('SELECT status, count(*) AS count FROM blocks GROUP BY status')
      .all();
    database.close();
    return Object.fromEntries(rows.map(({ status, count }) => [status, Number(count)]));
  }

  /** Under PPS: each slice with a share is paid for. */
  hasPaidSlices(): boolean {
    const database = readLedger(join(this.folder.path, 'data'));
    const paid = database
      .prepare<[], bigint>(
        `SELECT (SELECT serial FROM pps_paid) >= (SELECT max(jobs.serial) FROM jobs JOIN slices USING (job_id))`,
      )
      .pluck()
      .get();
    database.close();
    return paid === 1n;
  }

  /** A block as the ledger has it. */
  row(hash: string): BlockRow {
    const database = readLedger(join(this.folder.path, 'data'));
    const row = database
      .prepare<[string], BlockRow>(
        'SELECT hash, height, job_id, finder AS account, reward_sats FROM blocks WHERE hash = ?',
      )
      .get(hash);
    database.close();
    if (row === undefined) throw new Error(`no block ${hash}`);
    return { ...row, height: Number(row.height) };
  }

  /** The states of all payouts, from the file. */
  payouts(): string[] {
    const database = readLedger(join(this.folder.path, 'data'));
    const states = database.prepare<[], string>('SELECT state FROM payout_batches').pluck().all();
    database.close();
    return states;
  }

  async close(): Promise<void> {
    this.process?.child.kill('SIGKILL');
    await this.process?.exited;
    await this.folder.remove();
  }
}

describe.skipIf(bitcoind.path === undefined)('the cycle of payments, on a real bitcoind', () => {
  let node: RegtestNode;
  const pools: Pool[] = [];
  const of = (scheme: Scheme): Pool => pools.find((pool) => pool.scheme === scheme) as Pool;
  const each = (act: (pool: Pool) => Promise<void>) => Promise.all(pools.map(act));
  /** Blocks of nobody, one at a time: each is a job of its own for every pool. */
  async function bury(blocks: number): Promise<void> {
    const clients = await Promise.all(pools.map((pool) => pool.connect()));
    for (let block = 0; block < blocks; block += 1) {
      const [hash = ''] = await node.mine(1, ELSEWHERE);
      await Promise.all(clients.map((client) => client.jobOn(hash)));
    }
    for (const client of clients) client.close();
  }

  beforeAll(async () => {
    node = await startRegtest({ path: bitcoind.path ?? '' });
    await node.rpc('createwallet', 'miners');
    for (const scheme of SCHEMES) pools.push(await Pool.make(scheme, node));
    // PPS pays whatever is found: the operator brings a reserve along.
    const address = await node.walletRpc<string>('pps', 'getnewaddress');
    await node.mine(RESERVE_BLOCKS, address);
    await node.mine(100, ELSEWHERE);
    await each((pool) => pool.start());
    for (const pool of pools) {
      const client = await pool.connect();
      await pool.mine(client);
      // Some shares are acknowledged, and the pool is gone before anything else is done with them.
      const dying = pool.mine(client).catch(() => undefined);
      await client.jobAfter(client.jobs.length + 2);
      await pool.process?.kill();
      await dying;
    }
    await each((pool) => pool.start());
    for (const pool of pools) {
      const client = await pool.connect();
      await pool.mine(client);
      client.close();
    }
    await bury(101);
  }, 180_000);
  afterAll(async () => {
    await each((pool) => pool.close());
    await node?.stop();
  }, 120_000);

  it('brings every block to maturity', { timeout: 100_000 }, async () => {
    await each(async (pool) => {
      const rows = await pool.folder.sql<BlockRow>(blockQuery);
      expect(rows.length).toBeGreaterThanOrEqual(2 * ROUNDS.length);
      // The log comes to the ledger in order, so with all blocks it has all shares of their windows.
      const left = async (): Promise<number> => {
        const { found = 0, confirmed = 0, mature = 0 } = pool.statuses();
        return found + confirmed + Math.max(0, rows.length - mature);
      };
      await expect.poll(left, { timeout: 90_000, interval: 200 }).toBe(0);
      if (pool.scheme === 'pps')
        await expect.poll(() => pool.hasPaidSlices(), { timeout: 30_000, interval: 200 }).toBe(true);
    });
  });

  it.each(SCHEMES)('credits what the tables of ClickHouse alone come to: %s', async (scheme) => {
    const pool = of(scheme);
    const [{ blocks: shown }, work, found] = await Promise.all([
      pool.told<{ blocks: ShownBlock[] }>('ledger', 'blocks'),
      pool.folder.sql<WorkRow>(workQuery),
      pool.folder.sql<BlockRow>(blockQuery),
    ]);
    const mature = shown.filter(({ status }) => status === 'mature').sort((a, b) => a.height - b.height);
    // The node may have taken a block in the moment of the kill that the log never heard of: the chain has told the ledger of it.
    const unheard = mature.filter(({ hash }) => !found.some((row) => row.hash === hash));
    expect(unheard.length).toBeLessThanOrEqual(1);
    const rows = [...found, ...unheard.map(({ hash }) => pool.row(hash))].sort((a, b) => a.height - b.height);
    expect(mature.map(({ hash }) => hash)).toEqual(rows.map(({ hash }) => hash));
    for (const [at, { hash, reward_sats, fee_sats, credits }] of mature.entries()) {
      const { tx } = await node.rpc<{ tx: { vout: { value: number }[] }[] }>('getblock', hash, 2);
      const coinbase = tx[0]?.vout.reduce((sum, { value }) => sum + BigInt(Math.round(value * 1e8)), 0n);
      expect(BigInt(reward_sats)).toBe(coinbase);
      if (scheme === 'pps') continue;
      const sum = credits.reduce((all, { sats }) => all + BigInt(sats), BigInt(fee_sats));
      expect(sum, `credits and fee of block ${hash}`).toBe(coinbase);
      const row = rows[at] as BlockRow;
      const expected = recomputed(scheme, FEE_PERCENT, WINDOW_BLOCKS)(row, { work, blocks: rows });
      expect(new Map(credits.map(({ account, sats }) => [account, BigInt(sats)]))).toEqual(expected);
    }
    // Every share that a miner was told of is in a slice, before and after the kill.
    for (const [at, miner] of pool.miners.entries()) {
      const shares = work.filter(({ account }) => account === miner).reduce((all, row) => all + Number(row.shares), 0);
      expect(shares).toBeGreaterThanOrEqual(pool.accepted[at] ?? 0);
    }
    await expectLedgerAgrees(pool.folder);
  });

  it('owes what each share is worth under PPS, whether or not it found a block', async () => {
    const pool = of('pps');
    const [{ accounts }, work, jobs] = await Promise.all([
      pool.told<Balances>('ledger', 'balances'),
      pool.folder.sql<WorkRow>(workQuery),
      pool.folder.sql<{ job_id: string; reward_sats: string }>(
        'SELECT job_id, toString(reward_sats) AS reward_sats FROM jobs',
      ),
    ]);
    // No transaction of this chain pays a fee before the payouts.
    const subsidies = new Map(jobs.map(({ job_id, reward_sats }) => [job_id, BigInt(reward_sats)]));
    expect(owedOf(accounts)).toEqual(recomputedPps(work, (job) => subsidies.get(job) ?? 0n, FEE_PERCENT));
  });

  it('pays each miner what it is owed, and the wallets have what the books say', { timeout: 120_000 }, async () => {
    const owed = new Map<Scheme, Map<string, bigint>>();
    await each(async (pool) => {
      const { accounts, pool: own } = await pool.told<Balances>('ledger', 'balances');
      expect((await coins(pool.scheme)) - BigInt(own['wallet_sats'] ?? '')).toBe(await outsideSats(pool));
      owed.set(pool.scheme, owedOf(accounts));
      expect(await pool.told('payout', 'run')).toMatchObject({ payout: { state: 'seen', accounts: accounts.length } });
    });
    expect(owed.get('pplns')?.size).toBe(3);
    await node.mine(3, ELSEWHERE);
    for (const pool of pools) {
      await expect.poll(async () => pool.payouts(), { timeout: 40_000, interval: 200 }).toEqual(['settled']);
    }
    await each(async (pool) => {
      const { accounts, pool: own } = await pool.told<Balances>('ledger', 'balances');
      for (const { account, payable_sats, in_flight_sats, paid_sats } of accounts) {
        expect([payable_sats, in_flight_sats]).toEqual(['0', '0']);
        expect(BigInt(paid_sats)).toBe(owed.get(pool.scheme)?.get(account));
        const received = await node.walletRpc<number>('miners', 'getreceivedbyaddress', account);
        expect(BigInt(Math.round(received * 1e8))).toBe(BigInt(paid_sats));
      }
      expect(await coins(pool.scheme)).toBe(BigInt(own['wallet_sats'] ?? '') + (await outsideSats(pool)));
      expect(await pool.told('ledger', 'check')).toMatchObject({ holds: true });
      expect(await pool.told('ledger', 'rebuild', '--check')).toMatchObject({ same: true });
    });
  });

  const owedOf = (accounts: Balances['accounts']): Map<string, bigint> =>
    new Map(accounts.map(({ account, payable_sats }) => [account, BigInt(payable_sats)]));
  /** Coins that are not in the books: the reserve, and a block whose job, or under solo whose finder, the kill took away. */
  async function outsideSats(pool: Pool): Promise<bigint> {
    const { foreign } = await pool.told<{ foreign: readonly { sats: string }[] }>('ledger', 'blocks');
    expect(foreign.length).toBeLessThanOrEqual(1);
    const reserve = pool.scheme === 'pps' ? BigInt(RESERVE_BLOCKS) * 5_000_000_000n : 0n;
    return foreign.reduce((sum, { sats }) => sum + BigInt(sats), reserve);
  }

  /** All coins of a wallet, in satoshis. */
  async function coins(wallet: string): Promise<bigint> {
    const { mine } = await node.walletRpc<{ mine: Record<'trusted' | 'untrusted_pending' | 'immature', number> }>(
      wallet,
      'getbalances',
    );
    return BigInt(Math.round((mine.trusted + mine.untrusted_pending + mine.immature) * 1e8));
  }
});
