import { BlockCheck, blockOf } from './blocks/check.ts';
import { checkReferences, EntryCheck } from './entries/check.ts';
import type { Entry } from './entries/entry.ts';
import type { Fault } from './entries/fault.ts';
import type { LedgerDatabase } from './ledger-db.ts';
import { checkSlicePayment } from './pay-per-share/check.ts';
import { PayoutCheck, payoutOf } from './payouts/check.ts';

/** Everything that is wrong with the books, as far as the ledger itself can tell; empty if every invariant holds. */
export function checkLedger(database: LedgerDatabase): Fault[] {
  return [...[...new LedgerCheck(database).whole()].flat(), ...checkReferences(database)];
}

/**
 * The check of the books in pieces, so that a process that has other work may do some of it at a time. Nothing may be written
 * while a piece is checked; between two pieces it may.
 */
export class LedgerCheck {
  readonly #entries: EntryCheck;
  readonly #blocks: BlockCheck;
  readonly #payouts: PayoutCheck;

  constructor(database: LedgerDatabase) {
    this.#entries = new EntryCheck(database);
    this.#blocks = new BlockCheck(database);
    this.#payouts = new PayoutCheck(database);
  }

  /** Checks all of the books; each piece gives its faults. To be called once. */
  *whole(): Generator<Fault[]> {
    for (let isLast = false; !isLast; ) {
      const page = this.#entries.next();
      isLast = page.isLast;
      yield [...page.faults, ...page.entries.flatMap((entry) => this.#entry(entry))];
    }
    for (let hash = this.#blocks.hashBehind(''); hash !== undefined; hash = this.#blocks.hashBehind(hash)) {
      yield this.#blocks.block(hash);
    }
    for (let next = this.#payouts.behind(0); next !== undefined; next = this.#payouts.behind(next.number)) {
      yield this.#payouts.payout(next.id);
    }
    yield this.#payouts.inFlight();
  }

  /** Checks the entries that were added since `whole`, or since the last call, with the blocks and payouts that they are about. */
  *added(): Generator<Fault[]> {
    const [blocks, payouts] = [new Set<string>(), new Set<string>()];
    for (let isLast = false; !isLast; ) {
      const page = this.#entries.next();
      isLast = page.isLast;
      for (const entry of page.entries) {
        blocks.add(blockOf(entry));
        payouts.add(payoutOf(entry));
      }
      yield [...page.faults, ...page.entries.flatMap((entry) => this.#entry(entry))];
    }
    for (const hash of blocks) yield this.#blocks.block(hash);
    for (const id of payouts) yield this.#payouts.payout(id);
    if (payouts.size > 0) yield this.#payouts.inFlight();
  }

  #entry(entry: Entry): Fault[] {
    const { id, kind, reference } = entry;
    if (kind.startsWith('block-') || reference.startsWith('block:')) return this.#blocks.entry(entry);
    if (/^(?:payout-|withdrawn)/.test(kind) || /^(?:payout|withdrawn):/.test(reference)) {
      return this.#payouts.entry(entry);
    }
    if (kind === 'slice-paid') return checkSlicePayment(entry);
    return [{ invariant: 'entry-kind', detail: `entry ${id} (${kind}, ${reference}) is of no kind that Sluice books` }];
  }
}
