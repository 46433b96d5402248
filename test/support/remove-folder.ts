import { rm } from 'node:fs/promises';

/**
 * Removes a data folder, from the beginning again where something was written meanwhile: a child of a pool that was killed
 * may be at its last. (`rmSync` does not look again what is there, however many tries it has.)
 */
export function removeFolder(path: string): Promise<void> {
  return rm(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
}
