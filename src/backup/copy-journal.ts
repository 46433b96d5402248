import { join } from 'node:path';
import { IDENTITY_FILE, readIdentity } from '#shares/sharelog/journal/identity';
import type { BatchHead } from '#shares/sharelog/segments/segment';
import { listSegments, segmentPath } from '#shares/sharelog/segments/segment-files';
import { SegmentReader } from '#shares/sharelog/segments/segment-reader';
import { BackupError } from './backup-error.ts';
import type { Draft } from './draft.ts';
import { DATA_FOLDER, type Manifest } from './manifest.ts';

/** Which batches of a journal are in a backup; `last` is less than `first` if there is none. */
export type CopiedJournal = Manifest['journals'][number];

/**
 * Copies a journal as far as it is on the disk now, while it may be written: its frames that are whole, and no byte behind them. What
 * it comes to is what a crash at this moment would leave. Resolves with undefined if the journal is gone, because all of it was
 * delivered. The log must be held, so that nothing is let go meanwhile but what it was letting go before.
 */
export async function copyJournal(folder: string, journal: string, draft: Draft): Promise<CopiedJournal | undefined> {
  const source = join(folder, journal);
  const path = join(DATA_FOLDER, journal);
  const target = draft.folder(path);
  const copied: { readonly firstSeq: number; readonly last: BatchHead }[] = [];
  for (const firstSeq of listSegments(source) ?? []) {
    const last = await copySegment(source, target, path, firstSeq, draft);
    const before = copied.at(-1);
    if (last === undefined) {
      // It was let go of, and so was all before it; or it is the newest, and has no frame yet.
      if (!isThere(source, firstSeq)) for (const each of copied.splice(0)) dropSegment(path, each.firstSeq, draft);
      continue;
    }
    if (before !== undefined && before.last.seq + 1 !== firstSeq) {
      throw new BackupError(`the segments ${before.firstSeq} and ${firstSeq} in ${journal}/ do not make a log`);
    }
    copied.push({ firstSeq, last });
  }
  // Behind the frames: a boot that has written some is in it.
  const identity = readIdentity(source);
  if (identity === undefined) {
    for (const { firstSeq } of copied) dropSegment(path, firstSeq, draft);
    return undefined;
  }
  await draft.copy(join(source, IDENTITY_FILE), join(path, IDENTITY_FILE));
  const first = copied[0]?.firstSeq ?? 1;
  return { journal, logId: identity.logId, first, last: copied.at(-1)?.last.seq ?? first - 1 };
}

/** Returns the last frame of the copy; undefined if there is none, or the segment is gone. */
async function copySegment(
  source: string,
  target: string,
  path: string,
  firstSeq: number,
  draft: Draft,
): Promise<BatchHead | undefined> {
  const there = endOf(source, firstSeq);
  if (there?.last === undefined) return undefined;
  const name = segmentPath(path, firstSeq);
  try {
    await draft.copy(segmentPath(source, firstSeq), name, there.end);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return undefined;
  }
  // A segment that is let go of is written over, maybe while it was copied.
  const copy = endOf(target, firstSeq);
  if (copy?.end === there.end && copy.last?.seq === there.last.seq) return copy.last;
  if (isThere(source, firstSeq)) {
    throw new BackupError(`the segment ${firstSeq} of ${path} can not be copied: it reads otherwise each time`);
  }
  dropSegment(path, firstSeq, draft);
  return undefined;
}

/** The last whole frame of a segment, and where it ends; undefined if there is no such segment. */
function endOf(
  folder: string,
  firstSeq: number,
): { readonly last: BatchHead | undefined; readonly end: number } | undefined {
  let reader: SegmentReader;
  try {
    reader = new SegmentReader(folder, firstSeq);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return undefined;
  }
  try {
    reader.extend();
    return { last: reader.heads.at(-1), end: reader.end };
  } finally {
    reader.close();
  }
}

function isThere(source: string, firstSeq: number): boolean {
  return listSegments(source)?.includes(firstSeq) === true;
}

function dropSegment(path: string, firstSeq: number, draft: Draft): void {
  draft.drop(segmentPath(path, firstSeq));
}
