import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { DIFFICULTY, paidPoolFolder, startPaidPool } from '../support/paid-pool.ts';
import type { PoolProcess } from '../support/pool-process.ts';

/** What firmware, sites and scripts read: every field's name and type are written out here, apart from the code. */

const ADDRESS = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const NOBODY = 'bcrt1qy7yl6pjgjct4qgael8e5dp2csn9f9k068fnq9n';
const SUFFIXED = expect.stringMatching(/^(?:\d+|\d(?:\.\d\d)?[KMGTPEZ]|\d\d(?:\.\d)?[KMGTPEZ]|\d{3}[KMGTPEZ])$/);
const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const NUMBER = expect.any(Number);
const TEXT = expect.any(String);

const folder = paidPoolFolder();
let pool: PoolProcess;
let accepted = 0;
beforeAll(async () => {
  ({ pool, accepted } = await startPaidPool(folder, `${ADDRESS}.rig`));
  // ClickHouse has the last shares some seconds later.
  const taken = async (): Promise<number> => {
    const { sessions } = await get<{ sessions?: { accepted: number }[] }>(`/api/v1/miners/${ADDRESS}/sessions`);
    return sessions?.[0]?.accepted ?? 0;
  };
  await vi.waitFor(async () => expect(await taken()).toBe(accepted), { timeout: 60_000, interval: 1_000 });
}, 200_000);
afterAll(async () => {
  pool?.child.kill('SIGKILL');
  await folder.remove();
});

async function get<Body = Record<string, unknown>>(path: string): Promise<Body> {
  const response = await fetch(pool.endpoints.http + path);
  expect(response.status, `${path}: ${await response.clone().text()}`).toBe(200);
  return (await response.json()) as Body;
}

/** UNIX seconds of the last minutes. */
function expectRecent(seconds: unknown): void {
  expect(Number.isInteger(seconds)).toBe(true);
  expect(Math.abs(Number(seconds) - Date.now() / 1000)).toBeLessThan(600);
}

const RATES = {
  hashrate1m: SUFFIXED,
  hashrate5m: SUFFIXED,
  hashrate1hr: SUFFIXED,
  hashrate1d: SUFFIXED,
  hashrate7d: SUFFIXED,
};

describe('the shapes of ckpool', () => {
  it('/users/{address}', async () => {
    const user = await get(`/users/${ADDRESS}`);
    const own = { ...RATES, lastshare: NUMBER, shares: NUMBER, bestshare: NUMBER, bestever: NUMBER };
    expect(user).toEqual({
      ...own,
      workers: 1,
      authorised: NUMBER,
      worker: [{ workername: `${ADDRESS}.rig`, ...own }],
    });
    expectRecent(user['lastshare']);
    expectRecent(user['authorised']);
    // H/s: all of the work came within the last 7 days.
    const work = accepted * Math.max(1, Math.floor(DIFFICULTY * 2 ** 32));
    expect(Number(user['hashrate1d'])).toBeLessThanOrEqual(work);
    expect((await fetch(`${pool.endpoints.http}/users/${NOBODY}`)).status).toBe(404);
    expect((await fetch(`${pool.endpoints.http}/users/nobody`)).status).toBe(400);
  });

  it('/pool/pool.status', async () => {
    const text = await (await fetch(`${pool.endpoints.http}/pool/pool.status`)).text();
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toEqual([
      { runtime: NUMBER, lastupdate: NUMBER, Users: 1, Workers: 1, Idle: 0, Disconnected: 0 },
      { ...RATES, hashrate15m: SUFFIXED, hashrate6hr: SUFFIXED },
      {
        ...{ diff: NUMBER, accepted: NUMBER, rejected: NUMBER, bestshare: NUMBER },
        ...{ SPS1m: NUMBER, SPS5m: NUMBER, SPS15m: NUMBER, SPS1h: NUMBER },
      },
    ]);
    expectRecent(lines[0].lastupdate);
    expect(lines[2].SPS1h * 3600).toBeCloseTo(accepted, -1);
  });
});

describe('the shapes of public-pool', () => {
  const block = {
    height: NUMBER,
    minerAddress: ADDRESS,
    worker: 'rig',
    sessionId: expect.stringMatching(/^[0-9a-f]{8,16}$/),
  };

  it('/api/pool', async () => {
    const shown = await get<{ blocksFound: unknown[] }>('/api/pool');
    expect(shown).toEqual({
      totalHashRate: NUMBER,
      blockHeight: NUMBER,
      totalMiners: 1,
      blocksFound: expect.arrayContaining([block]),
      fee: 1,
    });
    for (const each of shown.blocksFound) expect(each).toEqual(block);
  });

  it('/api/info', async () => {
    const shown = await get<{ highScores: unknown[] }>('/api/info');
    expect(shown).toEqual({
      blockData: expect.arrayContaining([block]),
      userAgents: [
        {
          userAgent: 'test/1.0',
          count: '1',
          bestDifficulty: NUMBER,
          totalHashRate: expect.stringMatching(/^\d+$/),
        },
      ],
      highScores: expect.any(Array),
      uptime: TIME,
    });
    for (const score of shown.highScores) {
      expect(score).toEqual({ updatedAt: TIME, bestDifficulty: NUMBER, bestDifficultyUserAgent: 'test/1.0' });
    }
    expect(shown.highScores.length).toBeGreaterThan(0);
  });

  it('/api/network', async () => {
    expect(await get('/api/network')).toMatchObject({
      blocks: NUMBER,
      currentblocktx: NUMBER,
      bits: expect.stringMatching(/^[0-9a-f]{8}$/),
      difficulty: NUMBER,
      networkhashps: null,
      chain: 'regtest',
    });
  });

  it('/api/client/{address}, its workers and its sessions', async () => {
    interface Client {
      readonly workers: readonly { readonly sessionId: string; readonly hashRate: number }[];
    }
    const client = await get<Client>(`/api/client/${ADDRESS}`);
    expect(client).toEqual({
      bestDifficulty: NUMBER,
      workersCount: 1,
      workers: [
        {
          sessionId: block.sessionId,
          name: 'rig',
          bestDifficulty: expect.stringMatching(/^\d+\.\d\d$/),
          hashRate: NUMBER,
          startTime: TIME,
          lastSeen: TIME,
        },
      ],
    });
    const work = accepted * Math.max(1, Math.floor(DIFFICULTY * 2 ** 32));
    expect((client.workers[0]?.hashRate ?? 0) * 3600).toBeGreaterThan(work / 2);
    const sessionId = client.workers[0]?.sessionId;
    const worker = { name: 'rig', bestDifficulty: NUMBER, chartData: expect.any(Array) };
    expect(await get(`/api/client/${ADDRESS}/rig`)).toEqual(worker);
    const session = await get<{ chartData: unknown[] }>(`/api/client/${ADDRESS}/rig/${sessionId}`);
    expect(session).toEqual({ sessionId, ...worker, startTime: TIME });
    for (const slot of session.chartData) expect(slot).toEqual({ label: TIME, data: NUMBER });
  });
});

describe('the shapes of Miningcore', () => {
  it('/api/pools', async () => {
    const rate = { hashrate: NUMBER, sharesPerSecond: NUMBER };
    const shown = {
      id: 'sluice',
      coin: {
        type: 'BTC',
        name: TEXT,
        symbol: 'BTC',
        website: TEXT,
        family: TEXT,
        algorithm: TEXT,
        canonicalName: TEXT,
      },
      ports: expect.any(Object),
      paymentProcessing: { enabled: true, minimumPayment: 0.00001, payoutScheme: 'PPLNS' },
      poolFeePercent: 1,
      address: TEXT,
      addressInfoLink: null,
      poolStats: { lastPoolBlockTime: TIME, connectedMiners: 1, poolHashrate: NUMBER, sharesPerSecond: NUMBER },
      networkStats: expect.objectContaining({ networkDifficulty: NUMBER, blockHeight: NUMBER }),
      topMiners: [{ miner: ADDRESS, ...rate }],
      totalPaid: NUMBER,
      totalBlocks: NUMBER,
      lastPoolBlockTime: TIME,
      poolEffort: NUMBER,
    };
    const { pools } = await get<{ pools: { totalPaid: number }[] }>('/api/pools');
    expect(pools).toEqual([shown]);
    // Coins, and not satoshis.
    const { paidSats } = await get<{ paidSats: string }>(`/api/v1/miners/${ADDRESS}/balance`);
    expect(pools[0]?.totalPaid).toBeCloseTo(Number(paidSats) / 1e8, 6);
    expect(await get('/api/pools/sluice')).toEqual({ pool: shown });
    expect((await fetch(`${pool.endpoints.http}/api/pools/other`)).status).toBe(400);
  });

  it('/api/pools/{id}/blocks', async () => {
    const blocks = await get<Record<string, unknown>[]>('/api/pools/sluice/blocks');
    expect(blocks.length).toBeGreaterThan(1);
    for (const block of blocks) {
      expect(block).toEqual({
        poolId: 'sluice',
        blockHeight: NUMBER,
        networkDifficulty: NUMBER,
        status: expect.stringMatching(/^(?:pending|confirmed|orphaned)$/),
        type: 'block',
        confirmationProgress: NUMBER,
        effort: null,
        transactionConfirmationData: expect.stringMatching(/^[0-9a-f]{64}$/),
        reward: NUMBER,
        infoLink: null,
        hash: expect.stringMatching(/^[0-9a-f]{64}$/),
        miner: ADDRESS,
        source: '',
        created: TIME,
      });
      expect(block['confirmationProgress']).toBeLessThanOrEqual(1);
      // Coins: no block pays more than 50 and its fees.
      expect(block['reward']).toBeLessThan(51);
    }
  });

  it('/api/pools/{id}/miners/{address}', async () => {
    const performance = { created: TIME, workers: { rig: { hashrate: NUMBER, sharesPerSecond: NUMBER } } };
    const miner = await get(`/api/pools/sluice/miners/${ADDRESS}`);
    expect(miner).toEqual({
      ...{ pendingShares: NUMBER, pendingBalance: NUMBER, totalPaid: NUMBER, todayPaid: NUMBER },
      ...{ lastPayment: TIME, lastPaymentLink: null, performance, performanceSamples: [performance] },
    });
    expect(miner['todayPaid']).toBe(miner['totalPaid']);
  });
});
