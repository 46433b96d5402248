import type { BatchHead, LogReader, ReadBounds } from '#shares/sharelog/consumers/log-reader';
import type { Position } from './taking.ts';

/** The log and the ledger contradict each other. Nothing is taken until they agree; the message says what to put back. */
export class LogMismatch extends Error {
  override readonly name = 'LogMismatch';
}

/** Put behind what is wrong: what an operator can do about it. */
const REMEDY = 'put back the share log and the ledger of one and the same copy of the data folder';

const ONE = { rowsMax: 1, bytesMax: 1 } as const;

/**
 * The batches of a journal that come next, within the bounds; empty if there are none. `position` is undefined for a journal
 * that the ledger has never read; `begins`: the ledger has never read any. Throws a LogMismatch if the batch at the position
 * is another one than the ledger has taken, or if batches behind it are gone. Throws an Error if they are there but damaged.
 */
export function nextBatches(
  reader: LogReader,
  position: Position | undefined,
  begins: boolean,
  bounds: ReadBounds,
): readonly BatchHead[] {
  const { journal } = reader;
  const seq = position?.seq ?? 0;
  if (position !== undefined && seq > 0) checkPlace(reader, position);
  const heads = reader.heads(seq, bounds);
  const [first] = heads;
  if (first === undefined || first.seq === seq + 1) return heads;
  const missing = `the batches ${seq + 1} to ${first.seq - 1} of ${journal}`;
  // Damage in the middle may be mended; a beginning that is gone was removed because a ledger had confirmed it.
  if ((reader.oldestSeq() ?? 0) <= seq) throw new Error(`${missing} can not be read`);
  if (position === undefined && begins) return heads;
  throw new LogMismatch(
    `${missing} are gone from the share log, and this ledger has not counted them: the ledger is an older copy; ${REMEDY}`,
  );
}

/** Throws a LogMismatch unless the log has the batch that was taken last, or has let go of that very batch. */
function checkPlace(reader: LogReader, position: Position): void {
  const { journal } = reader;
  const { seq, life, rowsTotal, bytesTotal } = position;
  const [there] = reader.heads(seq - 1, ONE);
  if (there === undefined || reader.last().seq < seq) {
    throw new LogMismatch(
      `${journal} ends at batch ${reader.last().seq}, and the ledger has counted up to batch ${seq}: the share log is an older copy; ${REMEDY}`,
    );
  }
  const isSame =
    there.seq === seq
      ? reader.lifeOf(there) === life && there.rowsTotal === rowsTotal && there.bytesTotal === bytesTotal
      : reader.lives.includes(life);
  if (isSame) return;
  throw new LogMismatch(
    `batch ${seq} of ${journal} is not the one that the ledger has counted: an older copy of the share log was put back and has gone on; ${REMEDY}`,
  );
}
