import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';

export const SOCKET_FILE = 'analytics.sock';
/** sockaddr_un has room for 107 bytes and a NUL on Linux, 103 elsewhere. */
const PATH_BYTES_MAX = 103;

/**
 * Calls `use` with a path of the socket in `folder` that is short enough for the system, whatever the folder's own path:
 * through Linux's /proc where it must be.
 */
export async function withSocketPath<T>(folder: string, use: (path: string) => Promise<T>): Promise<T> {
  const path = join(folder, SOCKET_FILE);
  if (Buffer.byteLength(path) <= PATH_BYTES_MAX) return use(path);
  const descriptor = openSync(folder, 'r');
  try {
    return await use(`/proc/self/fd/${descriptor}/${SOCKET_FILE}`);
  } finally {
    closeSync(descriptor);
  }
}
