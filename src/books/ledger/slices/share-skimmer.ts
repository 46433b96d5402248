import { type Column, columnsOf } from '#shares/sharelog/rows/rows';
import type { SliceSums } from './slice-sums.ts';

/** What is done with a column of a row of `shares`. */
const ops = { skip: 0, skipString: 1, account: 2, jobId: 3, work: 4, verdict: 5 } as const;
/** Bytes of the column types that have a fixed length. */
const fixedBytes: Readonly<Record<string, number>> = {
  UInt32: 4,
  UInt64: 8,
  UInt128: 16,
  Float64: 8,
  Bool: 1,
  "DateTime64(3, 'UTC')": 8,
};
const stringTypes: readonly string[] = ['String', 'LowCardinality(String)'];
const wanted: Readonly<Record<string, { readonly op: number; readonly string: boolean }>> = {
  account: { op: ops.account, string: true },
  job_id: { op: ops.jobId, string: true },
  verdict: { op: ops.verdict, string: true },
  work: { op: ops.work, string: false },
};
const ACCEPTED = new TextEncoder().encode('accepted');

/**
 * Pairs of an operation and a number of bytes, in the order of the columns. Throws a TypeError if the columns are not those of
 * shares: a wanted one is missing or has another type, or a type has no known length.
 */
function planOf(columns: readonly Column[]): Int32Array {
  const plan: number[] = [];
  const found = new Set<number>();
  for (const [name, type] of columns) {
    const use = wanted[name];
    const bytes = stringTypes.includes(type) ? 0 : fixedBytes[type];
    if (bytes === undefined || (use !== undefined && use.string !== (bytes === 0)))
      throw new TypeError(`shares: the column ${name} has the type ${type}`);
    if (use?.op === ops.work && type !== 'UInt128') throw new TypeError(`shares: ${name} has the type ${type}`);
    if (use !== undefined) found.add(use.op);
    if (use !== undefined) plan.push(use.op, bytes);
    else if (bytes === 0) plan.push(ops.skipString, 0);
    else if (plan.at(-2) === ops.skip) plan[plan.length - 1] = (plan.at(-1) ?? 0) + bytes;
    else plan.push(ops.skip, bytes);
  }
  if (found.size !== Object.keys(wanted).length)
    throw new TypeError('shares: a column that the ledger needs is missing');
  return Int32Array.from(plan);
}

/**
 * Reads RowBinary rows of `shares` for the ledger: account, job, work and verdict, and skips over everything else. About
 * fifty times as fast as `decodeRows`, which it is tested against.
 */
export class ShareSkimmer {
  readonly #plan: Int32Array;

  constructor(columns: readonly Column[] = columnsOf.shares) {
    this.#plan = planOf(columns);
  }

  /**
   * Adds the accepted shares of a batch to the sums. Returns the least serial number of their jobs; Infinity if no share is
   * accepted. Throws a RangeError if the bytes end within a row, and what `SliceSums.add` throws.
   */
  skim(bytes: Uint8Array, sums: SliceSums): number {
    const plan = this.#plan;
    const end = bytes.length;
    const view = new DataView(bytes.buffer, bytes.byteOffset, end);
    let least = Number.POSITIVE_INFINITY;
    let at = 0;
    let accountAt = 0;
    let accountEnd = 0;
    let jobAt = 0;
    let jobEnd = 0;
    let workAt = 0;
    while (at < end) {
      let accepted = false;
      for (let i = 0; i < plan.length; i += 2) {
        const op = plan[i];
        if (op === ops.skip) {
          at += plan[i + 1] ?? 0;
          continue;
        }
        if (op === ops.work) {
          workAt = at;
          at += 16;
          continue;
        }
        let length = bytes[at] ?? Number.NaN;
        at += 1;
        if (length >= 0x80) {
          // LEB128: seven bits a byte, the least first.
          length -= 0x80;
          for (let scale = 0x80; ; scale *= 0x80) {
            const byte = bytes[at] ?? Number.NaN;
            at += 1;
            length += (byte & 0x7f) * scale;
            if (!(byte >= 0x80)) break;
          }
        }
        if (op === ops.account) {
          accountAt = at;
          accountEnd = at + length;
        } else if (op === ops.jobId) {
          jobAt = at;
          jobEnd = at + length;
        } else if (op === ops.verdict) accepted = length === ACCEPTED.length && isAccepted(bytes, at);
        at += length;
      }
      // NaN too: the row ended before its last length.
      if (!(at <= end)) throw new RangeError('shares: the bytes end within a row');
      if (!accepted) continue;
      const serial = sums.add(bytes, view, accountAt, accountEnd, jobAt, jobEnd, workAt);
      if (serial < least) least = serial;
    }
    return least;
  }
}

function isAccepted(bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < ACCEPTED.length; i += 1) if (bytes[at + i] !== ACCEPTED[i]) return false;
  return true;
}
