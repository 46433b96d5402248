import { z } from 'zod';
import { rejectReasons } from '#base/domain/verdict';
import { limits } from '#base/limits';
import type { Context } from './context.ts';
import { type Endpoint, endpoint, OtherAnswer } from './endpoint.ts';
import { sqlText, sqlTime } from './history.ts';
import { addressParams, count, iso, noParams, range, time, workerName } from './shapes.ts';
import { type TimeRange, timeRange } from './time-range.ts';
import { unknownAddress } from './unknown-address.ts';

const HOUR_MS = 3_600_000;
const RANGE_MS_MAX = 7 * 24 * HOUR_MS;

const reasons = z.partialRecord(z.enum(rejectReasons as [string, ...string[]]), count);
const slots = z.array(z.strictObject({ time, reasons }));
const DESCRIPTION =
  'Slots are hours, oldest first; an hour without a rejected share, and a reason without one, are left out. Default: the last 24 hours.';

/** Why shares were rejected, and when. */
export function rejects({ history, accountOf, clock }: Context): readonly Endpoint[] {
  const rangeOf = (query: { readonly from?: number | undefined; readonly to?: number | undefined }) =>
    timeRange(query, { nowMs: Math.ceil(clock.nowMs() / 5_000) * 5_000, defaultMs: 24 * HOUR_MS, msMax: RANGE_MS_MAX });
  const pool = endpoint({
    path: '/api/v1/rejects',
    group: 'pool',
    summary: 'Rejected shares by reason and hour',
    description: DESCRIPTION,
    params: noParams,
    query: z.strictObject(range),
    response: z.strictObject({ total: reasons, hours: slots }),
    cost: limits.apiHistoryCost,
    freshSeconds: 5,
    async answer({ query }) {
      const asked = rangeOf(query);
      return asked instanceof OtherAnswer ? asked : rejected(history, asked, '');
    },
  });
  const miner = endpoint({
    path: '/api/v1/miners/{address}/rejects',
    group: 'miners',
    summary: "A miner's rejected shares by reason and hour",
    description: `${DESCRIPTION} ?worker= asks for one worker.`,
    params: addressParams,
    query: z.strictObject({ ...range, worker: workerName }),
    response: z.strictObject({
      address: z.string(),
      worker: z.string().nullable(),
      total: reasons,
      hours: slots,
    }),
    cost: limits.apiHistoryCost,
    freshSeconds: 5,
    async answer({ params: { address }, query }) {
      const account = accountOf(address);
      if (account === undefined) return unknownAddress();
      const asked = rangeOf(query);
      if (asked instanceof OtherAnswer) return asked;
      const ofWorker = query.worker === undefined ? '' : ` AND worker = ${sqlText(query.worker)}`;
      const where = ` AND account = ${sqlText(account)}${ofWorker}`;
      return { address: account, worker: query.worker ?? null, ...(await rejected(history, asked, where)) };
    },
  });
  return [pool, miner];
}

async function rejected(history: Context['history'], { fromMs, toMs }: TimeRange, where: string) {
  const rows = await history.ask(
    `SELECT toUnixTimestamp(toStartOfHour(time)) AS hour, verdict, toString(count()) AS shares_count FROM shares
     WHERE time >= ${sqlTime(fromMs)} AND time < ${sqlTime(toMs)} AND verdict != 'accepted'${where}
     GROUP BY hour, verdict ORDER BY hour, verdict`,
    5_000,
  );
  const total: Record<string, number> = {};
  const hours = new Map<number, Record<string, number>>();
  for (const row of rows) {
    const [hour, verdict, shares] = [Number(row['hour']), String(row['verdict']), Number(row['shares_count'])];
    total[verdict] = (total[verdict] ?? 0) + shares;
    const slot = hours.get(hour) ?? {};
    slot[verdict] = shares;
    hours.set(hour, slot);
  }
  return { total, hours: [...hours].map(([hour, ofHour]) => ({ time: iso(hour * 1000), reasons: ofHour })) };
}
