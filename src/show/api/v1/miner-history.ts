import { z } from 'zod';
import { limits } from '#base/limits';
import type { Context } from './context.ts';
import { type Endpoint, endpoint, OtherAnswer } from './endpoint.ts';
import { sqlText, sqlTime } from './history.ts';
import { addressParams, count, difficulty, iso, limit, noParams, range, rate, time, work } from './shapes.ts';
import { timeRange } from './time-range.ts';
import { unknownAddress } from './unknown-address.ts';

const HOUR_MS = 3_600_000;
const PAGE_MAX = 1000;

/** Who has mined, and by which sessions. */
export function minerHistory({ history, accountOf, clock }: Context): readonly Endpoint[] {
  const list = endpoint({
    path: '/api/v1/miners',
    group: 'miners',
    summary: 'Miners with accepted shares in the last hour or day',
    description:
      'In the order of their hash rate, or of their address. Ask ?offset= with `next` for more; what changes between two pages may be missed or come twice.',
    params: noParams,
    query: z.strictObject({
      window: z.enum(['1h', '24h']).prefault('1h'),
      order: z.enum(['hashrate', 'address']).prefault('hashrate'),
      offset: z
        .string()
        .regex(/^\d{1,7}$/)
        .transform(Number)
        .prefault('0'),
      limit: limit(PAGE_MAX),
    }),
    response: z.strictObject({
      window: z.enum(['1h', '24h']),
      total: count,
      miners: z.array(
        z.strictObject({
          address: z.string(),
          workers: count,
          hashrate: rate,
          work,
          accepted: count,
          rejected: count,
          bestDifficulty: difficulty,
        }),
      ),
      next: count.nullable(),
    }),
    cost: limits.apiHistoryCost,
    freshSeconds: 5,
    async answer({ query }) {
      const nowMs = Math.floor(clock.nowMs() / 5_000) * 5_000;
      const windowMs = (query.window === '1h' ? 1 : 24) * HOUR_MS;
      const table = query.window === '1h' ? 'hashrate_1m' : 'hashrate_1h';
      // Whole slots alone, but the one that has just begun: the rate is over the time that they cover.
      const slotMs = query.window === '1h' ? 60_000 : HOUR_MS;
      const fromMs = Math.ceil((nowMs - windowMs) / slotMs) * slotMs;
      const order = query.order === 'hashrate' ? 'work_sum DESC, account' : 'account';
      const rows = await history.ask(
        `SELECT account, toString(uniqExact(worker)) AS workers, sum(work) AS work_sum, toString(work_sum) AS done,
           toString(sum(accepted)) AS taken, toString(sum(rejected)) AS refused, max(best_difficulty) AS best,
           toString(count() OVER ()) AS total
         FROM ${table} WHERE time >= ${sqlTime(fromMs)} AND account != '' GROUP BY account HAVING work_sum > 0
         ORDER BY ${order} LIMIT ${query.limit} OFFSET ${query.offset}`,
        5_000,
      );
      return {
        window: query.window,
        total: Number(rows[0]?.['total'] ?? query.offset),
        miners: rows.map((row) => ({
          address: String(row['account']),
          workers: Number(row['workers']),
          hashrate: (Number(row['done']) * 1000) / (nowMs - fromMs),
          work: String(row['done']),
          accepted: Number(row['taken']),
          rejected: Number(row['refused']),
          bestDifficulty: Number(row['best']),
        })),
        next: rows.length === query.limit ? query.offset + query.limit : null,
      };
    },
  });
  const sessions = endpoint({
    path: '/api/v1/miners/{address}/sessions',
    group: 'miners',
    summary: "A miner's sessions that sent shares",
    description:
      'Latest share first. Figures are over the range; default: the last hour. A session that sent no share is not among them.',
    params: addressParams,
    query: z.strictObject({ ...range, limit: limit(PAGE_MAX) }),
    response: z.strictObject({
      address: z.string(),
      sessions: z.array(
        z.strictObject({
          session: z.string().meta({ description: 'A number of 64 bits' }),
          worker: z.string(),
          userAgent: z.string(),
          firstShare: time,
          lastShare: time,
          accepted: count,
          rejected: count,
          work,
          difficulty: difficulty.meta({ description: 'Of the latest share’s job' }),
          bestDifficulty: difficulty,
          latencySeconds: z.number().nonnegative().meta({ description: 'From a share to its verdict, median' }),
        }),
      ),
    }),
    cost: limits.apiHistoryCost,
    freshSeconds: 5,
    async answer({ params: { address }, query }) {
      const account = accountOf(address);
      if (account === undefined) return unknownAddress();
      const nowMs = Math.ceil(clock.nowMs() / 5_000) * 5_000;
      const asked = timeRange(query, { nowMs, defaultMs: HOUR_MS, msMax: 7 * 24 * HOUR_MS });
      if (asked instanceof OtherAnswer) return asked;
      const rows = await history.ask(
        `SELECT toString(session) AS id, argMax(worker, time) AS rig, argMax(user_agent, time) AS agent,
           toString(toUnixTimestamp64Milli(min(time))) AS first_ms, toString(toUnixTimestamp64Milli(max(time))) AS last_ms,
           toString(countIf(verdict = 'accepted')) AS taken, toString(countIf(verdict != 'accepted')) AS refused,
           toString(sumIf(work, verdict = 'accepted')) AS done, argMax(difficulty, time) AS promised,
           maxIf(share_difficulty, verdict = 'accepted') AS best, quantile(0.5)(latency_us) / 1e6 AS latency
         FROM shares WHERE account = ${sqlText(account)} AND time >= ${sqlTime(asked.fromMs)} AND time < ${sqlTime(asked.toMs)}
         GROUP BY session ORDER BY max(time) DESC, session LIMIT ${query.limit}`,
        5_000,
      );
      return {
        address: account,
        sessions: rows.map((row) => ({
          session: String(row['id']),
          worker: String(row['rig']),
          userAgent: String(row['agent']),
          firstShare: iso(Number(row['first_ms'])),
          lastShare: iso(Number(row['last_ms'])),
          accepted: Number(row['taken']),
          rejected: Number(row['refused']),
          work: String(row['done']),
          difficulty: Number(row['promised']),
          bestDifficulty: Number(row['best']),
          latencySeconds: Number(row['latency']),
        })),
      };
    },
  });
  return [list, sessions];
}
