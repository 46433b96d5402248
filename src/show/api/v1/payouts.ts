import { z } from 'zod';
import { limits } from '#base/limits';
import { balanceOfAll } from '#books/ledger/read/account-questions';
import { type PayoutSummary, payoutItems, payoutSummary, payoutsBefore } from '#books/ledger/read/payout-questions';
import { problem } from '../problem.ts';
import type { Context } from './context.ts';
import { type Endpoint, endpoint, OtherAnswer } from './endpoint.ts';
import { after, before, count, hash, iso, limit, noParams, noQuery, payoutParams, sats, time } from './shapes.ts';

const PAGE_MAX = 100;
const ITEMS_PAGE_MAX = 1000;

export const payoutShape = z.strictObject({
  id: z.string(),
  method: z.enum(['wallet', 'psbt']),
  state: z.enum(['funded', 'exported', 'signed', 'sent', 'seen', 'confirmed', 'settled', 'unpaid', 'cancelled']),
  created: time,
  changed: time,
  txid: hash.nullable(),
  accounts: count,
  debitSats: sats,
  accountFeesSats: sats,
});

/** A payout as every list shows it. */
export function payoutOf(payout: PayoutSummary) {
  const { id, method, state, createdMs, changedMs, txid, accounts, debitSats, accountFeeSats } = payout;
  return {
    ...{ id, method, state, accounts },
    created: iso(createdMs),
    changed: iso(changedMs),
    txid: txid ?? null,
    debitSats: String(debitSats),
    accountFeesSats: String(accountFeeSats),
  };
}

/** Payouts of the pool. */
export function payouts({ books }: Context): readonly Endpoint[] {
  const list = endpoint({
    path: '/api/v1/payouts',
    group: 'payouts',
    summary: 'Payouts of the pool',
    description: 'Newest first. Ask ?before= with `next` for more.',
    params: noParams,
    query: z.strictObject({ before, limit: limit(PAGE_MAX) }),
    response: z.strictObject({ payouts: z.array(payoutShape), next: count.nullable() }),
    cost: 1,
    freshSeconds: 1,
    async answer({ query }) {
      const page = { before: query.before, count: query.limit };
      const rows = await books.ask(['payouts', page], (database) => payoutsBefore(database, page));
      return {
        payouts: rows.map(payoutOf),
        next: rows.length === query.limit ? (rows.at(-1)?.number ?? null) : null,
      };
    },
  });
  const one = endpoint({
    path: '/api/v1/payouts/{id}',
    group: 'payouts',
    summary: 'A payout and who gets what by it',
    description: 'Items come in the order of their accounts. Ask ?after= with `next` for more.',
    params: payoutParams,
    query: z.strictObject({ after, limit: limit(ITEMS_PAGE_MAX) }),
    response: payoutShape.extend({
      items: z.array(
        z.strictObject({ account: z.string(), address: z.string(), sats, networkFeeSats: sats, outputSats: sats }),
      ),
      next: z.string().nullable(),
    }),
    cost: limits.apiBooksCost,
    freshSeconds: 1,
    async answer({ params: { id }, query }) {
      const found = await books.ask(['payout', id, query], (database) => {
        const payout = payoutSummary(database, id);
        return payout && { payout, items: payoutItems(database, payout.number, query.after ?? '', query.limit) };
      });
      if (found === undefined) return new OtherAnswer(problem('404 Not Found', 'there is no such payout'));
      return {
        ...payoutOf(found.payout),
        items: found.items.map(({ account, address, sats: taken, feeSats }) => ({
          ...{ account, address, sats: String(taken) },
          networkFeeSats: String(feeSats),
          outputSats: String(taken - feeSats),
        })),
        next: found.items.length === query.limit ? (found.items.at(-1)?.account ?? null) : null,
      };
    },
  });
  const owed = endpoint({
    path: '/api/v1/balances',
    group: 'payouts',
    summary: 'What the pool owes all miners together, and has paid them',
    description: 'The ledger keeps these sums; each is the sum over all accounts at one moment.',
    params: noParams,
    query: noQuery,
    response: z.strictObject({ immatureSats: sats, payableSats: sats, inFlightSats: sats, paidSats: sats }),
    cost: limits.apiBooksCost,
    freshSeconds: 1,
    async answer() {
      const { immatureSats, payableSats, inFlightSats, paidSats } = await books.ask(['balances'], balanceOfAll);
      return {
        immatureSats: String(immatureSats),
        payableSats: String(payableSats),
        inFlightSats: String(inFlightSats),
        paidSats: String(paidSats),
      };
    },
  });
  return [list, one, owed];
}
