import { immatureOf, inFlightOf, type MinerBalance, paidOf, payableOf } from '../entries/accounts.ts';
import type { LedgerDatabase } from '../ledger-db.ts';

/** Entries by which an account earns, or by which a reorg takes back what it earned. What moves a debt from one account to another is none. */
const EARNING_KINDS = "('block-booked', 'block-reversed', 'slice-paid')";
/** A day, ms; a bigint, because SQLite divides by a REAL with a fraction. */
const DAY_MS = 86_400_000n;

/** What the books owe an account and have paid it. Zeros if they do not know it. */
export function balanceOf(database: LedgerDatabase, account: string): MinerBalance {
  const find = database.prepare<[string], bigint>('SELECT sats FROM balances WHERE account = ?').pluck();
  const owed = (name: string): bigint => -(find.get(name) ?? 0n);
  return {
    account,
    immatureSats: owed(immatureOf(account)),
    payableSats: owed(payableOf(account)),
    inFlightSats: owed(inFlightOf(account)),
    paidSats: owed(paidOf(account)),
  };
}

/** What the books owe all accounts together, and have paid them. */
export function balanceOfAll(database: LedgerDatabase): Omit<MinerBalance, 'account'> & { readonly accounts: number } {
  const sum = database.prepare<[string, string], { sats: bigint | null; accounts: bigint }>(
    'SELECT sum(-sats) AS sats, count(*) AS accounts FROM balances WHERE account >= ? AND account < ? AND sats <> 0',
  );
  // A semicolon is the character behind the colon.
  const of = (prefix: string) => sum.get(`${prefix}:`, `${prefix};`);
  return {
    accounts: Number(of('paid')?.accounts ?? 0n),
    immatureSats: of('immature')?.sats ?? 0n,
    payableSats: of('payable')?.sats ?? 0n,
    inFlightSats: of('in_flight')?.sats ?? 0n,
    paidSats: of('paid')?.sats ?? 0n,
  };
}

/** What an account earned by one entry. */
export interface Credit {
  /** The number of the entry. */
  readonly entry: number;
  readonly kind: 'block-booked' | 'block-reversed' | 'slice-paid';
  readonly atMs: number;
  /** Negative if a reorg took it back. */
  readonly sats: bigint;
  /** The block; undefined of slices, which are paid for whether or not there is a block. */
  readonly block: { readonly hash: string; readonly height: number; readonly status: string } | undefined;
  /** The account's part of the work that the block paid for, and of all of it; undefined of slices. */
  readonly work: bigint | undefined;
}

interface CreditRow {
  readonly entry: bigint;
  readonly kind: Credit['kind'];
  readonly at_ms: bigint;
  readonly sats: bigint;
  readonly hash: string | null;
  readonly height: bigint | null;
  readonly status: string | null;
  readonly work: string | null;
}

/** The newest earnings of an account before an entry, newest first. */
export function creditsOf(
  database: LedgerDatabase,
  account: string,
  { before, count }: { readonly before: number | undefined; readonly count: number },
): Credit[] {
  // A block that pays the account by its coinbase has a line of `paid:`; reference is block:HASH:EVENT:NUMBER.
  const rows = database.prepare<
    { immature: string; payable: string; paid: string; before: number; count: number; account: string },
    CreditRow
  >(
    `WITH earned AS (
       SELECT entry, kind, at_ms, sum(-sats) AS sats, iif(reference LIKE 'block:%', substr(reference, 7, 64), NULL) AS hash
       FROM lines JOIN entries ON id = entry
       WHERE account IN (@immature, @payable, @paid) AND entry < @before AND kind IN ${EARNING_KINDS}
       GROUP BY entry ORDER BY entry DESC LIMIT @count)
     SELECT entry, kind, at_ms, earned.sats, earned.hash, blocks.height, blocks.status, block_credits.work
     FROM earned LEFT JOIN blocks ON blocks.hash = earned.hash
       LEFT JOIN block_credits ON block_credits.hash = earned.hash AND block_credits.account = @account
     ORDER BY entry DESC`,
  );
  const names = { immature: immatureOf(account), payable: payableOf(account), paid: paidOf(account), account };
  return rows.all({ ...names, before: before ?? Number.MAX_SAFE_INTEGER, count }).map((row) => ({
    entry: Number(row.entry),
    kind: row.kind,
    atMs: Number(row.at_ms),
    sats: row.sats,
    block:
      row.hash === null || row.height === null || row.status === null
        ? undefined
        : { hash: row.hash, height: Number(row.height), status: row.status },
    work: row.work === null ? undefined : BigInt(row.work),
  }));
}

/** What an account earned on one day (UTC). */
export interface DayEarnings {
  /** The day's begin, ms. */
  readonly dayMs: number;
  readonly sats: bigint;
  /** Entries: blocks, or heights whose slices were paid for. */
  readonly credits: number;
}

/** Earnings by day, newest first. `fromMs` and `toMs` are days' begins; `toMs` is not included. */
export function earningsByDay(
  database: LedgerDatabase,
  account: string,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
): DayEarnings[] {
  const rows = database.prepare<
    [bigint, string, string, string, bigint, bigint],
    { day: bigint; sats: bigint; credits: bigint }
  >(
    `SELECT at_ms / ? AS day, sum(-sats) AS sats, count(DISTINCT entry) AS credits
     FROM lines JOIN entries ON id = entry
     WHERE account IN (?, ?, ?) AND kind IN ${EARNING_KINDS} AND at_ms >= ? AND at_ms < ?
     GROUP BY day ORDER BY day DESC`,
  );
  return rows
    .all(DAY_MS, immatureOf(account), payableOf(account), paidOf(account), BigInt(fromMs), BigInt(toMs))
    .map(({ day, sats, credits }) => ({ dayMs: Number(day * DAY_MS), sats, credits: Number(credits) }));
}

/** What was settled as paid to an account from a time on. */
export function paidSince(database: LedgerDatabase, account: string, fromMs: number): bigint {
  const sum = database
    .prepare<[string, bigint], bigint | null>(
      'SELECT sum(-sats) FROM lines JOIN entries ON id = entry WHERE account = ? AND at_ms >= ?',
    )
    .pluck();
  return sum.get(paidOf(account), BigInt(fromMs)) ?? 0n;
}
