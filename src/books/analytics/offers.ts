import { limits } from '#base/limits';
import type { BatchHead, LogReader } from '#shares/sharelog/consumers/log-reader';
import type { Progress } from './progress.ts';

/** What a journal has for the next shipment. */
export interface Offer {
  readonly reader: LogReader;
  /** Its batches come after this one. */
  readonly after: number;
  /** Empty where others have taken all the room. */
  readonly heads: readonly BatchHead[];
  /** The journal's last batch, at the time. */
  readonly end: number;
}

/** What each journal has, the one that has waited longest first, within the bounds of one shipment. */
export function offersOf(readers: readonly LogReader[], progress: Progress): Offer[] {
  const waiting = readers.map((reader) => {
    const { seq: after } = progress.of(reader);
    const end = reader.last().seq;
    const [oldest] = reader.heads(after, { rowsMax: 1, bytesMax: 1 });
    return { reader, after, end, oldest };
  });
  const offers: Offer[] = [];
  let rowsMax = limits.shipmentRowsMax;
  let bytesMax = limits.shipmentBytesMax;
  for (const { reader, after, end, oldest } of waiting.sort(
    (a, b) => (a.oldest?.storedMs ?? 0) - (b.oldest?.storedMs ?? 0),
  )) {
    if (oldest === undefined) continue;
    // The first one goes whatever its size, but only as the first of all.
    const fits = offers.length === 0 || (oldest.rows <= rowsMax && oldest.bytes <= bytesMax);
    const heads = fits ? ofOneLife(reader.heads(after, { rowsMax, bytesMax })) : [];
    for (const head of heads) {
      rowsMax -= head.rows;
      bytesMax -= head.bytes;
    }
    offers.push({ reader, after, heads, end });
  }
  return offers;
}

/** The first heads, up to where the next boot of the journal begins. */
function ofOneLife(heads: readonly BatchHead[]): readonly BatchHead[] {
  const next = heads.findIndex(({ epoch }) => epoch !== heads[0]?.epoch);
  return next < 0 ? heads : heads.slice(0, next);
}
