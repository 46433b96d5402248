import type { LedgerDatabase } from '../ledger-db.ts';
import { type PoolTerms, readPoolTerms, writePoolTerms } from '../rewards/pool-terms.ts';

/** Terms and the jobs under them: serial numbers in [from, to). */
export interface Reign {
  readonly from: number;
  /** Infinity for the last one. */
  readonly to: number;
  readonly terms: PoolTerms;
}

/**
 * The terms of each job. Work is paid by the terms under which its job was made, and a block is divided by those of its job,
 * whatever the pool promises when it books them.
 */
export class TermsBook {
  readonly #database: LedgerDatabase;
  #reigns: readonly Reign[];

  constructor(database: LedgerDatabase) {
    this.#database = database;
    this.#reigns = this.#read();
  }

  /** By serial number. Empty before the first `begin`. */
  get reigns(): readonly Reign[] {
    return this.#reigns;
  }

  /**
   * Jobs from a serial number on are made under these terms. The first terms hold for all jobs before as well: a ledger of an
   * earlier version does not know theirs.
   */
  begin(serial: number, terms: PoolTerms): void {
    const last = this.#reigns.at(-1);
    const text = writePoolTerms(terms);
    if (last !== undefined && (writePoolTerms(last.terms) === text || last.from >= serial)) return;
    this.#database
      .prepare<[number, string, string]>('INSERT INTO terms VALUES (?, ?, ?)')
      .run(last === undefined ? 0 : serial, terms.scheme, text);
    this.#reigns = this.#read();
  }

  /** Throws if there are no terms at all. */
  at(serial: number): PoolTerms {
    const reign = this.#reigns.findLast(({ from }) => from <= serial) ?? this.#reigns[0];
    if (reign === undefined) throw new Error('ledger: no terms are known');
    return reign.terms;
  }

  #read(): Reign[] {
    const rows = this.#database
      .prepare<[], { from: bigint; terms: string }>(
        'SELECT from_serial AS "from", terms FROM terms ORDER BY from_serial',
      )
      .all();
    return rows.map(({ from, terms }, at) => ({
      from: Number(from),
      to: Number(rows[at + 1]?.from ?? Number.POSITIVE_INFINITY),
      terms: readPoolTerms(terms),
    }));
  }
}

/** Those under which work is paid for as it is done. */
export function perShareReigns(reigns: readonly Reign[]): Reign[] {
  return reigns.filter(({ terms }) => terms.scheme === 'pps' || terms.scheme === 'fpps');
}
