import { closeSync, fsyncSync, openSync } from 'node:fs';

/** Names that were made in a folder, or changed, are on the disk when this returns. */
export function syncFolder(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
