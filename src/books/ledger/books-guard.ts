import { setImmediate } from 'node:timers/promises';
import type { Clock } from '#base/domain/ports';
import { limits } from '#base/limits';
import { LedgerCheck } from './check.ts';
import type { Fault } from './entries/fault.ts';
import type { LedgerDatabase } from './ledger-db.ts';
import type { LedgerPart } from './parts.ts';

export interface BooksGuardModules {
  readonly database: LedgerDatabase;
  readonly clock: Pick<Clock, 'monotonicMs'>;
}

/** Between two checks of the whole books, ms. */
const WHOLE_EVERY_MS = 3_600_000;
/** How long the check keeps the process from its other work, ms. */
const PIECE_MS_MAX = 10;

/** Why nothing may be paid in the first moments of a process: it is no fault. */
export const BEING_CHECKED = 'the books are being checked';

/**
 * Checks the books while the pool runs: what was added since the last turn, and the whole at the start, once an hour, and after
 * another process has written to the file, which none should do. Payouts stop while a fault stands.
 */
export class BooksGuard implements LedgerPart {
  readonly name = 'books';
  readonly #database: LedgerDatabase;
  readonly #clock: BooksGuardModules['clock'];
  /** Undefined until the whole books were checked once. */
  #check: LedgerCheck | undefined;
  #faults: readonly Fault[] = [];
  #version: unknown;
  /** Monotonic, ms. */
  #wholeMs = Number.NEGATIVE_INFINITY;
  #stopping = false;

  constructor({ database, clock }: BooksGuardModules) {
    this.#database = database;
    this.#clock = clock;
  }

  /** Faults that stand; at most `limits.ledgerFaultsMax` are counted. */
  get faults(): number {
    return this.#faults.length;
  }

  /** Why nothing may be paid; undefined if the books hold. */
  get alarm(): string | undefined {
    if (this.#faults.length > 0) return 'the books do not hold: sluice ledger check names each fault';
    return this.#check === undefined ? BEING_CHECKED : undefined;
  }

  /** Throws if the books do not hold: the message is this part's problem. */
  async tick(): Promise<void> {
    const version = this.#database.pragma('data_version', { simple: true });
    const nowMs = this.#clock.monotonicMs();
    const check = this.#check;
    if (check === undefined || version !== this.#version || nowMs - this.#wholeMs >= WHOLE_EVERY_MS) {
      const whole = new LedgerCheck(this.#database);
      const faults = await this.#faultsOf(whole.whole());
      if (this.#stopping) return;
      [this.#check, this.#faults, this.#version, this.#wholeMs] = [whole, faults, version, nowMs];
    } else {
      const added = await this.#faultsOf(check.added());
      this.#faults = [...this.#faults, ...added].slice(0, limits.ledgerFaultsMax);
    }
    const [first] = this.#faults;
    if (first === undefined) return;
    throw new Error(`the books do not hold, and nothing is paid: ${first.invariant}: ${first.detail}${this.#others()}`);
  }

  /** Leaves the turn that is under way. */
  close(): void {
    this.#stopping = true;
  }

  #others(): string {
    const others = this.#faults.length - 1;
    return others === 0 ? '' : `, and ${others} more: sluice ledger check names each`;
  }

  /** Runs a check, a piece at a time, and lets the other parts work in between. */
  async #faultsOf(pieces: Generator<Fault[]>): Promise<Fault[]> {
    const faults: Fault[] = [];
    try {
      let endMs = this.#clock.monotonicMs() + PIECE_MS_MAX;
      for (const piece of pieces) {
        if (this.#stopping) break;
        faults.push(...piece);
        if (faults.length >= limits.ledgerFaultsMax) break;
        if (this.#clock.monotonicMs() < endMs) continue;
        await setImmediate();
        endMs = this.#clock.monotonicMs() + PIECE_MS_MAX;
      }
    } catch (error) {
      faults.push({ invariant: 'books-readable', detail: error instanceof Error ? error.message : String(error) });
    }
    return faults.slice(0, limits.ledgerFaultsMax);
  }
}
