import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { networkNames } from '#base/bitcoin/address';
import { limits } from '#base/limits';
import { replaceFileSync } from '#base/std/atomic-file';
import { BackupError } from './backup-error.ts';

/** Written last, so a folder without it is no backup. */
export const MANIFEST_FILE = 'manifest.json';
/** In a backup: what belongs into the data folder, by the same paths. */
export const DATA_FOLDER = 'data';
/** In a backup: the config file of the pool, to be looked at. */
export const CONFIG_FILE = 'config.toml';

const FORMAT = 'sluice backup 1';
const hash = z.string().regex(/^[0-9a-f]{64}$/);
/** Below the backup's folder; every part is a name, and none is `..`. */
const path = z.string().regex(/^(?!.*(?:^|\/)\.{1,2}(?:\/|$))[A-Za-z0-9._%-]+(?:\/[A-Za-z0-9._%-]+)*$/);
const count = z.int().nonnegative();

const manifest = z.strictObject({
  format: z.literal(FORMAT),
  /** Of Sluice. */
  version: z.string(),
  /** When it was begun. */
  madeMs: count,
  network: z.enum(networkNames),
  /** `embedded`: the tables are in it. `server`: they are on a server, which is backed up by its own means. */
  clickhouse: z.enum(['embedded', 'server', 'none']),
  /** The journals of the share log: which batches are in it. */
  journals: z.array(z.strictObject({ journal: z.string(), logId: z.uuid(), first: count, last: count })),
  /** How far each life of a journal had come to the tables that are in it. */
  delivered: z.array(z.strictObject({ log: z.string(), seq: count })),
  /** The newest entry of the ledger that is in it: what to keep elsewhere. */
  ledger: z.strictObject({ entries: count, hash: z.string() }),
  files: z.array(z.strictObject({ path, bytes: count, sha256: hash })),
});
const sealed = z.strictObject({ sha256: hash, manifest: z.unknown() });

/** What a backup has. */
export type Manifest = Readonly<z.infer<typeof manifest>>;
export type ManifestFile = Manifest['files'][number];

export function writeManifest(folder: string, made: Omit<Manifest, 'format'>): void {
  const text = JSON.stringify({ format: FORMAT, ...made });
  replaceFileSync(join(folder, MANIFEST_FILE), `{"sha256":"${sha256(text)}","manifest":${text}}\n`);
}

/** Throws a BackupError if the folder is no backup, or one of another version, or its manifest is damaged. */
export function readManifest(folder: string): Manifest {
  const text = readText(join(folder, MANIFEST_FILE), folder);
  const damaged = new BackupError(`${join(folder, MANIFEST_FILE)} is damaged: use another backup`);
  let read: unknown;
  try {
    const { sha256: told, manifest: inner } = sealed.parse(JSON.parse(text));
    if (sha256(JSON.stringify(inner)) !== told) throw damaged;
    read = inner;
  } catch {
    throw damaged;
  }
  const parsed = manifest.safeParse(read);
  if (!parsed.success) {
    throw new BackupError(`${folder} is no backup of this version of Sluice (it is not "${FORMAT}")`);
  }
  return parsed.data;
}

function readText(file: string, folder: string): string {
  try {
    if (statSync(file).size > limits.backupManifestBytesMax)
      throw new BackupError(`${file} is too long for a manifest`);
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new BackupError(`${folder} is no backup: it has no ${MANIFEST_FILE}`);
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
