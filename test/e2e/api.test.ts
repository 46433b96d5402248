import { execFileSync } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createV1 } from '#show/api/v1/v1';
import { SOME_TERMS, unasked } from '../support/http.ts';
import { DIFFICULTY, paidPoolFolder, startPaidPool } from '../support/paid-pool.ts';
import { PoolProcess } from '../support/pool-process.ts';

const ADDRESS = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const NOBODY = 'bcrt1qy7yl6pjgjct4qgael8e5dp2csn9f9k068fnq9n';
const HASHES_PER_DIFFICULTY = 2 ** 32;

/** The endpoints with their schemas, as the pool itself has them. */
const { endpoints, ...described } = createV1(
  { folder: '/nonexistent', network: 'regtest', openNames: false, terms: SOME_TERMS },
  {
    clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() },
    ...{ pool: unasked, ready: unasked, job: unasked, health: unasked, miner: unasked },
  },
);

const folder = paidPoolFolder();
let pool: PoolProcess;
let accepted = 0;

// biome-ignore lint/suspicious/noExplicitAny: each answer is checked by its schema before anything of it is read
type Body = any;

async function ask(path: string, init?: RequestInit): Promise<{ status: number; body: Body; headers: Headers }> {
  const response = await fetch(pool.endpoints.http + path, init);
  const text = await response.text();
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text), headers: response.headers };
}

/** The answer to a path of an endpoint, after its schema has taken it whole. */
async function told(endpointPath: string, path = endpointPath): Promise<Body> {
  const { status, body } = await ask(path);
  expect(status, `${path}: ${JSON.stringify(body)}`).toBe(200);
  const schema = endpoints.find((each) => each.path === endpointPath)?.response;
  const read = schema?.safeParse(body);
  expect(read?.success, `${path}: ${read?.error?.message} ${JSON.stringify(body).slice(0, 2000)}`).toBe(true);
  return body;
}

/** The share that was sent again: a duplicate, or stale if it was a block. */
const rejectedBy = ({ duplicate = 0, stale = 0 }: { duplicate?: number; stale?: number }): number => duplicate + stale;

beforeAll(async () => {
  ({ pool, accepted } = await startPaidPool(folder, `${ADDRESS}.rig<b>`));
}, 150_000);
afterAll(async () => {
  described.close();
  pool?.child.kill('SIGKILL');
  await folder.remove();
});

describe('the API of a running pool', () => {
  it('answers every path of the contract as its schema says', { timeout: 120_000 }, async () => {
    // ClickHouse has the last shares some seconds later.
    await expect
      .poll(async () => rejectedBy((await told('/api/v1/rejects')).total), { timeout: 60_000, interval: 1_000 })
      .toBe(1);
    const { blocks } = await told('/api/v1/blocks');
    const { payouts } = await told('/api/v1/payouts');
    const values: Record<string, string> = { address: ADDRESS, hash: blocks[0].hash, id: payouts[0].id };
    for (const { path, mediaType } of endpoints.filter(({ group }) => group !== 'compatible')) {
      const filled = path.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? '');
      if (mediaType === undefined) await told(path, filled);
      else expect((await fetch(pool.endpoints.http + filled)).status).toBe(200);
    }
  });

  it('tells of money what the ledger has, to the satoshi', { timeout: 120_000 }, async () => {
    const read = async (): Promise<{ balance: Body; owed: bigint }> => {
      const balance = await told('/api/v1/miners/{address}/balance', `/api/v1/miners/${ADDRESS}/balance`);
      const { immatureSats, payableSats, inFlightSats, paidSats } = balance;
      const parts: string[] = [immatureSats, payableSats, inFlightSats, paidSats];
      return { balance, owed: parts.reduce((sum, sats) => sum + BigInt(sats), 0n) };
    };
    // The last blocks are booked, and payouts settle, some seconds after the last share.
    let { balance, owed } = await read();
    const isQuiet = async (): Promise<boolean> => {
      await delay(3_000);
      const [before, now] = [balance, await read()];
      ({ balance, owed } = now);
      return JSON.stringify(before) === JSON.stringify(balance);
    };
    await expect.poll(isQuiet, { timeout: 60_000 }).toBe(true);
    expect(owed).toBeGreaterThan(0n);
    const earnings = await told('/api/v1/miners/{address}/earnings', `/api/v1/miners/${ADDRESS}/earnings`);
    expect(BigInt(earnings.totalSats)).toBe(owed);
    const credits: { sats: string; entry: number; block: { hash: string } }[] = [];
    for (let before = ''; ; ) {
      const page = await told('/api/v1/miners/{address}/credits', `/api/v1/miners/${ADDRESS}/credits?limit=7${before}`);
      credits.push(...page.credits);
      if (page.next === null) break;
      before = `&before=${page.next}`;
    }
    expect(new Set(credits.map(({ entry }) => entry)).size).toBe(credits.length);
    expect(credits.reduce((sum, { sats }) => sum + BigInt(sats), 0n)).toBe(owed);
    const { stdout } = await folder.run('ledger', 'balances', '--json', '--config', folder.config);
    const kept = JSON.parse(stdout).accounts.find(({ account }: { account: string }) => account === ADDRESS);
    expect(
      BigInt(kept.immature_sats) + BigInt(kept.payable_sats) + BigInt(kept.in_flight_sats) + BigInt(kept.paid_sats),
    ).toBe(owed);
    const block = await told('/api/v1/blocks/{hash}', `/api/v1/blocks/${credits.at(-1)?.block.hash}`);
    const parts = block.credits.reduce((sum: bigint, { sats }: { sats: string }) => sum + BigInt(sats), 0n);
    expect(parts + BigInt(block.feeSats) + BigInt(block.donationSats) + BigInt(block.restSats)).toBe(
      BigInt(block.rewardSats),
    );
    const { payouts } = await told('/api/v1/miners/{address}/payouts', `/api/v1/miners/${ADDRESS}/payouts?limit=100`);
    const paid = payouts
      .filter(({ state }: { state: string }) => state === 'settled')
      .reduce((sum: bigint, { outputSats }: { outputSats: string }) => sum + BigInt(outputSats), 0n);
    expect(paid).toBe(BigInt(balance.paidSats));
    expect(await told('/api/v1/miners/{address}/balance', `/api/v1/miners/${NOBODY}/balance`)).toMatchObject({
      payableSats: '0',
      paidSats: '0',
    });
  });

  it('pages through blocks and rounds without a gap, and each round has the work of its shares', async () => {
    const blocks: { hash: string; height: number }[] = [];
    for (let before = ''; ; ) {
      const page = await told('/api/v1/blocks', `/api/v1/blocks?limit=5${before}`);
      blocks.push(...page.blocks);
      expect(Object.values<number>(page.counts).reduce((a, b) => a + b, 0)).toBeGreaterThanOrEqual(blocks.length);
      if (page.next === null) break;
      before = `&before=${page.next}`;
    }
    expect(new Set(blocks.map(({ hash }) => hash)).size).toBe(blocks.length);
    expect(blocks.map(({ height }) => height)).toEqual(blocks.map(({ height }) => height).sort((a, b) => b - a));
    const all = await told('/api/v1/rounds', '/api/v1/rounds?limit=50');
    expect(all.rounds).toHaveLength(Math.min(50, blocks.length) + 1);
    if (blocks.length <= 50) {
      const sum = all.rounds.reduce((total: bigint, { work }: { work: string }) => total + BigInt(work), 0n);
      const share = BigInt(Math.floor(DIFFICULTY * HASHES_PER_DIFFICULTY)) || 1n;
      expect(Number(sum / share)).toBeGreaterThan(accepted / 2);
    }
    const paged = await told('/api/v1/rounds', '/api/v1/rounds?limit=3');
    expect(paged.rounds.slice(1, 4).map(({ work }: { work: string }) => work)).toEqual(
      all.rounds.slice(1, 4).map(({ work }: { work: string }) => work),
    );
  });

  it('shows the current job with its coinbase decoded', async () => {
    const job = await told('/api/v1/jobs/current');
    const total = job.coinbase.outputs.reduce((sum: bigint, { sats }: { sats: string }) => sum + BigInt(sats), 0n);
    expect(total).toBe(BigInt(job.rewardSats));
    expect(BigInt(job.subsidySats) + BigInt(job.feesSats)).toBe(total);
    expect(job.coinbase.scriptSigText).toContain('/Sluice/');
    expect(job.coinbase.outputs.map(({ kind }: { kind: string }) => kind)).toContain('payment');
  });

  it('has the curve, the list and the sessions of a miner, whose names are nobody’s HTML', {
    timeout: 120_000,
  }, async () => {
    const list = await told('/api/v1/miners');
    expect(list).toMatchObject({ total: 1, miners: [{ address: ADDRESS, workers: 1 }] });
    expect(list.miners[0].accepted).toBeLessThanOrEqual(accepted);
    const path = `/api/v1/miners/${ADDRESS}/sessions`;
    const { sessions } = await told('/api/v1/miners/{address}/sessions', path);
    expect(sessions).toMatchObject([{ worker: 'rig<b>', userAgent: 'test/1.0', accepted, rejected: 1 }]);
    expect(await (await fetch(pool.endpoints.http + path)).text()).not.toContain('<');
    const { points } = await told('/api/v1/miners/{address}/hashrate', `/api/v1/miners/${ADDRESS}/hashrate?step=1m`);
    expect(points).toHaveLength(100);
    const one = await told('/api/v1/miners/{address}/rejects', `/api/v1/miners/${ADDRESS}/rejects?worker=rig%3Cb%3E`);
    expect(rejectedBy(one.total)).toBe(1);
    const none = await told(
      '/api/v1/miners/{address}/rejects',
      `/api/v1/miners/${ADDRESS}/rejects?worker=%27)%20OR%201=1`,
    );
    expect(none.total).toEqual({});
  });

  it('tells how each part is', async () => {
    const { parts } = await told('/api/v1/health');
    expect(Object.keys(parts)).toEqual(['node', 'share-log', 'gateways', 'ledger', 'analytics']);
    expect(parts.node.status).toBe('ok');
  });

  it('names what an answer has, and sends it again only if it has changed; packs what is long', async () => {
    const path = '/openapi.json';
    const { headers } = await ask(path);
    expect(headers.get('cache-control')).toBe('public, max-age=300');
    const etag = headers.get('etag') ?? '';
    const again = await ask(path, { headers: { 'if-none-match': etag } });
    expect(again.status).toBe(304);
    const raw = (encoding: string): string =>
      execFileSync(
        'curl',
        ['-s', '-D', '-', '-o', '/dev/null', '-H', `Accept-Encoding: ${encoding}`, pool.endpoints.http + path],
        {
          encoding: 'utf8',
        },
      );
    const lengthOf = (head: string): number => Number(/content-length: (\d+)/i.exec(head)?.[1]);
    const plain = lengthOf(raw('identity'));
    for (const encoding of ['br', 'gzip'] as const) {
      expect(raw(encoding)).toMatch(new RegExp(`content-encoding: ${encoding}`, 'i'));
      expect(lengthOf(raw(encoding)) * 3).toBeLessThan(plain);
    }
    expect(raw('br;q=0, gzip;q=0')).not.toMatch(/content-encoding/i);
  });

  it.each([
    '/api/v1/blocks?limit=0',
    '/api/v1/blocks?limit=101',
    '/api/v1/blocks?limit=1&limit=2',
    '/api/v1/blocks?before=x',
    '/api/v1/blocks?unknown=1',
    '/api/v1/blocks/zz',
    '/api/v1/payouts?before=-1',
    `/api/v1/miners/${ADDRESS}/earnings?from=2026-01-01`,
    `/api/v1/miners/${ADDRESS}/earnings?from=2020-01-01T00:00:00Z&to=2026-01-01T00:00:00Z`,
    `/api/v1/miners/${ADDRESS}/earnings?from=2&to=1`,
    `/api/v1/miners/${ADDRESS}/hashrate?step=1s`,
    `/api/v1/miners/${ADDRESS}x/balance`,
    '/api/v1/miners?order=account%27',
  ])('refuses %s, and says why', async (path) => {
    const { status, body, headers } = await ask(path);
    expect(status).toBe(400);
    expect(headers.get('content-type')).toContain('application/problem+json');
    expect(body).toMatchObject({ status: 400, title: 'Bad Request', detail: expect.stringMatching(/\S/) });
  });

  it('has the hash rate of before at once after a kill', { timeout: 120_000 }, async () => {
    const before = (await told('/api/v1/pool')).hashrate['1h'];
    expect(before).toBeGreaterThan(0);
    await pool.kill();
    pool = await PoolProcess.start(folder);
    const known = async (): Promise<number | undefined> => (await told('/api/v1/pool')).hashrate?.['1h'];
    await expect.poll(known, { timeout: 20_000, interval: 100 }).toBeDefined();
    // The rate falls meanwhile, as nobody mines: by a few per cent, not to nothing.
    const after = (await known()) ?? 0;
    expect(after).toBeGreaterThan(before * 0.3);
    // The tables have work in whole hashes, and a share of this pool is four of them.
    expect(after).toBeLessThanOrEqual(before * 1.25);
  });
});
