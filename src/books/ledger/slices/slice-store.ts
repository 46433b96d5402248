import type { LedgerDatabase } from '../ledger-db.ts';
import { LogMismatch } from './next-batches.ts';
import type { SliceSum } from './slice-sums.ts';
import type { FoundBlockRow, JobFacts, Position, Taking } from './taking.ts';

/** What was taken so far. */
export interface TakenCounts {
  readonly rows: number;
  /** Accepted ones. */
  readonly shares: number;
  /** Jobs up to this serial number are sealed; -1 for none. */
  readonly sealedSerial: number;
}

interface PositionRow {
  readonly logId: string;
  readonly journal: string;
  readonly life: string;
  readonly seq: bigint;
  readonly rowsTotal: bigint;
  readonly bytesTotal: bigint;
  readonly closedSerial: bigint;
  readonly finished: bigint;
}

/** The writing side of the tables in schema.ts. There is one in a process, and one process (openLedger). */
export class SliceStore {
  readonly #database: LedgerDatabase;
  readonly #statements: ReturnType<typeof statementsOf>;

  constructor(database: LedgerDatabase) {
    this.#database = database;
    database.function('work_add', { deterministic: true }, (a, b) =>
      (BigInt(a as string) + BigInt(b as string)).toString(),
    );
    database.aggregate('work_sum', {
      start: (): unknown => 0n,
      step: (sum: unknown, work: unknown) => (sum as bigint) + BigInt(work as string),
      result: String,
    });
    this.#statements = statementsOf(database);
  }

  /** By journal id. */
  positions(): Map<string, Position> {
    const rows = this.#statements.positions.all() as PositionRow[];
    return new Map(
      rows.map((row) => [
        row.logId,
        {
          ...row,
          seq: Number(row.seq),
          rowsTotal: Number(row.rowsTotal),
          bytesTotal: Number(row.bytesTotal),
          closedSerial: Number(row.closedSerial),
          finished: row.finished === 1n,
        },
      ]),
    );
  }

  taken(): TakenCounts {
    const { rows, shares, sealed } = this.#statements.taken.get() as Record<'rows' | 'shares' | 'sealed', bigint>;
    return { rows: Number(rows), shares: Number(shares), sealedSerial: Number(sealed) };
  }

  /** In one transaction, on the disk when it returns. Throws a LogMismatch if the ledger has one of the jobs already. */
  take(taking: Taking): void {
    this.#database
      .transaction(() => {
        for (const job of taking.jobs) this.#addJob(job);
        for (const sum of taking.sums) this.#addSum(sum);
        for (const block of taking.found) this.#addFound(block);
        for (const position of taking.positions)
          this.#statements.place.run({ ...position, finished: position.finished ? 1 : 0 });
        this.#statements.count.run({ rows: taking.rows, shares: taking.shares });
      })
      .immediate();
  }

  /** Jobs up to this serial number are final. Returns how many slices were sealed by this. */
  seal(serial: number): number {
    return this.#database
      .transaction(() => {
        const before = this.taken().sealedSerial;
        const { changes } = this.#statements.sealWork.run({ before, serial });
        this.#statements.seal.run({ serial });
        return changes;
      })
      .immediate();
  }

  #addJob(job: JobFacts): void {
    const { changes } = this.#statements.job.run({ ...job, networkWork: job.networkWork.toString() });
    if (changes === 1) return;
    throw new LogMismatch(
      `the ledger has a job with the serial number of ${job.jobId} already: the share log is not the one that this ledger has counted`,
    );
  }

  #addSum({ jobId, account, work, shares }: SliceSum): void {
    this.#statements.slice.run(jobId, account, work.toString(), shares);
  }

  #addFound(block: FoundBlockRow): void {
    this.#statements.found.run({ ...block });
  }
}

// Its type is that of its statements.
function statementsOf(database: LedgerDatabase) {
  return {
    positions: database.prepare(
      `SELECT log_id AS logId, journal, life, seq, rows_total AS rowsTotal, bytes_total AS bytesTotal,
         closed_serial AS closedSerial, finished FROM positions`,
    ),
    taken: database.prepare('SELECT rows, shares, sealed_serial AS sealed FROM taken'),
    job: database.prepare(
      `INSERT OR IGNORE INTO jobs
       VALUES (@jobId, @serial, @height, @nbits, @networkWork, @rewardSats, @subsidySats, @feesSats, @timeMs, NULL, @windowEnd)`,
    ),
    slice: database.prepare(
      `INSERT INTO slices VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET work = work_add(work, excluded.work), shares = shares + excluded.shares`,
    ),
    found: database.prepare(
      `INSERT INTO found
       VALUES (@hash, @jobId, @account, @worker, @height, @foundMs, @rewardSats, @status, @reason, @revision)
       ON CONFLICT DO UPDATE SET status = excluded.status, reason = excluded.reason, revision = excluded.revision
       WHERE excluded.revision > revision`,
    ),
    place: database.prepare(
      `INSERT OR REPLACE INTO positions
       VALUES (@logId, @journal, @life, @seq, @rowsTotal, @bytesTotal, @closedSerial, @finished)`,
    ),
    count: database.prepare('UPDATE taken SET rows = rows + @rows, shares = shares + @shares'),
    seal: database.prepare('UPDATE taken SET sealed_serial = @serial WHERE sealed_serial < @serial'),
    sealWork: database.prepare(
      `UPDATE jobs SET sealed_work = (SELECT work_sum(work) FROM slices WHERE slices.job_id = jobs.job_id)
       WHERE serial > @before AND serial <= @serial`,
    ),
  };
}
