import { randomUUID } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { syncFolder } from './sync-folder.ts';

export const IDENTITY_FILE = 'identity.json';
/** Of the folder: its files, and the frames in them. */
const LOG_VERSION = 1;
/** Beside the folder: where the first versions kept their log. */
const SQLITE_SUFFIX = '.db';

const identity = z.object({ version: z.int(), logId: z.uuid(), epoch: z.int().nonnegative() });

/** What a journal knows of itself. */
export interface LogIdentity {
  /** Random, of this folder; part of every shipment's token. */
  readonly logId: string;
  /** How often it has been opened. */
  readonly epoch: number;
}

/** Which journal a folder is; undefined where no pool has ever made one. Throws for one of a later version. */
export function readIdentity(folder: string): LogIdentity | undefined {
  const path = join(folder, IDENTITY_FILE);
  if (!existsSync(path)) {
    if (!existsSync(folder + SQLITE_SUFFIX)) return undefined;
    throw new Error(
      `${basename(folder)}${SQLITE_SUFFIX} is the log of an early version of Sluice: start this one on a new data folder`,
    );
  }
  let read: z.infer<typeof identity>;
  try {
    read = identity.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    // Removed in this very moment.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Error(`${join(basename(folder), IDENTITY_FILE)} is damaged`);
  }
  if (read.version > LOG_VERSION) {
    throw new Error(`the share log was written by a later version of Sluice (version ${read.version})`);
  }
  return { logId: read.logId, epoch: read.epoch };
}

/**
 * Counts this boot, durably, and says which journal this is. The folder must be there, and nobody else's. Throws where its
 * last frame is of a later boot than the last one counted: this boot's would be taken for what a torn write has left.
 */
export function countBoot(folder: string, lastEpoch: number): LogIdentity {
  const before = readIdentity(folder);
  if ((before?.epoch ?? 0) < lastEpoch)
    throw new Error(`${join(basename(folder), IDENTITY_FILE)} is older than the log, or gone`);
  const now = { logId: before?.logId ?? randomUUID(), epoch: (before?.epoch ?? 0) + 1 };
  const path = join(folder, IDENTITY_FILE);
  const fresh = `${path}.new`;
  const fd = openSync(fresh, 'w', 0o600);
  try {
    writeSync(fd, `${JSON.stringify({ version: LOG_VERSION, ...now })}\n`);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(fresh, path);
  syncFolder(folder);
  return now;
}

/**
 * The random identity of a data folder: 16 random bytes in hex, made once, with the pool's own journal (`logId` is that
 * journal's). A copy of the folder has the same one.
 */
export function folderIdOf(logId: string): string {
  return logId.replaceAll('-', '');
}
