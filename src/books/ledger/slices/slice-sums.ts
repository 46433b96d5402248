import { serialOfRow } from './job-row-id.ts';
import { SumTable } from './sum-table.ts';

/** What the accepted shares of one account on one job come to. */
export interface SliceSum {
  readonly jobId: string;
  /** Of the job. */
  readonly serial: number;
  readonly account: string;
  /** Expected hashes. */
  readonly work: bigint;
  readonly shares: number;
}

/** Of a job and an account that the table has no room for. */
interface NamedSum {
  readonly jobId: string;
  readonly serial: number;
  readonly account: string;
  work: bigint;
  shares: number;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Adds up accepted shares by job and account. A share of a known account costs a hash of a few bytes and a comparison of its
 * names with the known ones: no string, and no bigint below 2^53 hashes.
 */
export class SliceSums {
  readonly #table = new SumTable();
  /** By job id and account. A job id has no NUL. */
  readonly #named = new Map<string, NamedSum>();
  /** Of each entry of the table. */
  readonly #serials: number[] = [];
  #shares = 0;

  /** Shares added. */
  get shares(): number {
    return this.#shares;
  }

  /**
   * Adds one share: its account and job as they stand in `bytes`, its work as a UInt128 at `workAt`; `view` is of the same
   * bytes. Returns the job's serial number. Throws if the account is not UTF-8, or the job id is none of this pool's.
   */
  add(
    bytes: Uint8Array,
    view: DataView,
    accountAt: number,
    accountEnd: number,
    jobAt: number,
    jobEnd: number,
    workAt: number,
  ): number {
    const entry = this.#table.entryOf(bytes, view, accountAt, accountEnd, jobAt, jobEnd);
    if (entry < 0) return this.#addNamed(bytes, view, accountAt, accountEnd, jobAt, jobEnd, workAt);
    if (entry === this.#serials.length) {
      // Fails before anything is added if the names are not as they must be.
      utf8.decode(bytes.subarray(accountAt, accountEnd));
      this.#serials.push(serialIn(bytes, jobAt, jobEnd));
    }
    const low = view.getUint32(workAt, true) + view.getUint32(workAt + 4, true) * 2 ** 32;
    const high = view.getUint32(workAt + 8, true) + view.getUint32(workAt + 12, true);
    if (high === 0 && low <= Number.MAX_SAFE_INTEGER) this.#table.add(entry, low);
    else this.#table.addLarge(entry, workIn(view, workAt));
    this.#shares += 1;
    return this.#serials[entry] ?? Number.NaN;
  }

  /** All sums. Those of one job and account are to be added up: few of them come in parts. */
  *all(): Generator<SliceSum> {
    for (const [entry, serial] of this.#serials.entries()) {
      const { account, jobId, work, shares } = this.#table.sumOf(entry);
      yield { jobId: utf8.decode(jobId), serial, account: utf8.decode(account), work, shares };
    }
    for (const sum of this.#named.values()) yield { ...sum };
  }

  #addNamed(
    bytes: Uint8Array,
    view: DataView,
    accountAt: number,
    accountEnd: number,
    jobAt: number,
    jobEnd: number,
    workAt: number,
  ): number {
    const account = utf8.decode(bytes.subarray(accountAt, accountEnd));
    const jobId = utf8.decode(bytes.subarray(jobAt, jobEnd));
    const key = `${jobId}\0${account}`;
    let sum = this.#named.get(key);
    if (sum === undefined) {
      sum = { jobId, serial: serialIn(bytes, jobAt, jobEnd), account, work: 0n, shares: 0 };
      this.#named.set(key, sum);
    }
    sum.work += workIn(view, workAt);
    sum.shares += 1;
    this.#shares += 1;
    return sum.serial;
  }
}

function workIn(view: DataView, at: number): bigint {
  return view.getBigUint64(at, true) + (view.getBigUint64(at + 8, true) << 64n);
}

function serialIn(bytes: Uint8Array, from: number, to: number): number {
  const jobId = utf8.decode(bytes.subarray(from, to));
  const serial = serialOfRow(jobId);
  if (serial === undefined) throw new Error(`an accepted share has the job id ${JSON.stringify(jobId)}`);
  return serial;
}
