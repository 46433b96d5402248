import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { replaceFileSync } from '#base/std/atomic-file';

export const IDENTITY_FILE = 'identity.json';
/** Of the folder: its files, and the frames in them. 2: each boot has a random id. */
const LOG_VERSION = 2;
/** The file beside the folder in which the first versions kept their log. */
const SQLITE_SUFFIX = '.db';
const BOOT_ID_BYTES = 8;
/** Ids of this many boots are kept whether the log still has frames of theirs or not: files of an older copy may come back. */
const BOOTS_KEPT = 1_000;

const identity = z.object({
  version: z.int(),
  logId: z.uuid(),
  epoch: z.int().nonnegative(),
  madeBy: z.int().default(1),
  boots: z.array(z.tuple([z.int(), z.string().min(1)])).default([]),
});

/** The identity of a journal. */
export interface LogIdentity {
  /** Random, of this folder. A copy of the folder has the same one. */
  readonly logId: string;
  /** How often it has been opened. */
  readonly epoch: number;
  /** The version (LOG_VERSION) that made the folder. */
  readonly madeBy: number;
  /** The random id of each boot by its epoch, rising. Boots that left no frame may be missing, and those of version 1. */
  readonly boots: ReadonlyMap<number, string>;
}

/** What the log in the folder holds, as far as a boot must know it. */
export interface LogExtent {
  /** Boot of the oldest frame that is there, and of the last one; 0 if there is no frame. */
  readonly oldestEpoch: number;
  readonly epoch: number;
}

/** Which journal a folder is; undefined if no pool has ever made one. Throws for one of a later version. */
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
  return { logId: read.logId, epoch: read.epoch, madeBy: read.madeBy, boots: new Map(read.boots) };
}

/**
 * Stores a new boot with a random id, durably, and returns the journal's identity. The folder must exist and be locked by this
 * process. Throws if the last frame is of a later boot than the last stored one, because frames of the new boot would then look
 * like the remains of a torn write.
 */
export function countBoot(folder: string, extent: LogExtent): LogIdentity {
  const before = readIdentity(folder);
  if ((before?.epoch ?? 0) < extent.epoch)
    throw new Error(`${join(basename(folder), IDENTITY_FILE)} is older than the log, or gone`);
  const epoch = (before?.epoch ?? 0) + 1;
  const now: LogIdentity = {
    logId: before?.logId ?? randomUUID(),
    epoch,
    madeBy: before?.madeBy ?? LOG_VERSION,
    boots: new Map([
      ...wanted(before?.boots ?? new Map(), extent),
      [epoch, randomBytes(BOOT_ID_BYTES).toString('hex')],
    ]),
  };
  const text = JSON.stringify({ version: LOG_VERSION, ...now, boots: [...now.boots] });
  replaceFileSync(join(folder, IDENTITY_FILE), `${text}\n`);
  return now;
}

/** The boots with frames in the log, and the last BOOTS_KEPT before them. Boots after the last frame have written none. */
function wanted(boots: ReadonlyMap<number, string>, { oldestEpoch, epoch }: LogExtent): [number, string][] {
  const written = [...boots].filter(([boot]) => boot <= epoch);
  return written.filter(([boot], index) => boot >= oldestEpoch || index >= written.length - BOOTS_KEPT);
}

/** The random id of the current boot: 16 hex digits. */
export function bootIdOf({ boots, epoch }: LogIdentity): string {
  const boot = boots.get(epoch);
  if (boot === undefined) throw new Error(`the boot ${epoch} of the share log has no id`);
  return boot;
}

/**
 * The life of a boot. It is unique, even if a copy of the folder has a boot with the same epoch. Two batches of the same number
 * are the same batch only if their lives are equal. Throws if the boot is not known.
 */
export function lifeOf({ logId, boots }: LogIdentity, epoch: number): string {
  const boot = boots.get(epoch);
  if (boot !== undefined) return `${logId}/${boot}`;
  const [first] = boots.keys();
  // Boots had no ids in version 1.
  if (first === undefined || epoch < first) return logId;
  throw new Error(`the boot ${epoch} of the share log is not known`);
}

/** The known lives of a journal, the oldest first. */
export function livesOf({ logId, boots }: LogIdentity): string[] {
  return [logId, ...[...boots.values()].map((boot) => `${logId}/${boot}`)];
}

/** True if a life is one boot's. Version 1 had no ids of boots, so all of its frames have one life. */
export function hasBoot(life: string): boolean {
  return life.includes('/');
}

/** Whether a life is one of this journal's. */
export function isLifeOf(logId: string, life: string): boolean {
  return life === logId || life.startsWith(`${logId}/`);
}

/**
 * The random identity of a data folder: 16 random bytes in hex, made once, with the pool's own journal (`logId` is that
 * journal's). A copy of the folder has the same one.
 */
export function folderIdOf(logId: string): string {
  return logId.replaceAll('-', '');
}

/**
 * The default of the `node` column: the host's name, and a part that distinguishes the data folder from others on the host. A folder
 * that version 1 made keeps the host's name alone.
 */
export function defaultNode({ logId, madeBy }: LogIdentity, host = hostname()): string {
  return madeBy === 1 ? host : `${host}-${folderIdOf(logId).slice(0, 6)}`;
}
