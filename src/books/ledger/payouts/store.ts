import type { OutgoingTransaction, Outpoint } from '#base/domain/wallet';
import type { LedgerDatabase } from '../ledger-db.ts';
import type { Batch, BatchState, Item, NewVariant, PayoutMethod, Variant, VariantKind } from './batch.ts';

interface BatchRow {
  readonly number: bigint;
  readonly id: string;
  readonly method: PayoutMethod;
  readonly state: BatchState;
  readonly settlements: bigint;
  readonly created_ms: bigint;
  readonly changed_ms: bigint;
  readonly winner: string | null;
  readonly trouble: string | null;
}

interface VariantRow {
  readonly variant: bigint;
  readonly kind: VariantKind;
  readonly txid: string;
  readonly psbt: string;
  readonly raw: string | null;
  readonly fee_sats: bigint;
  readonly fee_rate: bigint;
  readonly change_index: bigint | null;
  readonly change_sats: bigint | null;
  readonly made_ms: bigint;
}

/** An account that is not paid until somebody looks. */
export interface Aside {
  readonly account: string;
  readonly reason: string;
  readonly sinceMs: number;
}

/** A transaction that spends the wallet's coins and is none of this ledger's. */
export interface Outsider extends OutgoingTransaction {
  readonly foundMs: number;
}

/**
 * Single facts beside the tables. `cursor`: how far the wallet's outgoing transactions are known. `last-run-ms`: when a
 * scheduled payout was last tried. `more`: that one left batches for when its first is in a block. `restored`: this ledger is a copy
 * that was made at that time, ms. `reconciled`: since it was put back, what has left the wallet was looked at once.
 */
export type FactName = 'cursor' | 'last-run-ms' | 'more' | 'restored' | 'reconciled';

/** The tables of payouts. Every method that changes something runs in the caller's transaction. */
export class PayoutStore {
  readonly #sql: ReturnType<typeof prepare>;

  constructor(database: LedgerDatabase) {
    this.#sql = prepare(database);
  }

  /** Records an intent with its first variant. */
  add(batch: Pick<Batch, 'id' | 'method' | 'items'>, first: NewVariant, atMs: number): Batch {
    const number = Number(this.#sql.addBatch.run(batch.id, batch.method, atMs, atMs).lastInsertRowid);
    for (const { account, address, sats, feeSats } of batch.items) {
      this.#sql.addItem.run(number, account, address, sats, feeSats);
    }
    this.addVariant(number, first, atMs);
    return this.get(number);
  }

  addVariant(batch: number, variant: NewVariant, atMs: number): Variant {
    const { kind, txid, psbt, raw, feeSats, feeRate, changeIndex, changeSats, inputs } = variant;
    const number = Number(this.#sql.countVariants.get(batch) ?? 0n) + 1;
    // A batch that was given up may come again just as it was: the same debts, coins and fee make the same transaction.
    this.#sql.giveTxid.run(txid);
    this.#sql.addVariant.run(
      ...([batch, number, kind, txid, psbt, raw ?? null] as const),
      ...([feeSats, feeRate, changeIndex ?? null, changeSats ?? null, atMs] as const),
    );
    for (const { txid: spent, vout } of inputs) this.#sql.addInput.run(batch, number, spent, vout);
    return { ...variant, number, madeMs: atMs };
  }

  setState(batch: number, state: BatchState, atMs: number, winner?: string): void {
    this.#sql.setState.run(state, atMs, winner ?? null, batch);
  }

  setTrouble(batch: number, trouble: string | undefined): void {
    this.#sql.setTrouble.run(trouble ?? null, batch);
  }

  setSettlements(batch: number, settlements: number): void {
    this.#sql.setSettlements.run(settlements, batch);
  }

  /** Nothing in the chain can change a batch any more. */
  bury(batch: number): void {
    this.#sql.bury.run(batch);
  }

  /** Signatures of old kinds of inputs are part of the txid, so it is stored again. */
  setRaw(batch: number, variant: number, raw: string, txid: string): void {
    this.#sql.setRaw.run(raw, txid, batch, variant);
  }

  get(number: number): Batch {
    const row = this.#sql.batch.get(number);
    if (row === undefined) throw new Error(`payouts: there is no batch ${number}`);
    return this.#read(row);
  }

  find(id: string): Batch | undefined {
    const row = this.#sql.batchById.get(id);
    return row && this.#read(row);
  }

  /** The first batch behind this number. */
  behind(number: number): { readonly number: number; readonly id: string } | undefined {
    const row = this.#sql.behind.get(number);
    return row && { number: Number(row.number), id: row.id };
  }

  /** Batches that are neither paid nor given up. */
  open(): Batch[] {
    return this.#sql.open.all().map((row) => this.#read(row));
  }

  /** Batches that the chain may still change, oldest first. */
  watched(): Batch[] {
    return this.#sql.watched.all().map((row) => this.#read(row));
  }

  /** The newest batches, newest first. */
  list(count: number): Batch[] {
    return this.#sql.newest.all(count).map((row) => this.#read(row));
  }

  /** The newest batch that has a winner in the chain. */
  lastWon(): Batch | undefined {
    const row = this.#sql.lastWon.get();
    return row && this.#read(row);
  }

  /** True for a transaction of a batch that was not cancelled: nobody should send one of those. */
  isOwn(txid: string): boolean {
    return this.#sql.isOwn.get(txid) !== undefined;
  }

  aside(): Aside[] {
    return this.#sql.aside
      .all()
      .map(({ account, reason, since_ms }) => ({ account, reason, sinceMs: Number(since_ms) }));
  }

  setAside(account: string, reason: string, atMs: number): void {
    this.#sql.setAside.run(account, reason, atMs);
  }

  /** False if the account was not set aside. */
  takeBack(account: string): boolean {
    return this.#sql.takeBack.run(account).changes > 0;
  }

  /** `isEarlier`: it was there before the first payout. */
  addOutsider({ txid, sats }: OutgoingTransaction, isEarlier: boolean, atMs: number): void {
    this.#sql.addOutsider.run(txid, sats, atMs, isEarlier ? 2 : 0);
  }

  /** Outsiders that the operator has not answered for. */
  outsiders(): Outsider[] {
    return this.#sql.outsiders.all().map(({ txid, sats, found_ms }) => ({ txid, sats, foundMs: Number(found_ms) }));
  }

  /** Outsiders since the first payout, accepted or not: one may spend what a batch was to spend. */
  allOutsiders(): string[] {
    return this.#sql.allOutsiders.all();
  }

  /** Outsiders that the operator has answered for. */
  accepted(): OutgoingTransaction[] {
    return this.#sql.accepted.all();
  }

  /** It is a payout of this ledger's now. */
  dropOutsider(txid: string): void {
    this.#sql.dropOutsider.run(txid);
  }

  accept(txid: string): void {
    this.#sql.accept.run(txid);
  }

  fact(name: FactName): string | undefined {
    return this.#sql.fact.get(name);
  }

  setFact(name: FactName, value: string | undefined): void {
    if (value === undefined) this.#sql.dropFact.run(name);
    else this.#sql.setFact.run(name, value);
  }

  #read(row: BatchRow): Batch {
    const number = Number(row.number);
    return {
      number,
      ...{ id: row.id, method: row.method, state: row.state, settlements: Number(row.settlements) },
      ...{ createdMs: Number(row.created_ms), changedMs: Number(row.changed_ms) },
      ...{ winner: row.winner ?? undefined, trouble: row.trouble ?? undefined },
      items: this.#sql.items.all(number),
      variants: this.#sql.variants.all(number).map((variant) => this.#readVariant(number, variant)),
    };
  }

  #readVariant(batch: number, row: VariantRow): Variant {
    return {
      ...{ number: Number(row.variant), kind: row.kind, txid: row.txid, psbt: row.psbt, raw: row.raw ?? undefined },
      ...{ feeSats: row.fee_sats, feeRate: row.fee_rate, madeMs: Number(row.made_ms) },
      changeIndex: row.change_index === null ? undefined : Number(row.change_index),
      changeSats: row.change_sats ?? undefined,
      inputs: this.#sql.inputs.all(batch, Number(row.variant)).map(({ txid, vout }) => ({ txid, vout: Number(vout) })),
    };
  }
}

function prepare(database: LedgerDatabase) {
  const query = <P extends unknown[], R>(sql: string) => database.prepare<P, R>(sql);
  const columns = 'number, id, method, state, settlements, created_ms, changed_ms, winner, trouble';
  return {
    addBatch: query<[string, string, number, number], never>(
      "INSERT INTO payout_batches (id, method, state, created_ms, changed_ms) VALUES (?, ?, 'funded', ?, ?)",
    ),
    addItem: query<[number, string, string, bigint, bigint], never>('INSERT INTO payout_items VALUES (?, ?, ?, ?, ?)'),
    countVariants: query<[number], bigint>('SELECT count(*) FROM payout_variants WHERE batch = ?').pluck(),
    addVariant: query<
      [
        ...[number, number, string, string, string, string | null],
        bigint,
        bigint,
        number | null,
        bigint | null,
        number,
      ],
      never
    >('INSERT INTO payout_variants VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)'),
    giveTxid: query<[string], never>(
      `UPDATE payout_variants SET txid = txid || ' of ' || batch WHERE txid = ? AND raw IS NULL
         AND batch IN (SELECT number FROM payout_batches WHERE state = 'cancelled')`,
    ),
    addInput: query<[number, number, string, number], never>('INSERT INTO payout_inputs VALUES (?, ?, ?, ?)'),
    setState: query<[string, number, string | null, number], never>(
      'UPDATE payout_batches SET state = ?, changed_ms = ?, winner = ?, trouble = NULL WHERE number = ?',
    ),
    setTrouble: query<[string | null, number], never>('UPDATE payout_batches SET trouble = ? WHERE number = ?'),
    setSettlements: query<[number, number], never>('UPDATE payout_batches SET settlements = ? WHERE number = ?'),
    bury: query<[number], never>('UPDATE payout_batches SET watched = 0 WHERE number = ?'),
    setRaw: query<[string, string, number, number], never>(
      'UPDATE payout_variants SET raw = ?, txid = ? WHERE batch = ? AND variant = ? AND raw IS NULL',
    ),
    batch: query<[number], BatchRow>(`SELECT ${columns} FROM payout_batches WHERE number = ?`),
    batchById: query<[string], BatchRow>(`SELECT ${columns} FROM payout_batches WHERE id = ?`),
    behind: query<[number], { number: bigint; id: string }>(
      'SELECT number, id FROM payout_batches WHERE number > ? ORDER BY number LIMIT 1',
    ),
    open: query<[], BatchRow>(
      `SELECT ${columns} FROM payout_batches WHERE state NOT IN ('settled', 'unpaid', 'cancelled') ORDER BY number`,
    ),
    watched: query<[], BatchRow>(`SELECT ${columns} FROM payout_batches WHERE watched = 1 ORDER BY number`),
    newest: query<[number], BatchRow>(`SELECT ${columns} FROM payout_batches ORDER BY number DESC LIMIT ?`),
    lastWon: query<[], BatchRow>(
      `SELECT ${columns} FROM payout_batches WHERE winner IS NOT NULL ORDER BY number DESC LIMIT 1`,
    ),
    isOwn: query<[string], bigint>(
      `SELECT 1 FROM payout_variants JOIN payout_batches ON batch = number
       WHERE txid = ? AND state <> 'cancelled'`,
    ).pluck(),
    items: query<[number], Item>(
      'SELECT account, address, sats, fee_sats AS feeSats FROM payout_items WHERE batch = ? ORDER BY account',
    ),
    variants: query<[number], VariantRow>('SELECT * FROM payout_variants WHERE batch = ? ORDER BY variant'),
    inputs: query<[number, number], Omit<Outpoint, 'vout'> & { vout: bigint }>(
      'SELECT txid, vout FROM payout_inputs WHERE batch = ? AND variant = ? ORDER BY txid, vout',
    ),
    aside: query<[], { account: string; reason: string; since_ms: bigint }>(
      'SELECT account, reason, since_ms FROM payout_aside ORDER BY account',
    ),
    setAside: query<[string, string, number], never>('INSERT OR IGNORE INTO payout_aside VALUES (?, ?, ?)'),
    takeBack: query<[string], never>('DELETE FROM payout_aside WHERE account = ?'),
    addOutsider: query<[string, bigint, number, number], never>(
      'INSERT OR IGNORE INTO payout_outsiders VALUES (?, ?, ?, ?)',
    ),
    outsiders: query<[], { txid: string; sats: bigint; found_ms: bigint }>(
      'SELECT txid, sats, found_ms FROM payout_outsiders WHERE accepted = 0 ORDER BY txid',
    ),
    allOutsiders: query<[], string>('SELECT txid FROM payout_outsiders WHERE accepted < 2 ORDER BY txid').pluck(),
    accepted: query<[], OutgoingTransaction>(
      'SELECT txid, sats FROM payout_outsiders WHERE accepted = 1 ORDER BY txid',
    ),
    accept: query<[string], never>('UPDATE payout_outsiders SET accepted = 1 WHERE txid = ? AND accepted = 0'),
    dropOutsider: query<[string], never>('DELETE FROM payout_outsiders WHERE txid = ? AND accepted = 0'),
    fact: query<[string], string>('SELECT value FROM payout_facts WHERE name = ?').pluck(),
    setFact: query<[string, string], never>(
      'INSERT INTO payout_facts VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
    ),
    dropFact: query<[string], never>('DELETE FROM payout_facts WHERE name = ?'),
  };
}
