import { type Batch, debitOf, outputsOf } from './batch.ts';
import type { RunResult } from './payouts.ts';
import type { Plan } from './plan.ts';
import type { Aside, Outsider } from './store.ts';

/** A payout as it is shown: satoshis are decimal strings, so that no reader rounds them. */
export function shownBatch(batch: Batch) {
  const winner = batch.variants.find(({ txid }) => txid === batch.winner);
  const newest = batch.variants.findLast(({ kind }) => kind !== 'child');
  return {
    id: batch.id,
    method: batch.method,
    state: batch.state,
    created: new Date(batch.createdMs).toISOString(),
    changed: new Date(batch.changedMs).toISOString(),
    txid: (winner ?? newest)?.txid,
    accounts: batch.items.length,
    debit_sats: String(debitOf(batch.items)),
    output_sats: String(outputsOf(batch.items)),
    fee_sats: String((winner ?? newest)?.feeSats ?? 0n),
    ...(batch.trouble !== undefined && { trouble: batch.trouble }),
  };
}

export type ShownBatch = ReturnType<typeof shownBatch>;

/** With who gets what, and every transaction that was made for it. */
export function shownInFull(batch: Batch) {
  return {
    ...shownBatch(batch),
    items: batch.items.map(({ account, address, sats, feeSats }) => ({
      ...{ account, address, sats: String(sats), fee_sats: String(feeSats), output_sats: String(sats - feeSats) },
    })),
    transactions: batch.variants.map(({ kind, txid, feeSats, feeRate, raw, madeMs, inputs }) => ({
      ...{ kind, txid, signed: raw !== undefined, fee_sats: String(feeSats), fee_rate: Number(feeRate) / 1000 },
      made: new Date(madeMs).toISOString(),
      inputs: inputs.map((input) => `${input.txid}:${input.vout}`),
      ...(raw !== undefined && { raw }),
    })),
  };
}

export type ShownInFull = ReturnType<typeof shownInFull>;

/** Who would be paid and who not, and why. */
export function shownPlan(plan: Plan, alarm: string | undefined) {
  return {
    fee_rate: Number(plan.feeRate) / 1000,
    batches: plan.batches.map((items) => ({
      accounts: items.length,
      debit_sats: String(debitOf(items)),
      output_sats: String(outputsOf(items)),
      items: items.map(({ account, address, sats, feeSats }) => ({
        ...{ account, address, sats: String(sats), fee_sats: String(feeSats), output_sats: String(sats - feeSats) },
      })),
    })),
    left: plan.left.map(({ account, sats, why, detail }) => ({ account, sats: String(sats), why, detail })),
    ...(alarm !== undefined && { alarm }),
  };
}

export type ShownPlan = ReturnType<typeof shownPlan>;

export function shownRun({ batch, reason, batchesLeft, left }: RunResult) {
  return {
    payout: batch === undefined ? null : shownInFull(batch),
    ...(reason !== undefined && { reason }),
    batches_left: batchesLeft,
    left: left.map(({ account, sats, why, detail }) => ({ account, sats: String(sats), why, detail })),
  };
}

export type ShownRun = ReturnType<typeof shownRun>;

export function shownList(batches: readonly Batch[], aside: readonly Aside[], outsiders: readonly Outsider[]) {
  return {
    payouts: batches.map(shownBatch),
    aside: aside.map(({ account, reason, sinceMs }) => ({
      ...{ account, reason, since: new Date(sinceMs).toISOString() },
    })),
    outsiders: outsiders.map(({ txid, sats, foundMs }) => ({
      ...{ txid, sats: String(sats), found: new Date(foundMs).toISOString() },
    })),
  };
}

export type ShownList = ReturnType<typeof shownList>;
