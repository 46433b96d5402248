import { own, payableOf } from '../entries/accounts.ts';
import { EntryBook } from '../entries/book.ts';
import type { LedgerDatabase } from '../ledger-db.ts';
import { type Carry, fpps, type PpsDistribution, pps } from '../rewards/pps.ts';
import type { Fees, Slice } from '../rewards/scheme.ts';

export interface SlicePaymentsOptions {
  /** `none`: the pool pays for blocks. */
  readonly scheme: 'pps' | 'fpps' | 'none';
  readonly fees: Fees;
  /** There if `fees` has a donation. */
  readonly donationAccount: string | undefined;
}

export interface SlicePaymentsModules {
  readonly clock: { nowMs(): number };
  readonly slices: { sealedUpTo(): number; slicesBack(jobId: string): Iterable<Slice> };
}

/** Slices that one turn pays for; the rest has the next one. */
const SLICES_PER_STEP = 100;

/**
 * Pays for each slice when it is sealed, out of the pool's reserve, and once: an entry a slice, with the carried fractions in the
 * same transaction. Slices that were mined before the pool paid per share are not paid for.
 */
export class SlicePayments {
  readonly #database: LedgerDatabase;
  readonly #entries: EntryBook;
  readonly #options: SlicePaymentsOptions;
  readonly #modules: SlicePaymentsModules;
  readonly #statements: ReturnType<typeof prepare>;

  constructor(database: LedgerDatabase, options: SlicePaymentsOptions, modules: SlicePaymentsModules) {
    this.#database = database;
    this.#entries = new EntryBook(database);
    this.#options = options;
    this.#modules = modules;
    this.#statements = prepare(database);
    const { stop, begin } = this.#statements;
    if (options.scheme === 'none') stop.run();
    else begin.run(modules.slices.sealedUpTo());
  }

  /** Pays for the next sealed slices; false if there is none. */
  step(): boolean {
    if (this.#options.scheme === 'none') return false;
    const paid = Number(this.#statements.paid.get() ?? -1n);
    const jobs = this.#statements.jobs.all(paid, this.#modules.slices.sealedUpTo(), SLICES_PER_STEP);
    for (const { jobId, serial } of jobs)
      this.#database.transaction(() => this.#pay(jobId, Number(serial))).immediate();
    return jobs.length > 0;
  }

  #pay(jobId: string, serial: number): void {
    const { setPaid } = this.#statements;
    setPaid.run(serial);
    // A job without an accepted share has no slice.
    const [slice] = this.#modules.slices.slicesBack(jobId);
    if (slice?.jobId !== jobId) return;
    const { scheme, fees, donationAccount } = this.#options;
    const paid = (scheme === 'pps' ? pps : fpps)([slice], this.#carry(), fees);
    this.#setCarry(paid);
    const { credits, feeSats, donationSats } = paid;
    const spent = credits.reduce((sum, { sats }) => sum + sats, feeSats + donationSats);
    const donation = donationAccount === undefined ? own.donation : payableOf(donationAccount);
    this.#entries.post({
      kind: 'slice-paid',
      reference: `slice:${jobId}`,
      atMs: this.#modules.clock.nowMs(),
      lines: [
        { account: own.ppsReserve, sats: spent },
        { account: own.fee, sats: -feeSats },
        { account: donation, sats: -donationSats },
        ...credits.map(({ account, sats }) => ({ account: payableOf(account), sats: -sats })),
      ],
    });
  }

  #carry(): Carry {
    const rows = this.#statements.carries.all();
    const of = (kind: string): bigint => BigInt(rows.find((row) => row.kind === kind)?.carry ?? 0);
    const accounts = rows.filter(({ kind }) => kind === 'account');
    return {
      accounts: new Map(accounts.map(({ account, carry }) => [account, BigInt(carry)])),
      fee: of('fee'),
      donation: of('donation'),
    };
  }

  #setCarry({ carry: { accounts, fee, donation } }: PpsDistribution): void {
    const { setCarry } = this.#statements;
    for (const [account, carry] of accounts) setCarry.run('account', account, String(carry));
    setCarry.run('fee', '', String(fee));
    setCarry.run('donation', '', String(donation));
  }
}

function prepare(database: LedgerDatabase) {
  return {
    begin: database.prepare<[number]>('INSERT INTO pps_paid VALUES (1, ?) ON CONFLICT DO NOTHING'),
    stop: database.prepare<[]>('DELETE FROM pps_paid'),
    paid: database.prepare<[], bigint>('SELECT serial FROM pps_paid').pluck(),
    setPaid: database.prepare<[number]>('UPDATE pps_paid SET serial = ?'),
    jobs: database.prepare<[number, number, number], { jobId: string; serial: bigint }>(
      'SELECT job_id AS jobId, serial FROM jobs WHERE serial > ? AND serial <= ? ORDER BY serial LIMIT ?',
    ),
    carries: database.prepare<[], { kind: string; account: string; carry: string }>('SELECT * FROM pps_carry'),
    setCarry: database.prepare<[string, string, string]>('INSERT OR REPLACE INTO pps_carry VALUES (?, ?, ?)'),
  };
}
