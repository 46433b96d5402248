import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** In a data folder that a backup is being restored into, until all of it is there. */
export const RESTORING_FILE = 'restore.unfinished';

/** Throws if a restore into this data folder has not come to its end: a pool would begin a new log beside half of the old one. */
export function assertRestored(folder: string): void {
  if (existsSync(join(folder, RESTORING_FILE))) {
    throw new Error(`a restore into ${folder} has not come to its end: run sluice restore again`);
  }
}
