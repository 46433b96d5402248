import { apportion } from './apportion.ts';
import { ratio } from './fixed-point.ts';
import { byAccount, type Slice } from './scheme.ts';

/** An entry as far as it lies in the window. */
export interface WindowEntry {
  readonly account: string;
  /** Units of 2^-64 of a block. */
  readonly weight: bigint;
  /** Expected hashes; of an entry counted in part the same part, rounded down. */
  readonly work: bigint;
}

export interface WindowSlice {
  readonly slice: Slice;
  readonly entries: readonly WindowEntry[];
  /** Sum over the entries: what the slice takes of the window. */
  readonly weight: bigint;
  /** The slice's weight before the window's end cut it; the same as `weight` unless the slice is counted in part. */
  readonly wholeWeight: bigint;
}

/**
 * The part of the newest slices that fills a window of `window` units of 2^-64 of a block.
 *
 * An entry's weight is ⌊work × 2^64 ÷ network work of its own job⌋. Slices are taken whole, newest first, until one does not fit. The
 * rest of the window is divided over that slice's entries in proportion to their weights by largest remainder, ties in byte order
 * of account. So a window that history can fill is full to the last unit, whatever the slices are.
 *
 * `slices` comes newest first and is read no further than the window reaches.
 */
export function* sliceWindow(slices: Iterable<Slice>, window: bigint): Generator<WindowSlice> {
  if (window <= 0n) throw new RangeError(`sliceWindow: a window of ${window}`);
  let room = window;
  for (const slice of slices) {
    const entries = slice.entries.map(({ account, work }) => ({
      account,
      work,
      weight: ratio(work, slice.networkWork),
    }));
    const wholeWeight = entries.reduce((sum, { weight }) => sum + weight, 0n);
    if (wholeWeight > room) {
      yield { slice, entries: cut(entries, room), weight: room, wholeWeight };
      return;
    }
    yield { slice, entries, weight: wholeWeight, wholeWeight };
    room -= wholeWeight;
    if (room === 0n) return;
  }
}

/** Entries whose weights are reduced in proportion to sum to `room`. */
function cut(entries: readonly WindowEntry[], room: bigint): WindowEntry[] {
  const sorted = entries.toSorted(byAccount);
  const weights = apportion(
    room,
    sorted.map(({ weight }) => weight),
  );
  return sorted.map(({ account, weight, work }, at) => {
    const counted = weights[at] ?? 0n;
    return { account, weight: counted, work: weight === 0n ? 0n : (work * counted) / weight };
  });
}
