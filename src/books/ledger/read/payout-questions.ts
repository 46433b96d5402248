import type { LedgerDatabase } from '../ledger-db.ts';
import type { BatchState, PayoutMethod } from '../payouts/batch.ts';

/** A payout without who gets what. */
export interface PayoutSummary {
  readonly number: number;
  readonly id: string;
  readonly method: PayoutMethod;
  readonly state: BatchState;
  readonly createdMs: number;
  readonly changedMs: number;
  /** Of the transaction that is in the chain, or else of the newest that pays; undefined before it was signed and known. */
  readonly txid: string | undefined;
  readonly accounts: number;
  /** What the accounts give, and of that what the network's fee takes from them. */
  readonly debitSats: bigint;
  readonly accountFeeSats: bigint;
}

interface SummaryRow {
  readonly number: bigint;
  readonly id: string;
  readonly method: PayoutMethod;
  readonly state: BatchState;
  readonly created_ms: bigint;
  readonly changed_ms: bigint;
  readonly txid: string | null;
  readonly accounts: bigint;
  readonly debit: bigint | null;
  readonly fee: bigint | null;
}

const COLUMNS = `number, id, method, state, created_ms, changed_ms,
  coalesce(winner, (SELECT txid FROM payout_variants WHERE batch = number AND kind <> 'child'
    AND state NOT IN ('cancelled', 'unpaid') ORDER BY variant DESC LIMIT 1)) AS txid,
  (SELECT count(*) FROM payout_items WHERE batch = number) AS accounts,
  (SELECT sum(sats) FROM payout_items WHERE batch = number) AS debit,
  (SELECT sum(fee_sats) FROM payout_items WHERE batch = number) AS fee`;

/** A page of payouts: those before this number. */
export interface PayoutPage {
  readonly before: number | undefined;
  readonly count: number;
}

/** Payouts, newest first. */
export function payoutsBefore(database: LedgerDatabase, { before, count }: PayoutPage): PayoutSummary[] {
  return database
    .prepare<[number, number], SummaryRow>(
      `SELECT ${COLUMNS} FROM payout_batches WHERE number < ? ORDER BY number DESC LIMIT ?`,
    )
    .all(before ?? Number.MAX_SAFE_INTEGER, count)
    .map(summaryOf);
}

export function payoutSummary(database: LedgerDatabase, id: string): PayoutSummary | undefined {
  const row = database.prepare<[string], SummaryRow>(`SELECT ${COLUMNS} FROM payout_batches WHERE id = ?`).get(id);
  return row && summaryOf(row);
}

/** What one account gets by a payout. */
export interface PayoutItem {
  readonly account: string;
  readonly address: string;
  /** Taken from what the account is owed. */
  readonly sats: bigint;
  /** Of these, the account's part of the network's fee. */
  readonly feeSats: bigint;
}

/** The items of a payout in byte order of their accounts, behind `after`. */
export function payoutItems(database: LedgerDatabase, number: number, after: string, count: number): PayoutItem[] {
  return database
    .prepare<[number, string, number], PayoutItem>(
      `SELECT account, address, sats, fee_sats AS feeSats FROM payout_items
       WHERE batch = ? AND account > ? ORDER BY account LIMIT ?`,
    )
    .all(number, after, count);
}

/** The payouts that pay an account, newest first, each with what the account gets. */
export function payoutsOf(
  database: LedgerDatabase,
  account: string,
  { before, count }: PayoutPage,
): (PayoutSummary & { readonly item: Omit<PayoutItem, 'account'> })[] {
  return database
    .prepare<[string, number, number], SummaryRow & { address: string; sats: bigint; fee_sats: bigint }>(
      `SELECT ${COLUMNS}, address, sats, fee_sats FROM payout_items JOIN payout_batches ON number = batch
       WHERE account = ? AND batch < ? ORDER BY batch DESC LIMIT ?`,
    )
    .all(account, before ?? Number.MAX_SAFE_INTEGER, count)
    .map((row) => ({ ...summaryOf(row), item: { address: row.address, sats: row.sats, feeSats: row.fee_sats } }));
}

function summaryOf(row: SummaryRow): PayoutSummary {
  return {
    number: Number(row.number),
    id: row.id,
    method: row.method,
    state: row.state,
    createdMs: Number(row.created_ms),
    changedMs: Number(row.changed_ms),
    txid: row.txid ?? undefined,
    accounts: Number(row.accounts),
    debitSats: row.debit ?? 0n,
    accountFeeSats: row.fee ?? 0n,
  };
}
