import { statSync } from 'node:fs';
import type { Logger } from '#base/domain/ports';
import { assertRestored } from '#shares/sharelog/journal/folder-state';
import { makeFolder } from '#shares/sharelog/journal/make-folder';

/**
 * Makes the data folder, readable only by its owner, because it has miners' addresses and shares. An existing folder keeps its mode,
 * because it may be a system folder; if others may read it, a warning is logged.
 */
export function openDataFolder(path: string, logger: Logger): void {
  makeFolder(path, 0o700);
  assertRestored(path);
  const mode = statSync(path).mode & 0o777;
  if ((mode & 0o077) === 0) return;
  logger.warn(
    { folder: path, mode: mode.toString(8) },
    'other users may read the data folder; prevent it with `chmod 700`',
  );
}
