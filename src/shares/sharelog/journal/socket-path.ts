import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';

/** sockaddr_un has room for 107 bytes and a NUL on Linux, 103 elsewhere. */
const PATH_BYTES_MAX = 103;

/**
 * Calls `use` with a path of the socket `file` in `folder` that is short enough for the system, whatever the folder's own path:
 * through Linux's /proc where it must be.
 */
export async function withSocketPath<T>(folder: string, file: string, use: (path: string) => Promise<T>): Promise<T> {
  const path = join(folder, file);
  if (Buffer.byteLength(path) <= PATH_BYTES_MAX) return use(path);
  const descriptor = openSync(folder, 'r');
  try {
    return await use(`/proc/self/fd/${descriptor}/${file}`);
  } finally {
    closeSync(descriptor);
  }
}
