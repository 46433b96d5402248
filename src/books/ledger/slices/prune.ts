import type { LedgerDatabase } from '../ledger-db.ts';

/** Slices are kept for so many windows: a falling difficulty makes a window reach further back. */
const WINDOWS_KEPT = 4n;

export interface PruneOptions {
  /** The PPLNS window, in units of a block's work. */
  readonly windowBlocks: number;
  /** Slices from this serial number on are still needed, whatever the window: by a block that is not booked, or a scheme. */
  readonly neededFrom: number;
}

/**
 * Drops slices that no window reaches any more: sealed ones behind `WINDOWS_KEPT` windows at the difficulty of the newest job.
 * Their jobs go too, except those of found blocks. Returns how many jobs were dropped.
 */
export function pruneSlices(database: LedgerDatabase, { windowBlocks, neededFrom }: PruneOptions): number {
  const newest = database
    .prepare<[], string>('SELECT network_work FROM jobs ORDER BY serial DESC LIMIT 1')
    .pluck()
    .get();
  if (newest === undefined) return 0;
  // The window may be a fraction of a block.
  const keep = (WINDOWS_KEPT * BigInt(newest) * BigInt(Math.ceil(windowBlocks * 1000))) / 1000n;
  const last = lastBehind(database, keep);
  if (last === undefined) return 0;
  const upTo = Math.min(last, neededFrom - 1);
  return database
    .transaction(() => {
      // A job id begins with ten hex digits of the serial number, so its order is that of the numbers.
      const end = (upTo + 1).toString(16).padStart(10, '0');
      database.prepare('DELETE FROM slices WHERE job_id < ?').run(end);
      const { changes } = database
        .prepare('DELETE FROM jobs WHERE serial <= ? AND job_id NOT IN (SELECT job_id FROM found)')
        .run(upTo);
      database.prepare('UPDATE taken SET pruned_serial = max(pruned_serial, ?)').run(upTo);
      return changes;
    })
    .immediate();
}

/** The newest job behind so much sealed work; undefined if there is less. */
function lastBehind(database: LedgerDatabase, keep: bigint): number | undefined {
  let work = 0n;
  const sealed = database.prepare<[], { serial: bigint; work: string }>(
    'SELECT serial, sealed_work AS work FROM jobs WHERE sealed_work IS NOT NULL ORDER BY serial DESC',
  );
  for (const job of sealed.iterate()) {
    if (work >= keep) return Number(job.serial);
    work += BigInt(job.work);
  }
  return undefined;
}
