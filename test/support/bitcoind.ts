import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** A program to start, or why there is none. */
export type FoundBitcoind =
  | { readonly path: string; readonly reason: undefined }
  | { readonly path: undefined; readonly reason: string };

const installer = fileURLToPath(new URL('./bitcoind-install', import.meta.url));

/**
 * A bitcoind for the tests: `$BITCOIND`, else the one on PATH, else our installer's. Where none can be had the tests are
 * not run and say so; in CI that is an error, because there they are the proof.
 */
export async function findBitcoind(): Promise<FoundBitcoind> {
  const found = await search();
  if (found.path === undefined && process.env['CI'] !== undefined) {
    throw new Error(`no bitcoind to test against: ${found.reason}`);
  }
  return found;
}

async function search(): Promise<FoundBitcoind> {
  const named = process.env['BITCOIND'];
  if (named !== undefined && named !== '') {
    return isRunnable(named)
      ? { path: named, reason: undefined }
      : { path: undefined, reason: `$BITCOIND is ${named}, which can not be run` };
  }
  const onPath = (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'bitcoind'))
    .find(isRunnable);
  if (onPath !== undefined) return { path: onPath, reason: undefined };
  try {
    const { stdout } = await promisify(execFile)(installer, { timeout: 600_000 });
    return { path: stdout.trim(), reason: undefined };
  } catch (error) {
    const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
    return { path: undefined, reason: stderr === '' ? String(error) : stderr };
  }
}

function isRunnable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
