import { existsSync } from 'node:fs';
import { askForPromise } from '#base/std/held-connection';
import { until } from '#base/std/until';
import { type FolderLock, lockFile } from '#shares/sharelog/journal/folder-lock';
import { journalLock, listJournals, POOL_JOURNAL } from '#shares/sharelog/journal/journals';
import { withSocketPath } from '#shares/sharelog/journal/socket-path';
import { ADMIN_SOCKET_FILE, HOLD_PATH } from '#show/api/admin-socket';
import { BackupError } from './backup-error.ts';

const ANSWER_MS_MAX = 30_000;
/** A gateway of a pool that was killed may take so long to end. */
const LOCK_MS_MAX = 5_000;
const LOCK_POLL_MS = 50;

/** A share log that lets nothing go, because its pool was asked not to, or because no pool runs and none can start. */
export interface HeldLog {
  readonly isRunning: boolean;
  /** Throws a BackupError if the pool has ended meanwhile. */
  assertHeld(): void;
  release(): void;
}

/** Throws a BackupError if the folder has no share log, or its pool is just starting or stopping. */
export async function holdLog(folder: string): Promise<HeldLog> {
  if (!existsSync(folder) || listJournals(folder).length === 0) {
    throw new BackupError(`no pool has run on the data folder ${folder}: there is nothing to copy`);
  }
  return (await askPool(folder)) ?? (await lockLog(folder));
}

/** Undefined if no pool runs on the folder. */
async function askPool(folder: string): Promise<HeldLog | undefined> {
  const promised = await withSocketPath(folder, ADMIN_SOCKET_FILE, (path) =>
    askForPromise(path, HOLD_PATH, ANSWER_MS_MAX),
  ).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    throw new BackupError(`the pool's ${ADMIN_SOCKET_FILE} can not be used: ${reason}`);
  });
  if (promised === 'absent') return undefined;
  if ('status' in promised) {
    throw new BackupError('the pool that runs here is of an earlier version: stop it first, or start this version');
  }
  return {
    isRunning: true,
    assertHeld: () => {
      if (promised.isLost) throw new BackupError('the pool has ended while it was copied: run sluice backup again');
    },
    release: () => promised.release(),
  };
}

async function lockLog(folder: string): Promise<HeldLog> {
  const locks: FolderLock[] = [];
  const release = (): void => {
    for (const lock of locks.splice(0)) lock.release();
  };
  for (const journal of [POOL_JOURNAL, ...listJournals(folder).filter((name) => name !== POOL_JOURNAL)]) {
    const lock = await until(() => lockFile(journalLock(folder, journal)), {
      ...{ everyMs: LOCK_POLL_MS, msMax: LOCK_MS_MAX },
    });
    if (lock === undefined) {
      release();
      throw new BackupError('the pool is starting or stopping: try again in a moment');
    }
    locks.push(lock);
  }
  return { isRunning: false, assertHeld: () => {}, release };
}
