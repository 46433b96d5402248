import { existsSync, readdirSync, statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Network } from '#base/bitcoin/address';
import { type AnalyticsOptions, analyticsAvailable } from '#books/analytics/analytics';
import { type FrozenTables, freezeTables } from '#books/analytics/frozen';
import { STATE_FILE } from '#books/analytics/ship-state';
import { LedgerSnapshot } from '#books/ledger/ledger-copy';
import { LEDGER_FILE } from '#books/ledger/ledger-db';
import { CANDIDATES_FOLDER } from '#shares/sharelog/candidates/candidate-store';
import { listJournals, POOL_JOURNAL } from '#shares/sharelog/journal/journals';
import { listSegments, segmentPath } from '#shares/sharelog/segments/segment-files';
import { BackupError } from './backup-error.ts';
import { type CopiedJournal, copyJournal } from './copy-journal.ts';
import { copySqlite } from './copy-sqlite.ts';
import { copyTables, type TableFile, tableFiles } from './copy-tables.ts';
import { Draft } from './draft.ts';
import { holdLog } from './held-log.ts';
import { CONFIG_FILE, DATA_FOLDER, type Manifest } from './manifest.ts';

export interface BackupOptions {
  /** The data folder, and the ClickHouse of its pool. */
  readonly analytics: AnalyticsOptions;
  readonly network: Network;
  /** The folder that becomes the backup. */
  readonly target: string;
  /** The pool's config file, if it has one. */
  readonly configFile: string | undefined;
  /** Of Sluice. */
  readonly version: string;
  readonly nowMs: number;
  /** Small files of the data folder that are copied as they are, if they are there: bans, the embedded node's chain and key. */
  readonly smallFiles: readonly string[];
}

export interface BackupModules {
  /** Bytes so far, and in all as far as is known. */
  readonly progress: (done: number, all: number) => void;
  /** Called if ClickHouse is not ready at once. */
  readonly waiting: () => void;
  /** Called between the steps, so that a test can stop there. */
  readonly did?: (step: BackupStep) => Promise<void> | void;
}

/** What has just been copied. */
export type BackupStep = 'held' | 'frozen' | 'ledger' | 'tables' | 'log';

export interface BackupReport extends Omit<Manifest, 'files' | 'format'> {
  readonly files: number;
  readonly bytes: number;
  /** The pool ran meanwhile. */
  readonly running: boolean;
}

/** Room that is left on the disk for what comes meanwhile. */
const SPARE_BYTES = 64 * 1024 * 1024;

/**
 * Copies what a pool knows, while it runs or when it is stopped. The parts are copied at different moments, in an order in which
 * they fit together: the ledger and the tables first, the log that both read last and as a whole from where they stand on. So
 * the log has each row that the others have, and a restored pool that reads on counts each row once. Meanwhile the log deletes nothing.
 * Rejects with a BackupError (or a LedgerError or QueryError of what is copied) whose message is for the user.
 */
export async function backup(options: BackupOptions, modules: BackupModules): Promise<BackupReport> {
  const { target, analytics } = options;
  const inside = `${resolve(target)}/`.startsWith(`${resolve(analytics.folder)}/`);
  if (inside) throw new BackupError('a backup in the data folder would be lost with it: name another folder');
  const log = await holdLog(analytics.folder);
  let draft: Draft | undefined;
  try {
    const tally = new Tally(modules.progress, () => log.assertHeld());
    draft = new Draft(target, (bytes) => tally.add(bytes));
    await modules.did?.('held');
    const made = await copyAll(options, modules, draft, tally);
    log.assertHeld();
    draft.finish(made);
    return { ...made, files: draft.files, bytes: draft.bytes, running: log.isRunning };
  } catch (error) {
    draft?.discard();
    throw error;
  } finally {
    log.release();
  }
}

async function copyAll(
  options: BackupOptions,
  modules: BackupModules,
  draft: Draft,
  tally: Tally,
): Promise<Omit<Manifest, 'format' | 'files'>> {
  const { analytics, network, version, nowMs, configFile, smallFiles } = options;
  const { folder } = analytics;
  const data = draft.folder(DATA_FOLDER);
  const clickhouse = analytics.url !== undefined ? 'server' : analyticsAvailable() ? 'embedded' : 'none';
  const frozen = clickhouse === 'embedded' ? await freezeTables(analytics, modules.waiting) : undefined;
  const snapshot = new LedgerSnapshot(folder);
  try {
    const small = async (name: string): Promise<unknown> =>
      existsSync(join(folder, name)) ? draft.copy(join(folder, name), join(DATA_FOLDER, name)) : undefined;
    // The embedded node's chain must be the one that the ledger has just seen.
    for (const name of smallFiles) await small(name);
    const tables = frozen === undefined ? [] : tableFiles(folder);
    await modules.did?.('frozen');
    tally.all += snapshot.bytes + sizeOf(tables) + logBytes(folder);
    await assertRoom(dirname(data), tally.all);
    await snapshot.copyTo(data, (bytes) => tally.add(bytes));
    await draft.adopt(join(DATA_FOLDER, LEDGER_FILE));
    await modules.did?.('ledger');
    await copyTables(tables, draft);
    assertFrozen(frozen);
    await modules.did?.('tables');
    // What a server was sent last stands here; it may have to be sent again just as it was.
    if (clickhouse === 'server' && existsSync(join(folder, STATE_FILE))) {
      await copySqlite(join(folder, STATE_FILE), join(data, STATE_FILE));
      await draft.adopt(join(DATA_FOLDER, STATE_FILE));
    }
    const journals = await copyLog(folder, draft);
    await modules.did?.('log');
    if (configFile !== undefined) await draft.copy(configFile, CONFIG_FILE);
    const delivered = [...(frozen?.delivered ?? [])];
    return { version, madeMs: nowMs, network, clickhouse, journals, delivered, ledger: snapshot.head };
  } finally {
    snapshot.close();
    await frozen?.release();
  }
}

/**
 * The pool's own journal comes last: it has the jobs of the shares in the others, and no share is acknowledged before its job is
 * there. A block's file comes before its row, and its row before its share is acknowledged.
 */
async function copyLog(folder: string, draft: Draft): Promise<CopiedJournal[]> {
  const journals: CopiedJournal[] = [];
  for (const name of listJournals(folder).filter((each) => each !== POOL_JOURNAL)) {
    const copied = await copyJournal(folder, name, draft);
    if (copied !== undefined) journals.push(copied);
  }
  const candidates = join(folder, CANDIDATES_FOLDER);
  for (const name of existsSync(candidates) ? readdirSync(candidates) : []) {
    await draft.copy(join(candidates, name), join(DATA_FOLDER, CANDIDATES_FOLDER, name)).catch((error: unknown) => {
      // It was settled meanwhile, or had no name of its own yet.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    });
  }
  const own = await copyJournal(folder, POOL_JOURNAL, draft);
  if (own === undefined) throw new BackupError(`the share log in ${folder} was removed meanwhile`);
  return [own, ...journals];
}

function assertFrozen(frozen: FrozenTables | undefined): void {
  if (frozen?.isLost === true) {
    throw new BackupError("ClickHouse's process has ended while its tables were copied: run sluice backup again");
  }
}

/** How much is copied, and of how much. */
class Tally {
  all = 0;
  #done = 0;
  readonly #progress: BackupModules['progress'];
  readonly #assertHeld: () => void;

  constructor(progress: BackupModules['progress'], assertHeld: () => void) {
    this.#progress = progress;
    this.#assertHeld = assertHeld;
  }

  /** Throws if what is copied may change now. */
  add(bytes: number): void {
    this.#assertHeld();
    this.#done += bytes;
    this.#progress(this.#done, Math.max(this.all, this.#done));
  }
}

function sizeOf(files: readonly TableFile[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}

function logBytes(folder: string): number {
  return listJournals(folder)
    .flatMap((name) => (listSegments(join(folder, name)) ?? []).map((first) => segmentPath(join(folder, name), first)))
    .reduce((sum, path) => sum + (statSync(path, { throwIfNoEntry: false })?.size ?? 0), 0);
}

async function assertRoom(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free >= bytes + SPARE_BYTES) return;
  const mebibytes = (count: number): string => `${Math.ceil(count / 2 ** 20)} MiB`;
  throw new BackupError(
    `the backup needs ${mebibytes(bytes + SPARE_BYTES)}, and ${folder} has ${mebibytes(free)} left`,
  );
}
