import { closeSync, fsyncSync, openSync, renameSync, writeFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder, syncFolderSync } from './sync-folder.ts';

/** The temporary name of a file until it is complete and on disk. A leftover temporary file may be removed. */
export const UNFINISHED = '.new';
/** For its owner alone. */
const MODE = 0o600;

/**
 * Replaces a file atomically: after a crash at any time there is the old file or the new one. The new file is on disk when this
 * resolves. `pieces` are written one after another; other work may run between them. Rejects with the system's error or that of
 * `pieces`; the old file then stays. A path must not be written twice at the same time.
 */
export async function replaceFile(path: string, pieces: Iterable<string>): Promise<void> {
  const file = await open(path + UNFINISHED, 'w', MODE);
  try {
    for (const piece of pieces) await file.appendFile(piece);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(path + UNFINISHED, path);
  await syncFolder(dirname(path));
}

/** As `replaceFile`, for a start that waits for it: on the disk when this returns. Throws the system's error. */
export function replaceFileSync(path: string, text: string): void {
  const file = openSync(path + UNFINISHED, 'w', MODE);
  try {
    writeFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(path + UNFINISHED, path);
  syncFolderSync(dirname(path));
}
