import { join, resolve } from 'node:path';
import type { Logger } from '#base/domain/ports';
import { systemClock } from '#base/std/system-clock';
import { until } from '#base/std/until';
import { within } from '#base/std/within';
import { LedgerError } from '#books/ledger/ledger-db';
import { LogReaders } from '#shares/sharelog/consumers/log-readers';
import { type FolderLock, lockFile } from '#shares/sharelog/journal/folder-lock';
import { defaultNode, readIdentity } from '#shares/sharelog/journal/identity';
import { POOL_JOURNAL } from '#shares/sharelog/journal/journals';
import { openChdb } from './chdb-warehouse.ts';
import { HappeningWriter } from './happenings.ts';
import { LedgerCopy } from './ledger-copy.ts';
import type { ChildOptions, ChildReply, ChildRequest } from './messages.ts';
import { NameTaken } from './pool-name.ts';
import { QueryServer } from './query-server.ts';
import { openServer, parseServerUrl } from './server-warehouse.ts';
import { ShipState } from './ship-state.ts';
import { Shipper } from './shipper.ts';
import type { Warehouse } from './warehouse.ts';

const LOCK_FILE = 'analytics.lock';
const LOCK_POLL_MS = 50;
/** The engine's own lock of a process that was just killed is free well within this. */
const ENGINE_MS_MAX = 5_000;
const STATUS_EVERY_MS = 1_000;
/** How often what happened is written, if something did. */
const WRITE_EVERY_MS = 1_000;
/** How far the copies of the ledger's tables may be behind it. */
const COPY_EVERY_MS = 5_000;
/** How long the last shipment may take when the pool stops; what is left is shipped by the next start. */
const CLOSE_MS_MAX = 4_000;

const say = (reply: ChildReply): void => {
  if (process.connected) process.send?.(reply);
};
const logger: Logger = {
  debug: (fields, message) => say({ type: 'log', level: 'debug', fields, message }),
  info: (fields, message) => say({ type: 'log', level: 'info', fields, message }),
  warn: (fields, message) => say({ type: 'log', level: 'warn', fields, message }),
  error: (fields, message) => say({ type: 'log', level: 'error', fields, message }),
};

/** At once, and whatever the engine is doing: a long query would hold up an orderly exit, and nothing here needs one. */
function end(): void {
  process.kill(process.pid, 'SIGKILL');
}

/** The folder's lock; a child whose parent was killed needs a moment to notice. */
async function lockFolder(folder: string, msMax: number): Promise<FolderLock> {
  const lock = await until(() => lockFile(join(folder, LOCK_FILE)), { everyMs: LOCK_POLL_MS, msMax });
  if (lock === undefined) throw new Error('another process has the analytics of this data folder');
  return lock;
}

/**
 * The embedded engine. A process that was just killed lets go of our lock a moment before the engine's own, so an engine
 * that can not be opened is tried again for a while.
 */
async function openEmbedded({ folder }: ChildOptions): Promise<Warehouse> {
  let reason: unknown;
  const open = async (): Promise<Warehouse | undefined> => {
    try {
      const warehouse = await openChdb(folder);
      await warehouse.rows('SELECT 1');
      return warehouse;
    } catch (error) {
      reason = error;
      return undefined;
    }
  };
  const warehouse = await until(open, { everyMs: LOCK_POLL_MS, msMax: ENGINE_MS_MAX });
  if (warehouse === undefined) throw reason;
  return warehouse;
}

/** The `node` column of the pool's rows; undefined if no pool has run here. */
function nodeOf({ folder, name }: ChildOptions): string | undefined {
  const identity = readIdentity(join(folder, POOL_JOURNAL));
  return identity && (name ?? defaultNode(identity));
}

function startShipper(options: ChildOptions, warehouse: Warehouse, server: QueryServer): Shipper {
  const readers = new LogReaders(options.folder);
  const state = new ShipState(options.folder, warehouse.name);
  const delivered = (journal: string, seq: number): void => say({ type: 'delivered', journal, seq });
  const node = nodeOf(options);
  const tried = (error: unknown): void =>
    say({ type: 'tried', refused: error instanceof NameTaken ? error.message : undefined });
  const shipper = new Shipper({ readers, state, warehouse, clock: systemClock, logger, node, tried, delivered });
  const report = (): void => {
    try {
      const status = shipper.status();
      const { busy, queries } = server;
      say({ type: 'status', status, busy: busy || status.lagRows > 0, queries });
    } catch (error) {
      // A journal that is just being removed, or a disk that fails: the shipper meets it as well, and says so.
      logger.debug({ err: String(error) }, 'the log can not be looked at');
    }
  };
  report();
  setInterval(report, STATUS_EVERY_MS);
  shipper.start();
  if (node !== undefined) {
    const copy = new LedgerCopy(options.folder, { warehouse, clock: systemClock, node });
    repeat(COPY_EVERY_MS, 'copying the ledger', shipper, () => copy.step());
  }
  return shipper;
}

/** Does `what` again and again while the tables are there. A failure is no matter of the shares: it is said once, and tried again. */
function repeat(everyMs: number, what: string, shipper: Shipper, act: () => Promise<unknown>): void {
  let said = '';
  const step = async (): Promise<void> => {
    try {
      if (shipper.connected) await act();
      said = '';
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      // Before the pool's first start there is no ledger.
      if (reason !== said && !(error instanceof LedgerError))
        logger.warn({ reason }, `${what} failed; it is tried again`);
      said = reason;
    }
    setTimeout(step, everyMs);
  };
  void step();
}

/** The working folder changes (`openChdb`), so the data folder's path must not depend on it. */
function withAbsoluteFolder(options: ChildOptions): ChildOptions {
  return { ...options, folder: resolve(options.folder) };
}

/** Held for the life of the process; not held in a variable, it would be let go of with the next garbage. */
let folderLock: FolderLock | undefined;

async function main(options: ChildOptions): Promise<void> {
  // What miners did, and from where, is for the owner of the data folder alone, whoever else may look into that.
  process.umask(0o077);
  folderLock = await lockFolder(options.folder, options.lockMsMax);
  const warehouse = options.url === undefined ? await openEmbedded(options) : openServer(parseServerUrl(options.url));
  const caughtUp = async (msMax: number): Promise<void> => void (await within(shipper.caughtUp(), msMax));
  const freeze = (): Promise<string> =>
    shipper.between(async (positions) => {
      await warehouse.freeze();
      return JSON.stringify([...positions].map(([log, { seq }]) => ({ log, seq })));
    });
  const server = new QueryServer({ warehouse, caughtUp: () => caughtUp(options.catchUpMsMax), freeze });
  const shipper = startShipper(options, warehouse, server);
  await server.listen(options.folder, options.socketFile);
  const happenings = new HappeningWriter(nodeOf(options) ?? '', warehouse, systemClock);
  repeat(WRITE_EVERY_MS, 'writing what happened', shipper, () => happenings.flush());
  process.on('message', (request: ChildRequest) => {
    if (request.type === 'happenings') happenings.add(request.happenings);
    if (request.type !== 'close') return;
    server.close();
    const written = within(
      happenings.flush().catch(() => {}),
      CLOSE_MS_MAX,
    );
    void Promise.all([caughtUp(CLOSE_MS_MAX), written]).finally(end);
  });
  say({ type: 'ready', target: warehouse.name });
}

// The terminal's Ctrl-C and a supervisor's SIGTERM go to the whole group; when to stop is the parent's to say.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
process.once('disconnect', end);
process.once('exit', () => folderLock?.release());
process.once('message', (request: ChildRequest) => {
  if (request.type !== 'start') return end();
  main(withAbsoluteFolder(request.options)).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    process.send?.({ type: 'refused', reason } satisfies ChildReply, end);
  });
});
