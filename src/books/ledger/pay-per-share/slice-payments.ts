import { own, payableOf } from '../entries/accounts.ts';
import { EntryBook } from '../entries/book.ts';
import type { LedgerDatabase } from '../ledger-db.ts';
import type { PoolTerms } from '../rewards/pool-terms.ts';
import { type CarryBefore, fpps, type PpsDistribution, pps } from '../rewards/pps.ts';
import type { Slice } from '../rewards/scheme.ts';
import { perShareReigns, type Reign } from '../terms/terms-book.ts';

export interface SlicePaymentsModules {
  readonly clock: { nowMs(): number };
  readonly slices: { sealedUpTo(): number; slicesBack(jobId: string): Iterable<Slice> };
}

/** If the chain stands still, what was mined is paid for by the hour. */
const GROUP_MS_MAX = 3_600_000n;

/** Jobs that are paid for together: one after another, of one height, of one hour, and under the same terms. */
interface Group {
  readonly height: bigint;
  readonly firstJobId: string;
  readonly firstSerial: bigint;
  readonly lastJobId: string;
  readonly lastSerial: bigint;
}

/**
 * Pays for each slice once, out of the pool's reserve: one entry for all slices of a height, when the next height has begun and
 * they are sealed, with the carried fractions in the same transaction. The jobs alone decide what is paid for together. A slice
 * is paid for by the terms of its job: what was mined under PPS is paid for after a change of the scheme as well, and what was
 * mined under another scheme is not.
 */
export class SlicePayments {
  readonly #database: LedgerDatabase;
  readonly #entries: EntryBook;
  readonly #reigns: readonly Reign[];
  readonly #modules: SlicePaymentsModules;
  readonly #statements: ReturnType<typeof prepare>;

  constructor(database: LedgerDatabase, reigns: readonly Reign[], modules: SlicePaymentsModules) {
    this.#database = database;
    this.#entries = new EntryBook(database);
    this.#reigns = perShareReigns(reigns);
    this.#modules = modules;
    this.#statements = prepare(database);
  }

  /** Pays for the slices of the next height; false if there is nothing to pay for yet. */
  step(): boolean {
    for (const reign of this.#reigns) {
      const paid = Number(this.#statements.paid.get() ?? -1n);
      if (reign.to <= paid + 1) continue;
      const group = this.#nextGroup(reign, paid);
      if (group !== undefined) {
        this.#database.transaction(() => this.#pay(group, reign.terms)).immediate();
        return true;
      }
      // Later terms wait for what these have left, if that is not sealed.
      if (reign.to > this.#modules.slices.sealedUpTo()) return false;
      this.#statements.setPaid.run(BigInt(reign.to - 1));
    }
    return false;
  }

  #nextGroup({ from, to }: Reign, paid: number): Group | undefined {
    const { group } = this.#statements;
    const next = group.get({
      after: BigInt(Math.max(paid, from - 1)),
      to: BigInt(Math.min(to, Number.MAX_SAFE_INTEGER)),
      groupMs: GROUP_MS_MAX,
    });
    return next !== undefined && next.lastSerial <= this.#modules.slices.sealedUpTo() ? next : undefined;
  }

  #pay(group: Group, { scheme, fees, donationAccount }: PoolTerms): void {
    this.#statements.setPaid.run(group.lastSerial);
    const slices = this.#slicesOf(group);
    if (slices.length === 0) return;
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
    paid: database.prepare<[], bigint>('SELECT serial FROM pps_paid').pluck(),
    setPaid: database.prepare<[bigint]>('INSERT OR REPLACE INTO pps_paid VALUES (1, ?)'),
    // groupMs is a bigint: SQLite binds a number as REAL, which divides with a fraction.
    // From the first job that is not paid for to the last one before a job of another height, hour or terms, if there is such a one.
    group: database.prepare<{ after: bigint; to: bigint; groupMs: bigint }, Group>(
      `WITH first AS (SELECT * FROM jobs WHERE serial > @after AND serial < @to ORDER BY serial LIMIT 1),
            behind AS (SELECT jobs.serial FROM jobs, first WHERE jobs.serial > first.serial
              AND (jobs.height <> first.height OR jobs.time_ms / @groupMs <> first.time_ms / @groupMs OR jobs.serial >= @to)
              ORDER BY jobs.serial LIMIT 1)
       SELECT first.height, first.job_id AS firstJobId, first.serial AS firstSerial, last.job_id AS lastJobId,
         last.serial AS lastSerial
       FROM first, behind, jobs AS last WHERE last.serial < behind.serial ORDER BY last.serial DESC LIMIT 1`,
    ),
    carry: database
      .prepare<[string, string], string>('SELECT carry FROM pps_carry WHERE kind = ? AND account = ?')
      .pluck(),
    setCarry: database.prepare<[string, string, string]>('INSERT OR REPLACE INTO pps_carry VALUES (?, ?, ?)'),
  };
}
