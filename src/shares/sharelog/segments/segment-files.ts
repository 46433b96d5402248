import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const NAME = /^([0-9]{16})\.segment$/;

/** Path of the segment of a journal's folder that begins with the batch `firstSeq`. */
export function segmentPath(folder: string, firstSeq: number): string {
  return join(folder, `${String(firstSeq).padStart(16, '0')}.segment`);
}

/** Released segments, kept to be written over, which costs the disk less than new files. */
export function sparePaths(folder: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => join(folder, `spare-${index}`));
}

/** The first sequence numbers of the segments that are there, rising; undefined if there is no such folder. */
export function listSegments(folder: string): number[] | undefined {
  try {
    return readdirSync(folder)
      .flatMap((name) => NAME.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
