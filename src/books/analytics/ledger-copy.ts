import { serialOfRow } from '#base/domain/ids';
import type { Clock } from '#base/domain/ports';
import { type LedgerDatabase, readLedger } from '#books/ledger/ledger-db';
import { quoted, type Warehouse } from './warehouse.ts';

/** Rows of one insert. */
const ROWS_MAX = 20_000;

export interface LedgerCopyModules {
  readonly warehouse: Warehouse;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** The `node` column of this pool's rows. */
  readonly node: string;
}

type Cell = string | bigint | number | Date;

/**
 * Copies what the ledger has into `slices`, `credits` and `payouts`. The ledger is the record, and is only read. A row has a
 * key, and the last row with a key holds: so a copy that is cut short, or made twice, leaves each row once (FINAL). What was
 * copied is asked of ClickHouse at the start; there is nothing else to remember.
 */
export class LedgerCopy {
  readonly #folder: string;
  readonly #m: LedgerCopyModules;
  /** Slices of jobs up to this serial number are in; undefined before ClickHouse was asked. */
  #serial: bigint | undefined;
  /** Of each block and each payout, what its rows were made from. */
  readonly #copied = new Map<string, string>();
  #revision = 0n;

  constructor(folder: string, modules: LedgerCopyModules) {
    this.#folder = folder;
    this.#m = modules;
  }

  /** Copies what is new; resolves with the rows that were written. Rejects if ClickHouse or the ledger can not be read. */
  async step(): Promise<number> {
    const ledger = readLedger(this.#folder);
    try {
      if (this.#serial === undefined) await this.#ask();
      return (await this.#slices(ledger)) + (await this.#credits(ledger)) + (await this.#payouts(ledger));
    } finally {
      ledger.close();
    }
  }

  async #ask(): Promise<void> {
    const { warehouse, node } = this.#m;
    const own = (table: string): string => `FROM ${warehouse.database}.${table} FINAL WHERE node = ${quoted(node)}`;
    // One insert may be cut short between two months: the last one is made again.
    const [last] = await warehouse.rows(
      `SELECT job_id ${own('slices')} ORDER BY job_id DESC LIMIT 1 OFFSET ${ROWS_MAX}`,
    );
    const blocks = await warehouse.rows(
      `SELECT hash, toString(any(status)), toString(count()), toString(max(revision)) ${own('credits')} GROUP BY hash`,
    );
    const payouts = await warehouse.rows(
      `SELECT payout, toString(any(state)), toString(count()), toString(max(revision)) ${own('payouts')} GROUP BY payout`,
    );
    for (const [key = '', state = '', rows = '', revision = '0'] of [...blocks, ...payouts]) {
      this.#copied.set(key, `${state}/${rows}`);
      if (BigInt(revision) > this.#revision) this.#revision = BigInt(revision);
    }
    this.#serial = BigInt(serialOfRow(last?.[0] ?? '') ?? 0) - 1n;
  }

  async #slices(ledger: LedgerDatabase): Promise<number> {
    const next = ledger.prepare<[bigint], { serial: bigint; jobId: string; account: string; work: string } & Job>(
      `SELECT jobs.serial, jobs.job_id AS jobId, height, time_ms AS timeMs, account, work, shares
       FROM jobs JOIN slices ON slices.job_id = jobs.job_id
       WHERE jobs.serial > ? AND jobs.serial <= (SELECT sealed_serial FROM taken) ORDER BY jobs.serial`,
    );
    let written = 0;
    let rows: Cell[][] = [];
    let serial = this.#serial ?? -1n;
    const flush = async (): Promise<void> => {
      written += await this.#insert('slices', 'time, node, job_id, height, account, work, shares', rows);
      rows = [];
      this.#serial = serial;
    };
    for (const slice of next.iterate(serial)) {
      if (rows.length >= ROWS_MAX && slice.serial !== serial) await flush();
      serial = slice.serial;
      const { timeMs, jobId, height, account, work, shares } = slice;
      rows.push([new Date(Number(timeMs)), this.#m.node, jobId, height, account, BigInt(work), shares]);
    }
    await flush();
    return written;
  }

  async #credits(ledger: LedgerDatabase): Promise<number> {
    const blocks = ledger
      .prepare<[], { key: string; height: bigint; timeMs: bigint; state: string; rows: bigint }>(
        `SELECT hash AS key, height, found_ms AS timeMs, status AS state,
           (SELECT count(*) FROM block_credits WHERE block_credits.hash = blocks.hash) AS rows
         FROM blocks ORDER BY height`,
      )
      .all();
    const credits = ledger.prepare<[string], { account: string; sats: bigint; directSats: bigint; work: string }>(
      'SELECT account, sats, direct_sats AS directSats, work FROM block_credits WHERE hash = ?',
    );
    return this.#each(
      blocks,
      'credits',
      'time, node, hash, height, status, account, sats, direct_sats, work, revision',
      (block) =>
        credits
          .all(block.key)
          .map(({ account, sats, directSats, work }) => [
            ...[new Date(Number(block.timeMs)), this.#m.node, block.key, block.height, block.state],
            ...[account, sats, directSats, BigInt(work), this.#revision],
          ]),
    );
  }

  async #payouts(ledger: LedgerDatabase): Promise<number> {
    const batches = ledger
      .prepare<
        [],
        { key: string; number: bigint; state: string; madeMs: bigint; changedMs: bigint; txid: string; rows: bigint }
      >(
        `SELECT id AS key, number, state, created_ms AS madeMs, changed_ms AS changedMs, coalesce(winner, '') AS txid,
           (SELECT count(*) FROM payout_items WHERE batch = number) AS rows
         FROM payout_batches ORDER BY number`,
      )
      .all();
    const items = ledger.prepare<[bigint], { account: string; address: string; sats: bigint; feeSats: bigint }>(
      'SELECT account, address, sats, fee_sats AS feeSats FROM payout_items WHERE batch = ?',
    );
    const columns = 'time, node, payout, state, changed, txid, account, address, sats, fee_sats, revision';
    return this.#each(batches, 'payouts', columns, (batch) =>
      items
        .all(batch.number)
        .map(({ account, address, sats, feeSats }) => [
          ...[new Date(Number(batch.madeMs)), this.#m.node, batch.key, batch.state, new Date(Number(batch.changedMs))],
          ...[batch.txid, account, address, sats, feeSats, this.#revision],
        ]),
    );
  }

  /** Writes the rows of those whose state is not the one that was copied. */
  async #each<T extends { key: string; state: string; rows: bigint }>(
    all: readonly T[],
    table: string,
    columns: string,
    rowsOf: (one: T) => Cell[][],
  ): Promise<number> {
    let written = 0;
    for (const one of all) {
      const now = `${one.state}/${one.rows}`;
      if (one.rows === 0n || this.#copied.get(one.key) === now) continue;
      const nowMs = BigInt(this.#m.clock.nowMs());
      this.#revision = nowMs > this.#revision ? nowMs : this.#revision + 1n;
      written += await this.#insert(table, columns, rowsOf(one));
      this.#copied.set(one.key, now);
    }
    return written;
  }

  async #insert(table: string, columns: string, rows: readonly Cell[][]): Promise<number> {
    const { warehouse } = this.#m;
    for (let from = 0; from < rows.length; from += ROWS_MAX) {
      const values = rows.slice(from, from + ROWS_MAX).map((row) => `(${row.map(literal).join(', ')})`);
      await warehouse.command(
        `INSERT INTO ${warehouse.database}.${table} (${columns}) SETTINGS async_insert = 0 VALUES ${values.join(', ')}`,
      );
    }
    return rows.length;
  }
}

interface Job {
  readonly height: bigint;
  readonly timeMs: bigint;
  readonly shares: bigint;
}

function literal(cell: Cell): string {
  if (cell instanceof Date) return `'${cell.toISOString().replace('T', ' ').slice(0, -1)}'`;
  return typeof cell === 'string' ? quoted(cell) : String(cell);
}
