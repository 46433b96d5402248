import { SERIAL_DIGITS } from '#base/domain/ids';
import type { LedgerDatabase } from '../ledger-db.ts';
import type { BlocksOptions } from './blocks.ts';

/**
 * Slices from this serial number on are still needed, whatever the window: 0 while a block that may yet be in the chain is not
 * booked, because its window may reach back from it. A round of PROP begins with the newest booked block that no reorganisation
 * reaches; PPS needs what it has not paid for. Infinity if nothing but the window needs slices.
 */
export function slicesNeededFrom(database: LedgerDatabase, scheme: BlocksOptions['scheme']): number {
  const checkpoint = database.prepare<[], bigint>('SELECT checkpoint_height FROM chain').pluck().get() ?? 0n;
  const open = database
    .prepare<[bigint], string>(
      "SELECT hash FROM blocks WHERE lines IS NULL AND (status = 'found' OR (status = 'orphaned' AND height > ?)) LIMIT 1",
    )
    .pluck()
    .get(checkpoint);
  if (open !== undefined) return 0;
  if (scheme === 'prop') {
    const jobId = database
      .prepare<[bigint], string>(
        "SELECT job_id FROM blocks WHERE height <= ? AND status = 'mature' ORDER BY height DESC LIMIT 1",
      )
      .pluck()
      .get(checkpoint);
    return jobId === undefined ? 0 : Number.parseInt(jobId.slice(0, SERIAL_DIGITS), 16);
  }
  if (scheme !== 'pps' && scheme !== 'fpps') return Number.POSITIVE_INFINITY;
  const paid = database.prepare<[], bigint>('SELECT serial FROM pps_paid').pluck().get() ?? -1n;
  return Number(paid) + 1;
}
