import { z } from 'zod';
import { limits } from '#base/limits';
import type { Context } from './context.ts';
import { type Endpoint, endpoint, OtherAnswer } from './endpoint.ts';
import { type HistoryRow, sqlText, sqlTime } from './history.ts';
import { addressParams, count, difficulty, iso, noParams, range, rate, time, work, workerName } from './shapes.ts';
import { type TimeRange, timeRange } from './time-range.ts';
import { unknownAddress } from './unknown-address.ts';

const STEP_MS = { '1m': 60_000, '10m': 600_000, '1h': 3_600_000, '1d': 86_400_000 } as const;
type Step = keyof typeof STEP_MS;

const step = z.enum(['1m', '10m', '1h', '1d']).prefault('10m');
const points = z.array(
  z.strictObject({
    time: time.meta({ description: 'When the slot begins' }),
    hashrate: rate,
    work,
    accepted: count,
    rejected: count,
    bestDifficulty: difficulty,
  }),
);
const DESCRIPTION =
  'Slots of equal length, oldest first; only whole ones, so the slot that has not ended is left out. The last ones grow for some seconds, until all their shares are in ClickHouse. Default: the last 100 slots.';

/** Hash rates over time, from the rollups. */
export function curves({ history, accountOf, clock }: Context): readonly Endpoint[] {
  const pool = endpoint({
    path: '/api/v1/pool/hashrate',
    group: 'pool',
    summary: 'Hash rate of the pool over time',
    description: DESCRIPTION,
    params: noParams,
    query: z.strictObject({ ...range, step }),
    response: z.strictObject({ step, points }),
    cost: limits.apiHistoryCost,
    freshSeconds: 5,
    async answer({ query }) {
      const slots = slotsOf(query, query.step, clock.nowMs());
      if (slots instanceof OtherAnswer) return slots;
      return { step: query.step, points: await curve(history, slots, query.step, '') };
    },
  });
  const miner = endpoint({
    path: '/api/v1/miners/{address}/hashrate',
    group: 'miners',
    summary: 'Hash rate of a miner, or of one worker, over time',
    description: `${DESCRIPTION} An address that never mined has a curve of zeros.`,
    params: addressParams,
    query: z.strictObject({ ...range, step, worker: workerName }),
    response: z.strictObject({ address: z.string(), worker: z.string().nullable(), step, points }),
    cost: limits.apiHistoryCost,
    freshSeconds: 5,
    async answer({ params: { address }, query }) {
      const account = accountOf(address);
      if (account === undefined) return unknownAddress();
      const slots = slotsOf(query, query.step, clock.nowMs());
      if (slots instanceof OtherAnswer) return slots;
      const ofWorker = query.worker === undefined ? '' : ` AND worker = ${sqlText(query.worker)}`;
      const where = ` AND account = ${sqlText(account)}${ofWorker}`;
      return {
        address: account,
        worker: query.worker ?? null,
        step: query.step,
        points: await curve(history, slots, query.step, where),
      };
    },
  });
  return [pool, miner];
}

/** Whole slots. */
function slotsOf(
  query: { readonly from?: number | undefined; readonly to?: number | undefined },
  wanted: Step,
  nowMs: number,
): TimeRange | OtherAnswer {
  const slotMs = STEP_MS[wanted];
  const asked = timeRange(query, { nowMs, defaultMs: 100 * slotMs, msMax: limits.apiPointsMax * slotMs });
  if (asked instanceof OtherAnswer) return asked;
  const end = Math.floor(Math.min(asked.toMs, nowMs) / slotMs) * slotMs;
  return { fromMs: Math.min(end, Math.floor(asked.fromMs / slotMs) * slotMs), toMs: end };
}

async function curve(history: Context['history'], { fromMs, toMs }: TimeRange, wanted: Step, where: string) {
  const slotMs = STEP_MS[wanted];
  const table = slotMs < STEP_MS['1h'] ? 'hashrate_1m' : 'hashrate_1h';
  const rows = await history.ask(
    `SELECT intDiv(toUnixTimestamp(time), ${slotMs / 1000}) AS slot, toString(sum(work)) AS work_sum,
       toString(sum(accepted)) AS taken, toString(sum(rejected)) AS refused, max(best_difficulty) AS best
     FROM ${table} WHERE time >= ${sqlTime(fromMs)} AND time < ${sqlTime(toMs)}${where} GROUP BY slot`,
    5_000,
  );
  const bySlot = new Map(rows.map((row) => [Number(row['slot']), row]));
  const slots = Array.from({ length: Math.round((toMs - fromMs) / slotMs) }, (_, at) => fromMs / slotMs + at);
  return slots.map((slot) => pointOf(slot * slotMs, slotMs, bySlot.get(slot)));
}

function pointOf(slotBeginMs: number, slotMs: number, row: HistoryRow | undefined) {
  const done = String(row?.['work_sum'] ?? '0');
  return {
    time: iso(slotBeginMs),
    hashrate: (Number(done) * 1000) / slotMs,
    work: done,
    accepted: Number(row?.['taken'] ?? 0),
    rejected: Number(row?.['refused'] ?? 0),
    bestDifficulty: Number(row?.['best'] ?? 0),
  };
}
