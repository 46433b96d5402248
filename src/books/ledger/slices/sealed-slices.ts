import type { LedgerDatabase } from '../ledger-db.ts';
import type { PoolScheme, Slice } from '../rewards/scheme.ts';

interface JobRow {
  readonly serial: bigint;
  readonly jobId: string;
  readonly networkWork: string;
  readonly subsidySats: bigint;
  readonly feesSats: bigint;
  readonly scheme: PoolScheme | null;
}

/** Reads sealed slices, from any connection to the ledger. */
export class SealedSlices {
  readonly #sealed;
  readonly #job;
  readonly #newest;
  readonly #entries;
  readonly #newestJob;
  readonly #windowEnd;

  constructor(database: LedgerDatabase) {
    const columns = `serial, job_id AS jobId, network_work AS networkWork, subsidy_sats AS subsidySats, fees_sats AS feesSats,
      (SELECT scheme FROM terms WHERE from_serial <= serial ORDER BY from_serial DESC LIMIT 1) AS scheme`;
    this.#sealed = database.prepare<[], bigint>('SELECT sealed_serial FROM taken').pluck();
    this.#job = database.prepare<[string], JobRow>(`SELECT ${columns} FROM jobs WHERE job_id = ?`);
    this.#newest = database.prepare<[number | bigint], JobRow>(
      `SELECT ${columns} FROM jobs WHERE serial <= ?
         AND EXISTS (SELECT 1 FROM slices WHERE slices.job_id = jobs.job_id) ORDER BY serial DESC LIMIT 1`,
    );
    this.#newestJob = database
      .prepare<[number], string>('SELECT job_id FROM jobs WHERE serial <= ? ORDER BY serial DESC LIMIT 1')
      .pluck();
    this.#windowEnd = database.prepare<[string], string>('SELECT window_end FROM jobs WHERE job_id = ?').pluck();
    // Accounts are compared as UTF-8 bytes.
    this.#entries = database.prepare<[string], { account: string; work: string; shares: bigint }>(
      'SELECT account, work, shares FROM slices WHERE job_id = ? ORDER BY account',
    );
  }

  /** Jobs up to this serial number are sealed; -1 for none. */
  sealedUpTo(): number {
    return Number(this.#sealed.get() ?? -1n);
  }

  /** Whether no share can come any more to this job and those before it. False for a job that the ledger does not know. */
  isSealed(jobId: string): boolean {
    const job = this.#job.get(jobId);
    return job !== undefined && Number(job.serial) <= this.sealedUpTo();
  }

  /** The newest sealed job; undefined before the first. */
  newestSealed(): string | undefined {
    return this.#newestJob.get(this.sealedUpTo());
  }

  /**
   * The job with whose slice the division of a block of this job begins: that of the window that the job's coinbase pays by, or the
   * job itself if its coinbase pays the pool, or if the ledger does not have that window's slices.
   */
  divisionFrom(jobId: string): string {
    const windowEnd = this.#windowEnd.get(jobId) ?? '';
    return windowEnd !== '' && this.isSealed(windowEnd) ? windowEnd : jobId;
  }

  /**
   * The slices of the job and of those before it, newest first; jobs without an accepted share are left out. The ledger may
   * be written meanwhile. Throws a RangeError if the job is not sealed.
   */
  *slicesBack(jobId: string): Generator<Slice> {
    if (!this.isSealed(jobId)) throw new RangeError(`the slice of the job ${jobId} is not sealed`);
    for (let job = this.#newest.get(this.#job.get(jobId)?.serial ?? -1n); job !== undefined; ) {
      yield this.#slice(job);
      job = this.#newest.get(job.serial - 1n);
    }
  }

  #slice({ serial, networkWork, scheme, ...job }: JobRow): Slice {
    const entries = this.#entries.all(job.jobId).map(({ work, ...entry }) => ({ ...entry, work: BigInt(work) }));
    return {
      ...job,
      serial: Number(serial),
      networkWork: BigInt(networkWork),
      scheme: scheme ?? undefined,
      entries,
    };
  }
}
