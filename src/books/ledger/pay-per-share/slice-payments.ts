import { own, payableOf } from '../entries/accounts.ts';
import { EntryBook } from '../entries/book.ts';
import type { LedgerDatabase } from '../ledger-db.ts';
import { type CarryBefore, fpps, type PpsDistribution, pps } from '../rewards/pps.ts';
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

/** If the chain stands still, what was mined is paid for by the hour. */
const GROUP_MS_MAX = 3_600_000n;

/** Jobs that are paid for together: one after another, of one height and of one hour. */
interface Group {
  readonly firstJobId: string;
  readonly firstSerial: bigint;
  readonly lastJobId: string;
  readonly lastSerial: bigint;
}

/**
 * Pays for each slice once, out of the pool's reserve: one entry for all slices of a height, when the next height has begun and
 * they are sealed, with the carried fractions in the same transaction. The jobs alone decide what is paid for together. Slices
 * that were mined before the pool paid per share are not paid for.
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

  /** Pays for the slices of the next height; false if there is nothing to pay for yet. */
  step(): boolean {
    if (this.#options.scheme === 'none') return false;
    const group = this.#nextGroup();
    if (group === undefined) return false;
    this.#database.transaction(() => this.#pay(group)).immediate();
    return true;
  }

  #nextGroup(): Group | undefined {
    const { paid, group } = this.#statements;
    const next = group.get({ paid: paid.get() ?? -1n, groupMs: GROUP_MS_MAX });
    return next !== undefined && next.lastSerial <= this.#modules.slices.sealedUpTo() ? next : undefined;
  }

  #pay(group: Group): void {
    this.#statements.setPaid.run(group.lastSerial);
    const slices = this.#slicesOf(group);
    if (slices.length === 0) return;
    const { scheme, fees, donationAccount } = this.#options;
    const paid = (scheme === 'pps' ? pps : fpps)(slices, this.#carry(), fees);
    this.#setCarry(paid);
    const { credits, feeSats, donationSats } = paid;
    const spent = credits.reduce((sum, { sats }) => sum + sats, feeSats + donationSats);
    const donation = donationAccount === undefined ? own.donation : payableOf(donationAccount);
    this.#entries.post({
      kind: 'slice-paid',
      reference: `slices:${group.firstJobId}:${group.lastJobId}`,
      atMs: this.#modules.clock.nowMs(),
      lines: [
        { account: own.ppsReserve, sats: spent },
        { account: own.fee, sats: -feeSats },
        { account: donation, sats: -donationSats },
        ...credits.map(({ account, sats }) => ({ account: payableOf(account), sats: -sats })),
      ],
    });
  }

  /** Oldest first. A job without an accepted share has no slice. */
  #slicesOf({ firstSerial, lastJobId }: Group): Slice[] {
    const slices: Slice[] = [];
    for (const slice of this.#modules.slices.slicesBack(lastJobId)) {
      if (slice.serial < firstSerial) break;
      slices.push(slice);
    }
    return slices.reverse();
  }

  /** Accounts are looked up one by one: there are as many in the table as ever mined. */
  #carry(): CarryBefore {
    const of = (kind: string, account = ''): bigint => BigInt(this.#statements.carry.get(kind, account) ?? 0);
    return { accounts: { get: (account) => of('account', account) }, fee: of('fee'), donation: of('donation') };
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
    setPaid: database.prepare<[bigint]>('UPDATE pps_paid SET serial = ?'),
    // groupMs is a bigint: SQLite binds a number as REAL, which divides with a fraction.
    // From the first job that is not paid for to the last one before a job of another height or hour, if there is such a one.
    group: database.prepare<{ paid: bigint; groupMs: bigint }, Group>(
      `WITH first AS (SELECT * FROM jobs WHERE serial > @paid ORDER BY serial LIMIT 1),
            behind AS (SELECT jobs.serial FROM jobs, first WHERE jobs.serial > first.serial
              AND (jobs.height <> first.height OR jobs.time_ms / @groupMs <> first.time_ms / @groupMs)
              ORDER BY jobs.serial LIMIT 1)
       SELECT first.job_id AS firstJobId, first.serial AS firstSerial, last.job_id AS lastJobId, last.serial AS lastSerial
       FROM first, behind, jobs AS last WHERE last.serial < behind.serial ORDER BY last.serial DESC LIMIT 1`,
    ),
    carry: database
      .prepare<[string, string], string>('SELECT carry FROM pps_carry WHERE kind = ? AND account = ?')
      .pluck(),
    setCarry: database.prepare<[string, string, string]>('INSERT OR REPLACE INTO pps_carry VALUES (?, ?, ?)'),
  };
}
