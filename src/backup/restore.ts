import { closeSync, existsSync, fsyncSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Network } from '#base/bitcoin/address';
import { syncFolderSync } from '#base/std/sync-folder';
import { markRestored } from '#books/ledger/ledger-copy';
import { LEDGER_FILE } from '#books/ledger/ledger-db';
import { RESTORING_FILE } from '#shares/sharelog/journal/folder-state';
import { makeFolder } from '#shares/sharelog/journal/make-folder';
import { BackupError } from './backup-error.ts';
import { copyFile } from './copy-file.ts';
import { DATA_FOLDER, type Manifest, readManifest } from './manifest.ts';
import { verifyBackup } from './verify.ts';

export interface RestoreOptions {
  /** The backup. */
  readonly source: string;
  /** The data folder that it becomes: new, or empty. */
  readonly folder: string;
  /** Of the config. */
  readonly network: Network;
}

/** Bytes so far and in all. */
export type RestoreProgress = (done: number, all: number) => void;

/** What a backup has, and whether it can be restored. */
export interface Checked {
  readonly manifest: Manifest;
  readonly faults: readonly string[];
  /** Rows of the log that the ledger takes when the pool starts. */
  readonly aheadRows: number;
}

/** `sluice restore --check`: writes nothing. Throws a BackupError if the folder is no backup. */
export async function checkBackup(source: string, progress: RestoreProgress): Promise<Checked> {
  const manifest = readManifest(source);
  const count = counter(manifest, 1, progress);
  const { faults, ahead } = await verifyBackup(source, manifest, count);
  return { manifest, faults, aheadRows: ahead.ledgerRows };
}

/**
 * Makes a data folder of a backup, after everything in it was verified. A restore that is cut short leaves a folder on which no
 * pool starts, and that the next restore clears. Rejects with a BackupError whose message is for the user.
 */
export async function restore(options: RestoreOptions, progress: RestoreProgress): Promise<Checked> {
  const { source, network } = options;
  const folder = resolve(options.folder);
  const manifest = readManifest(source);
  if (manifest.network !== network) {
    throw new BackupError(`${source} is of a pool on ${manifest.network}, and the config says network = "${network}"`);
  }
  refuseUsed(folder);
  const count = counter(manifest, 2, progress);
  const { faults, ahead } = await verifyBackup(source, manifest, count);
  if (faults.length > 0) return { manifest, faults, aheadRows: 0 };
  makeFolder(folder, 0o700);
  begin(folder);
  // Until the last moment there is no ledger that could be taken for whole.
  const files = manifest.files.filter(({ path }) => path.startsWith(`${DATA_FOLDER}/`));
  for (const { path, sha256 } of [...files].sort((a, b) => rank(a.path) - rank(b.path))) {
    const target = join(folder, path.slice(DATA_FOLDER.length + 1));
    makeFolder(dirname(target), 0o700);
    const copied = await copyFile(join(source, path), target, count);
    if (copied.sha256 !== sha256) throw new BackupError(`${path} reads otherwise than a moment ago: the disk fails`);
    syncFolderSync(dirname(target));
  }
  markRestored(folder, manifest.madeMs);
  rmSync(join(folder, RESTORING_FILE));
  syncFolderSync(folder);
  return { manifest, faults, aheadRows: ahead.ledgerRows };
}

function rank(path: string): number {
  return path === `${DATA_FOLDER}/${LEDGER_FILE}` ? 1 : 0;
}

/** What an unfinished restore has left may be removed; nothing else. */
function refuseUsed(folder: string): void {
  if (!existsSync(folder) || existsSync(join(folder, RESTORING_FILE))) return;
  if (readdirSync(folder).length > 0) {
    throw new BackupError(
      `there is something in ${folder} already: move it away, or name another folder as data in the config`,
    );
  }
}

function begin(folder: string): void {
  for (const name of readdirSync(folder)) {
    if (name !== RESTORING_FILE) rmSync(join(folder, name), { recursive: true, force: true });
  }
  const file = openSync(join(folder, RESTORING_FILE), 'w', 0o600);
  writeSync(file, 'A restore into this folder has not come to its end: run sluice restore again.\n');
  fsyncSync(file);
  closeSync(file);
  syncFolderSync(folder);
}

function counter({ files }: Manifest, times: number, progress: RestoreProgress): (bytes: number) => void {
  const all = times * files.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  return (bytes) => {
    done += bytes;
    progress(done, all);
  };
}
