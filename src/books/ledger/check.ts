import { checkBlocks } from './blocks/check.ts';
import { checkEntries, type Fault } from './entries/check.ts';
import type { LedgerDatabase } from './ledger-db.ts';

/** Everything that is wrong with the books, as far as the ledger itself can tell; empty if every invariant holds. */
export function checkLedger(database: LedgerDatabase): Fault[] {
  return [...checkEntries(database), ...checkBlocks(database)];
}
