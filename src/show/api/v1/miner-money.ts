import { z } from 'zod';
import { limits } from '#base/limits';
import { balanceOf, type Credit, creditsOf, earningsByDay } from '#books/ledger/read/account-questions';
import { payoutsOf } from '#books/ledger/read/payout-questions';
import type { Context } from './context.ts';
import { type Endpoint, endpoint, OtherAnswer } from './endpoint.ts';
import { payoutOf, payoutShape } from './payouts.ts';
import { addressParams, before, count, hash, iso, limit, noQuery, range, sats, time, work } from './shapes.ts';
import { timeRange } from './time-range.ts';
import { unknownAddress } from './unknown-address.ts';

const DAY_MS = 86_400_000;
const PAGE_MAX = 100;
const DAYS_MAX = 366;

/** What a miner has earned and was paid: the ledger's figures. */
export function minerMoney({ books, accountOf, clock }: Context): readonly Endpoint[] {
  const balance = endpoint({
    path: '/api/v1/miners/{address}/balance',
    group: 'miners',
    summary: 'What the pool owes a miner and has paid it',
    description:
      'Zeros for an address that the books do not know. Immature: of blocks whose coins may not be spent yet.',
    params: addressParams,
    query: noQuery,
    response: z.strictObject({
      address: z.string(),
      immatureSats: sats,
      payableSats: sats,
      inFlightSats: sats,
      paidSats: sats,
    }),
    cost: 1,
    freshSeconds: 1,
    async answer({ params: { address } }) {
      const account = accountOf(address);
      if (account === undefined) return unknownAddress();
      const owed = await books.ask(['balance', account], (database) => balanceOf(database, account));
      return {
        address: account,
        immatureSats: String(owed.immatureSats),
        payableSats: String(owed.payableSats),
        inFlightSats: String(owed.inFlightSats),
        paidSats: String(owed.paidSats),
      };
    },
  });
  const credits = endpoint({
    path: '/api/v1/miners/{address}/credits',
    group: 'miners',
    summary: 'What a miner earned, entry by entry',
    description:
      'Newest first. A block that a reorg takes away has an entry that takes the credit back. Ask ?before= with `next` for more.',
    params: addressParams,
    query: z.strictObject({ before, limit: limit(PAGE_MAX) }),
    response: z.strictObject({
      address: z.string(),
      credits: z.array(
        z.strictObject({
          entry: count,
          kind: z.enum(['block-booked', 'block-reversed', 'slice-paid']),
          time,
          sats,
          block: z.strictObject({ hash, height: count, status: z.string() }).nullable(),
          work: work.nullable(),
        }),
      ),
      next: count.nullable(),
    }),
    cost: limits.apiBooksCost,
    freshSeconds: 1,
    async answer({ params: { address }, query }) {
      const account = accountOf(address);
      if (account === undefined) return unknownAddress();
      const page = { before: query.before, count: query.limit };
      const rows = await books.ask(['credits', account, page], (database) => creditsOf(database, account, page));
      return {
        address: account,
        credits: rows.map(creditOf),
        next: rows.length === query.limit ? (rows.at(-1)?.entry ?? null) : null,
      };
    },
  });
  const earnings = endpoint({
    path: '/api/v1/miners/{address}/earnings',
    group: 'miners',
    summary: 'What a miner earned on each day',
    description: 'Days are UTC, newest first; a day without earnings is left out. Default: the last 30 days.',
    params: addressParams,
    query: z.strictObject(range),
    response: z.strictObject({
      address: z.string(),
      days: z.array(z.strictObject({ day: z.iso.date(), sats, credits: count })),
      totalSats: sats,
    }),
    cost: limits.apiBooksCost,
    freshSeconds: 1,
    async answer({ params: { address }, query }) {
      const account = accountOf(address);
      if (account === undefined) return unknownAddress();
      const nowMs = clock.nowMs();
      const asked = timeRange(query, { nowMs, defaultMs: 30 * DAY_MS, msMax: DAYS_MAX * DAY_MS });
      if (asked instanceof OtherAnswer) return asked;
      const fromMs = Math.floor(asked.fromMs / DAY_MS) * DAY_MS;
      const toMs = Math.ceil(asked.toMs / DAY_MS) * DAY_MS;
      const days = await books.ask(['earnings', account, fromMs, toMs], (database) =>
        earningsByDay(database, account, { fromMs, toMs }),
      );
      return {
        address: account,
        days: days.map((day) => ({ day: iso(day.dayMs).slice(0, 10), sats: String(day.sats), credits: day.credits })),
        totalSats: String(days.reduce((sum, day) => sum + day.sats, 0n)),
      };
    },
  });
  const payouts = endpoint({
    path: '/api/v1/miners/{address}/payouts',
    group: 'miners',
    summary: 'Payouts to a miner',
    description: 'Newest first. Ask ?before= with `next` for more.',
    params: addressParams,
    query: z.strictObject({ before, limit: limit(PAGE_MAX) }),
    response: z.strictObject({
      address: z.string(),
      payouts: z.array(payoutShape.extend({ paidTo: z.string(), sats, networkFeeSats: sats, outputSats: sats })),
      next: count.nullable(),
    }),
    cost: 1,
    freshSeconds: 1,
    async answer({ params: { address }, query }) {
      const account = accountOf(address);
      if (account === undefined) return unknownAddress();
      const page = { before: query.before, count: query.limit };
      const rows = await books.ask(['payouts of', account, page], (database) => payoutsOf(database, account, page));
      return {
        address: account,
        payouts: rows.map((row) => ({
          ...payoutOf(row),
          paidTo: row.item.address,
          sats: String(row.item.sats),
          networkFeeSats: String(row.item.feeSats),
          outputSats: String(row.item.sats - row.item.feeSats),
        })),
        next: rows.length === query.limit ? (rows.at(-1)?.number ?? null) : null,
      };
    },
  });
  return [balance, credits, earnings, payouts];
}

function creditOf({ entry, kind, atMs, sats: earned, block, work: done }: Credit) {
  return {
    entry,
    kind,
    time: iso(atMs),
    sats: String(earned),
    block: block ?? null,
    work: done === undefined ? null : String(done),
  };
}
