import { SERIAL_DIGITS } from '#base/domain/ids';
import type { LedgerDatabase } from '../ledger-db.ts';
import type { PoolScheme } from '../rewards/scheme.ts';
import { perShareReigns, TermsBook } from '../terms/terms-book.ts';

/**
 * Slices from this serial number on are still needed, whatever the window: 0 while a block that may yet be in the chain is not
 * booked, because its window may reach back from it. A round of PROP begins with the newest booked block that no reorganisation
 * reaches; what PPS has not paid for is needed although the pool has another scheme now. Infinity if nothing but the window needs slices.
 */
export function slicesNeededFrom(database: LedgerDatabase, scheme: PoolScheme): number {
  const checkpoint = database.prepare<[], bigint>('SELECT checkpoint_height FROM chain').pluck().get() ?? 0n;
  const open = database
    .prepare<[bigint], string>(
      "SELECT hash FROM blocks WHERE lines IS NULL AND (status = 'found' OR (status = 'orphaned' AND height > ?)) LIMIT 1",
    )
    .pluck()
    .get(checkpoint);
  if (open !== undefined) return 0;
  return Math.min(unpaidFrom(database), scheme === 'prop' ? roundFrom(database, checkpoint) : Number.POSITIVE_INFINITY);
}

/** The round that is open, and those that a reorganisation may open again. */
function roundFrom(database: LedgerDatabase, checkpoint: bigint): number {
  const jobId = database
    .prepare<[bigint], string>(
      "SELECT job_id FROM blocks WHERE height <= ? AND status = 'mature' ORDER BY height DESC LIMIT 1",
    )
    .pluck()
    .get(checkpoint);
  return jobId === undefined ? 0 : Number.parseInt(jobId.slice(0, SERIAL_DIGITS), 16);
}

/** The first job that is to be paid for per share, and was not. */
function unpaidFrom(database: LedgerDatabase): number {
  const paid = Number(database.prepare<[], bigint>('SELECT serial FROM pps_paid').pluck().get() ?? -1n);
  const open = perShareReigns(new TermsBook(database).reigns).find(({ to }) => to > paid + 1);
  return open === undefined ? Number.POSITIVE_INFINITY : Math.max(paid + 1, open.from);
}
