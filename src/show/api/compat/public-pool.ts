import { z } from 'zod';
import { limits } from '#base/limits';
import { problem } from '../problem.ts';
import type { Context } from '../v1/context.ts';
import { type Endpoint, endpoint, OtherAnswer } from '../v1/endpoint.ts';
import { sqlText, sqlTime } from '../v1/history.ts';
import { addressParams, count, iso, noParams, time } from '../v1/shapes.ts';
import { unknownAddress } from '../v1/unknown-address.ts';
import { momentMs, sessionText, sumOf, workerFigures } from './figures.ts';

const BLOCKS_MAX = 50;
const HOUR_MS = 3_600_000;
const SLOT_MS = 600_000;
const CHART_SLOTS = 144;
const FRESH_MS = 5_000;

const blockRow = z.strictObject({
  height: count,
  minerAddress: z.string(),
  worker: z.string(),
  sessionId: z.string(),
});
const chart = z.array(z.strictObject({ label: time, data: z.number() }));
const any = z.object({});
const common = { group: 'compatible', query: any, cost: limits.apiHistoryCost, freshSeconds: 5 } as const;

/** The shapes of public-pool. */
export function publicPool(context: Context): readonly Endpoint[] {
  return [poolEndpoint(context), info(context), network(context), client(context), ...workers(context)];
}

function poolEndpoint(context: Context): Endpoint {
  return endpoint({
    ...common,
    path: '/api/pool',
    summary: 'The pool as public-pool shows it',
    description: 'totalHashRate in H/s over ten minutes; fee in per cent.',
    params: noParams,
    response: z.strictObject({
      totalHashRate: z.number(),
      blockHeight: count,
      totalMiners: count,
      blocksFound: z.array(blockRow),
      fee: z.number(),
    }),
    async answer() {
      const [now, blocksFound] = await Promise.all([context.pool(), blockRows(context)]);
      if (now.hashrate === null) return notYet(now.hashrateReason);
      return {
        totalHashRate: now.hashrate['10m'],
        blockHeight: now.job?.height ?? 0,
        totalMiners: now.workers,
        blocksFound,
        fee: context.terms.feePercent,
      };
    },
  });
}

function notYet(reason = 'the hash rate is not known'): OtherAnswer {
  return new OtherAnswer(problem('503 Service Unavailable', reason));
}

async function blockRows({ history }: Context) {
  const rows = await history.ask(
    `SELECT b.height AS height, b.account AS account, b.worker AS worker, toString(s.session) AS session
     FROM (SELECT * FROM blocks WHERE status != 'rejected' ORDER BY time DESC LIMIT ${BLOCKS_MAX}) AS b
     LEFT JOIN (SELECT session, job_id, extranonce1, extranonce2, nonce, ntime, version FROM shares WHERE block) AS s
       ON s.job_id = b.job_id AND s.extranonce1 = b.extranonce1 AND s.extranonce2 = b.extranonce2
         AND s.nonce = b.nonce AND s.ntime = b.ntime AND s.version = b.version
     ORDER BY b.time DESC`,
    FRESH_MS,
  );
  return rows.map((row) => ({
    height: Number(row['height']),
    minerAddress: String(row['account']),
    worker: String(row['worker']),
    sessionId: sessionText(String(row['session'])),
  }));
}

function info(context: Context): Endpoint {
  const { history, pool, clock } = context;
  return endpoint({
    ...common,
    path: '/api/info',
    summary: 'Blocks, devices and best shares as public-pool shows them',
    description: 'Devices are those with an accepted share in the last hour; `uptime` is when the pool was started.',
    params: noParams,
    response: z.strictObject({
      blockData: z.array(blockRow),
      userAgents: z.array(
        z.strictObject({
          userAgent: z.string(),
          count: z.string().regex(/^\d+$/),
          bestDifficulty: z.number(),
          totalHashRate: z.string().regex(/^\d+(\.\d+)?$/),
        }),
      ),
      highScores: z.array(
        z.strictObject({ updatedAt: time, bestDifficulty: z.number(), bestDifficultyUserAgent: z.string() }),
      ),
      uptime: time,
    }),
    async answer() {
      const fromMs = momentMs(context) - HOUR_MS;
      const [now, blockData, agents, scores] = await Promise.all([
        pool(),
        blockRows(context),
        history.ask(
          `SELECT user_agent AS agent, toString(uniqExact(session)) AS sessions, max(share_difficulty) AS best,
             sum(work) AS done FROM shares
           WHERE verdict = 'accepted' AND time > ${sqlTime(fromMs)} GROUP BY agent ORDER BY done DESC LIMIT 100`,
          FRESH_MS,
        ),
        history.ask(
          `SELECT toString(toUnixTimestamp64Milli(time)) AS at_ms, share_difficulty AS best, user_agent AS agent FROM shares
           WHERE verdict = 'accepted' AND time > ${sqlTime(fromMs)} ORDER BY best DESC LIMIT 10`,
          FRESH_MS,
        ),
      ]);
      return {
        blockData,
        userAgents: agents.map((row) => ({
          userAgent: String(row['agent']),
          count: String(row['sessions']),
          bestDifficulty: Number(row['best']),
          totalHashRate: String(Math.round((Number(row['done']) * 1000) / HOUR_MS)),
        })),
        highScores: scores.map((row) => ({
          updatedAt: iso(Number(row['at_ms'])),
          bestDifficulty: Number(row['best']),
          bestDifficultyUserAgent: String(row['agent']),
        })),
        uptime: iso(Math.floor(clock.nowMs() / 1000 - now.uptimeSeconds) * 1000),
      };
    },
  });
}

const CHAINS = { main: 'main', testnet4: 'testnet4', signet: 'signet', regtest: 'regtest' } as const;

function network(context: Context): Endpoint {
  return endpoint({
    ...common,
    path: '/api/network',
    summary: 'The chain in the words of getmininginfo',
    description: 'What the pool does not ask its node for is null: networkhashps and pooledtx.',
    params: noParams,
    response: z.strictObject({
      blocks: count,
      currentblockweight: count.nullable(),
      currentblocktx: count,
      bits: z.string(),
      difficulty: z.number(),
      networkhashps: z.null(),
      pooledtx: z.null(),
      chain: z.enum(['main', 'testnet4', 'signet', 'regtest']),
      warnings: z.array(z.string()),
    }),
    cost: 1,
    async answer() {
      const job = await context.job();
      if (job === null) return notYet('there is no work yet');
      return {
        blocks: job.height - 1,
        currentblockweight: job.weight,
        currentblocktx: job.transactions,
        bits: job.bits,
        difficulty: job.networkDifficulty,
        networkhashps: null,
        pooledtx: null,
        chain: CHAINS[context.network],
        warnings: [],
      };
    },
  });
}

function client(context: Context): Endpoint {
  return endpoint({
    ...common,
    path: '/api/client/{address}',
    summary: 'A miner as public-pool shows it',
    description: 'Workers are sessions with a share in the last hour; hashRate in H/s over that hour.',
    params: addressParams,
    response: z.strictObject({
      bestDifficulty: z.number(),
      workersCount: count,
      workers: z.array(
        z.strictObject({
          sessionId: z.string(),
          name: z.string(),
          bestDifficulty: z.string().regex(/^\d+\.\d\d$/),
          hashRate: z.number(),
          startTime: time,
          lastSeen: time,
        }),
      ),
    }),
    cost: 2 * limits.apiHistoryCost,
    async answer({ params: { address } }) {
      const account = context.accountOf(address);
      if (account === undefined) return unknownAddress();
      const nowMs = momentMs(context);
      const [figures, sessions] = await Promise.all([
        workerFigures(context, account),
        context.history.ask(
          `SELECT toString(session) AS id, argMax(worker, time) AS rig, max(share_difficulty) AS best, sum(work) AS done,
             toString(toUnixTimestamp64Milli(min(time))) AS first_ms, toString(toUnixTimestamp64Milli(max(time))) AS last_ms
           FROM shares WHERE account = ${sqlText(account)} AND verdict = 'accepted' AND time > ${sqlTime(nowMs - HOUR_MS)}
           GROUP BY session ORDER BY max(time) DESC LIMIT 1000`,
          FRESH_MS,
        ),
      ]);
      return {
        bestDifficulty: sumOf(figures.values()).bestEver,
        workersCount: sessions.length,
        workers: sessions.map((row) => ({
          sessionId: sessionText(String(row['id'])),
          name: String(row['rig']),
          bestDifficulty: Number(row['best']).toFixed(2),
          hashRate: (Number(row['done']) * 1000) / HOUR_MS,
          startTime: iso(Number(row['first_ms'])),
          lastSeen: iso(Number(row['last_ms'])),
        })),
      };
    },
  });
}

const workerParams = addressParams.extend({ worker: z.string().max(limits.apiNameCharsMax) });
const sessionParams = workerParams.extend({ sessionId: z.string().regex(/^[0-9a-f]{1,16}$/) });

function workers(context: Context): readonly Endpoint[] {
  const shape = { name: z.string(), bestDifficulty: count, chartData: chart };
  const description = 'chartData in slots of ten minutes over a day; the slot that has not ended is left out.';
  return [
    endpoint({
      ...common,
      path: '/api/client/{address}/{worker}',
      summary: 'A worker as public-pool shows it',
      description,
      params: workerParams,
      response: z.strictObject(shape),
      async answer({ params: { address, worker } }) {
        const found = await workerChart(context, address, worker, '');
        if (found instanceof OtherAnswer) return found;
        return { name: worker, bestDifficulty: found.bestDifficulty, chartData: found.chartData };
      },
    }),
    endpoint({
      ...common,
      path: '/api/client/{address}/{worker}/{sessionId}',
      summary: 'A session as public-pool shows it',
      description,
      params: sessionParams,
      response: z.strictObject({ sessionId: z.string(), ...shape, startTime: time }),
      async answer({ params: { address, worker, sessionId } }) {
        const session = ` AND session = ${BigInt(`0x${sessionId}`)}`;
        const found = await workerChart(context, address, worker, session);
        if (found instanceof OtherAnswer) return found;
        const { bestDifficulty, chartData, firstMs } = found;
        return { sessionId, name: worker, bestDifficulty, chartData, startTime: iso(firstMs) };
      },
    }),
  ];
}

async function workerChart(context: Context, address: string, worker: string, session: string) {
  const account = context.accountOf(address);
  if (account === undefined) return unknownAddress();
  const endMs = Math.floor(context.clock.nowMs() / SLOT_MS) * SLOT_MS;
  const beginMs = endMs - CHART_SLOTS * SLOT_MS;
  const rows = await context.history.ask(
    `SELECT intDiv(toUnixTimestamp(time), ${SLOT_MS / 1000}) AS slot, sum(work) AS done, max(share_difficulty) AS best,
       toString(toUnixTimestamp64Milli(min(time))) AS first_ms
     FROM shares WHERE account = ${sqlText(account)} AND worker = ${sqlText(worker)}${session} AND verdict = 'accepted'
       AND time >= ${sqlTime(beginMs)} GROUP BY slot ORDER BY slot`,
    FRESH_MS,
  );
  const [first] = rows;
  if (first === undefined) return new OtherAnswer(problem('404 Not Found', 'no such worker has mined for a day'));
  const bySlot = new Map(rows.map((row) => [Number(row['slot']) * SLOT_MS, Number(row['done'])]));
  const firstMs = Number(first['first_ms']);
  const firstSlotMs = Math.floor(firstMs / SLOT_MS) * SLOT_MS;
  const slots = Array.from(
    { length: Math.max(0, (endMs - firstSlotMs) / SLOT_MS) },
    (_, at) => firstSlotMs + at * SLOT_MS,
  );
  return {
    firstMs,
    bestDifficulty: Math.floor(Math.max(...rows.map((row) => Number(row['best'])))),
    chartData: slots.map((ms) => ({ label: iso(ms), data: ((bySlot.get(ms) ?? 0) * 1000) / SLOT_MS })),
  };
}
