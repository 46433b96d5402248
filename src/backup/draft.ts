import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { UNFINISHED } from '#base/std/atomic-file';
import { syncFolderSync } from '#base/std/sync-folder';
import { type FolderLock, lockFile } from '#shares/sharelog/journal/folder-lock';
import { makeFolder } from '#shares/sharelog/journal/make-folder';
import { BackupError } from './backup-error.ts';
import { type CopiedFile, copyFile, hashFile, type Progress } from './copy-file.ts';
import { DATA_FOLDER, type Manifest, type ManifestFile, writeManifest } from './manifest.ts';

/** In a folder that is becoming a backup: whose it is. */
const LOCK_FILE = 'backup.lock';
const MODE = 0o700;

/**
 * A backup that is being made, in a folder beside its own: it gets its name as a whole, or not at all. What a process that was
 * killed has left is removed by the next one.
 */
export class Draft {
  readonly #target: string;
  readonly #path: string;
  readonly #lock: FolderLock;
  readonly #progress: Progress;
  readonly #files = new Map<string, ManifestFile>();
  readonly #folders = new Set<string>();

  /** Throws a BackupError if something is at `target` already, or another process makes a backup there. */
  constructor(target: string, progress: Progress) {
    this.#target = resolve(target);
    this.#path = this.#target + UNFINISHED;
    this.#progress = progress;
    refuseUsed(this.#target);
    makeFolder(dirname(this.#target));
    this.#lock = lockDraft(this.#path);
    for (const name of readdirSync(this.#path)) {
      if (!name.startsWith(LOCK_FILE)) rmSync(join(this.#path, name), { recursive: true, force: true });
    }
    this.folder(DATA_FOLDER);
  }

  /** A folder of the backup by its path in it; made if needed. */
  folder(path: string): string {
    const folder = join(this.#path, path);
    if (!this.#folders.has(folder)) mkdirSync(folder, { recursive: true, mode: MODE });
    for (let each = folder; each.length > this.#path.length; each = dirname(each)) this.#folders.add(each);
    return folder;
  }

  /** Takes a copy of a file, or of its first `end` bytes. Rejects with the system's error. */
  async copy(from: string, path: string, end?: number): Promise<CopiedFile> {
    this.folder(dirname(path));
    const copied = await copyFile(from, join(this.#path, path), this.#progress, end);
    this.#files.set(path, { path, ...copied });
    return copied;
  }

  /** Takes a file that stands in the draft already. */
  async adopt(path: string): Promise<void> {
    this.#files.set(path, { path, ...(await hashFile(join(this.#path, path), () => {})) });
  }

  /** Takes a copy back. */
  drop(path: string): void {
    this.#files.delete(path);
    rmSync(join(this.#path, path), { force: true });
  }

  /** Gives the backup its name, when all of it is on the disk. */
  finish(made: Omit<Manifest, 'format' | 'files'>): void {
    const files = [...this.#files.values()];
    for (const folder of this.#folders) syncFolderSync(folder);
    this.#lock.release();
    for (const name of readdirSync(this.#path)) if (name.startsWith(LOCK_FILE)) rmSync(join(this.#path, name));
    writeManifest(this.#path, { ...made, files });
    refuseUsed(this.#target);
    renameSync(this.#path, this.#target);
    syncFolderSync(dirname(this.#target));
  }

  /** Removes what was made so far; does nothing to a backup that has its name. */
  discard(): void {
    this.#lock.release();
    rmSync(this.#path, { recursive: true, force: true });
  }

  get files(): number {
    return this.#files.size;
  }

  get bytes(): number {
    return [...this.#files.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  }
}

function lockDraft(path: string): FolderLock {
  // Only what has our lock file was ours, and may be cleared.
  if (existsSync(path) && readdirSync(path).length > 0 && !existsSync(join(path, LOCK_FILE))) {
    throw new BackupError(`${path} is in the way, and is no backup that was left unfinished: move it away`);
  }
  mkdirSync(path, { recursive: true, mode: MODE });
  const lock = lockFile(join(path, LOCK_FILE));
  if (lock === undefined) throw new BackupError(`another process is making this backup (${path}): wait for it`);
  return lock;
}

function refuseUsed(target: string): void {
  if (existsSync(target) && readdirSync(target).length > 0) {
    throw new BackupError(`there is something in ${target} already: name a folder that is new, or empty`);
  }
}
