import { basename } from 'node:path';
import type { BatchHead } from '../segments/segment.ts';
import { listSegments } from '../segments/segment-files.ts';
import { SegmentReader } from '../segments/segment-reader.ts';
import { KeptMarks, LOG_START, type Mark } from './kept.ts';

/** Where a journal ends. */
export interface LogEnd {
  /** First sequence numbers of the segments that have a frame, rising. */
  readonly segments: number[];
  /** The segment for the next frame; `offset` is the place in it. It may not be in `segments` yet. Undefined if there is none. */
  readonly segment: number | undefined;
  readonly offset: number;
  /** Boots that wrote the oldest frame and the last one; 0 if there is none. */
  readonly oldestEpoch: number;
  readonly epoch: number;
  /** Marks of all frames, because no consumer has confirmed any yet. */
  readonly marks: KeptMarks;
}

/**
 * Finds the end of the journal in a folder: behind the last complete frame, which may not have been acknowledged. Throws if no crash
 * can explain the files.
 */
export function findEnd(folder: string): LogEnd {
  const segments = listSegments(folder) ?? [];
  const firsts = segments.map((firstSeq) => withReader(folder, firstSeq, (reader) => reader.first()));
  // A segment is made when the one before it is full, and a crash may come before its first frame.
  const filled = firsts.at(-1) === undefined ? segments.slice(0, -1) : segments;
  const newest = filled.at(-1);
  if (newest === undefined) {
    if (segments.some((firstSeq) => firstSeq !== 1)) throw damaged(folder, segments);
    return {
      segments: [],
      segment: segments[0],
      offset: 0,
      oldestEpoch: 0,
      epoch: 0,
      marks: new KeptMarks(LOG_START, LOG_START),
    };
  }
  const { last, end } = withReader(folder, newest, (reader) => {
    reader.extend();
    if (reader.damaged()) {
      const at = newest + reader.heads.length;
      throw new Error(
        `the segment ${newest} in ${basename(folder)}/ is damaged at batch ${at}, before whole ones of acknowledged shares: ` +
          'keep a copy of the data folder, and start on a new one',
      );
    }
    return { last: reader.heads.at(-1), end: reader.end };
  });
  const started = firsts.slice(0, filled.length).filter((head) => head !== undefined);
  const [oldest] = started;
  if (oldest === undefined || last === undefined || started.length < filled.length) throw damaged(folder, segments);
  if (filled !== segments && segments.at(-1) !== last.seq + 1) throw damaged(folder, segments);
  const marks = new KeptMarks(before(oldest), before(oldest));
  started.forEach((head, index) => {
    const next = started[index + 1];
    marks.add(next === undefined ? after(last) : before(next), head.storedMs);
  });
  const segment = segments.at(-1);
  const epochs = { oldestEpoch: oldest.epoch, epoch: last.epoch };
  return { segments: filled, segment, offset: filled === segments ? end : 0, ...epochs, marks };
}

function before({ seq, rows, rowsTotal, bytes, bytesTotal }: BatchHead): Mark {
  return { seq: seq - 1, rows: rowsTotal - rows, bytes: bytesTotal - bytes };
}

function after({ seq, rowsTotal, bytesTotal }: BatchHead): Mark {
  return { seq, rows: rowsTotal, bytes: bytesTotal };
}

function withReader<T>(folder: string, firstSeq: number, use: (reader: SegmentReader) => T): T {
  const reader = new SegmentReader(folder, firstSeq);
  try {
    return use(reader);
  } finally {
    reader.close();
  }
}

function damaged(folder: string, segments: readonly number[]): Error {
  return new Error(`the segments in ${basename(folder)}/ do not make a log: ${segments.join(', ')}`);
}
