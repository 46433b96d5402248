import { randomUUID } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { LOG_FOLDER } from './segment-files.ts';

const IDENTITY_FILE = 'identity.json';
/** Of the folder: its files, and the frames in them. */
const LOG_VERSION = 1;
/** Where the first versions kept their log. */
const SQLITE_FILE = 'sharelog.db';

const identity = z.object({ version: z.int(), logId: z.uuid(), epoch: z.int().nonnegative() });

/** What a log knows of itself. */
export interface LogIdentity {
  /** Random, of this data folder; part of every shipment's token. */
  readonly logId: string;
  /** Boots of this data folder. */
  readonly epoch: number;
}

/** Who the log of a data folder is; undefined where no pool has ever made one. Throws for one of a later version. */
export function readIdentity(folder: string): LogIdentity | undefined {
  const path = join(folder, LOG_FOLDER, IDENTITY_FILE);
  if (!existsSync(path)) {
    if (!existsSync(join(folder, SQLITE_FILE))) return undefined;
    throw new Error(`${SQLITE_FILE} is the log of an early version of Sluice: start this one on a new data folder`);
  }
  let read: z.infer<typeof identity>;
  try {
    read = identity.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    throw new Error(`${join(LOG_FOLDER, IDENTITY_FILE)} is damaged`);
  }
  if (read.version > LOG_VERSION) {
    throw new Error(`the share log was written by a later version of Sluice (version ${read.version})`);
  }
  return { logId: read.logId, epoch: read.epoch };
}

/** Counts this boot, durably, and says whose log this is. The folder must be there, and nobody else's. */
export function countBoot(folder: string): LogIdentity {
  const before = readIdentity(folder);
  const now = { logId: before?.logId ?? randomUUID(), epoch: (before?.epoch ?? 0) + 1 };
  const path = join(folder, LOG_FOLDER, IDENTITY_FILE);
  const fresh = `${path}.new`;
  synced(fresh, 'w', (fd) => writeSync(fd, `${JSON.stringify({ version: LOG_VERSION, ...now })}\n`));
  renameSync(fresh, path);
  synced(join(folder, LOG_FOLDER), 'r', () => {});
  return now;
}

function synced(path: string, flags: 'r' | 'w', use: (fd: number) => void): void {
  const fd = openSync(path, flags, 0o600);
  try {
    use(fd);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
