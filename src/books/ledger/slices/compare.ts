import { compareBytes } from '../entries/accounts.ts';
import type { Fault } from '../entries/fault.ts';
import type { LedgerDatabase } from '../ledger-db.ts';

/** What one account has of one job. */
export interface SliceLine {
  readonly jobId: string;
  readonly account: string;
  readonly work: bigint;
  readonly shares: bigint;
}

/** Jobs whose slices are sealed and were not dropped: those between the two, both included. Undefined if there is none. */
export function comparableJobs(database: LedgerDatabase): { readonly from: string; readonly to: string } | undefined {
  return database
    .prepare<[], { from: string | null; to: string | null }>(
      `SELECT min(job_id) AS "from", max(job_id) AS "to" FROM jobs, taken
       WHERE serial <= sealed_serial AND serial > pruned_serial`,
    )
    .all()
    .flatMap(({ from, to }) => (from === null || to === null ? [] : [{ from, to }]))[0];
}

/** The slices of these jobs, in byte order of job and account. */
export function sliceLines(database: LedgerDatabase, from: string, to: string): IterableIterator<SliceLine> {
  return database
    .prepare<[string, string], { jobId: string; account: string; work: string; shares: bigint }>(
      `SELECT job_id AS jobId, account, work, shares FROM slices
       WHERE job_id >= ? AND job_id <= ? ORDER BY job_id, account`,
    )
    .all(from, to)
    .map((row) => ({ ...row, work: workOf(row.work) }))
    .values();
}

/** A sum that is no number, which somebody has written by hand, equals none. */
function workOf(text: string): bigint {
  return /^\d+$/.test(text) ? BigInt(text) : -1n;
}

/** Where the ledger's slices differ from those of another reader of the log; both come in byte order of job and account. */
export async function compareSlices(
  ours: Iterator<SliceLine>,
  theirs: AsyncIterable<SliceLine>,
  faultsMax: number,
): Promise<Fault[]> {
  const faults: Fault[] = [];
  let own = ours.next();
  const missing = (line: SliceLine): void => void faults.push(fault(line, undefined, line));
  for await (const line of theirs) {
    while (own.done !== true && order(own.value, line) < 0) {
      faults.push(fault(own.value, own.value, undefined));
      own = ours.next();
    }
    if (own.done === true || order(own.value, line) > 0) missing(line);
    else {
      const { value } = own;
      if (value.work !== line.work || value.shares !== line.shares) faults.push(fault(line, value, line));
      own = ours.next();
    }
    if (faults.length >= faultsMax) return faults;
  }
  for (; own.done !== true && faults.length < faultsMax; own = ours.next()) {
    faults.push(fault(own.value, own.value, undefined));
  }
  return faults;
}

function order(a: SliceLine, b: SliceLine): number {
  return compareBytes(a.jobId, b.jobId) || compareBytes(a.account, b.account);
}

function fault({ jobId, account }: SliceLine, ours: SliceLine | undefined, theirs: SliceLine | undefined): Fault {
  const text = (line: SliceLine | undefined): string =>
    line === undefined ? 'nothing' : `${line.work} hashes in ${line.shares} shares`;
  return {
    invariant: 'slice-clickhouse',
    detail: `job ${jobId}, account ${account}: the ledger has ${text(ours)}, and ClickHouse has ${text(theirs)}`,
  };
}
