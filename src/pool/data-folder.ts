import { statSync } from 'node:fs';
import type { Logger } from '#base/domain/ports';
import { assertRestored } from '#shares/sharelog/journal/folder-state';
import { makeFolder } from '#shares/sharelog/journal/make-folder';

/**
 * Makes the data folder, for its owner alone: it says what miners did, and from where. A folder that is there already keeps its
 * mode, because it may be one of the system's; if others may look into it the log says so.
 */
export function openDataFolder(path: string, logger: Logger): void {
  makeFolder(path, 0o700);
  assertRestored(path);
  const mode = statSync(path).mode & 0o777;
  if ((mode & 0o077) === 0) return;
  logger.warn(
    { folder: path, mode: mode.toString(8) },
    'other users may look into the data folder; `chmod 700` ends that',
  );
}
