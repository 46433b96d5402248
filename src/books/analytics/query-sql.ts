import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { LATE, within } from '#base/std/within';
import { POOL_JOURNAL } from '#shares/sharelog/journal/journals';
import type { AnalyticsOptions } from './analytics.ts';
import { chdbInstalled } from './chdb-engine.ts';
import { startChild } from './child.ts';
import { NOT_YOURS, NotRunningError, QueryError, requestQuery } from './query-client.ts';
import { OWN_SOCKET_FILE } from './query-server.ts';

/** Another query on a stopped pool's data has its reader's time: it is waited for. */
const LOCK_MS_MAX = 24 * 60 * 60_000;
/** How often it is looked whether a pool has been started meanwhile, ms; the first time says that there is a wait. */
const LOOK_EVERY_MS = 1_000;
/** A stopped pool's log may hold a day of shares. */
const CATCH_UP_MS_MAX = 10 * 60_000;
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Statements on one data folder, one after another. */
export interface Queries {
  /** Rejects with a QueryError whose message is for the user. */
  query(sql: string, format: string, signal?: AbortSignal): Promise<Readable>;
  /** Ends what was started for the statements. */
  close(): Promise<void>;
}

/**
 * Runs one statement on a data folder, whether its pool runs or not: on the running pool's socket, or else by starting the
 * analytics child for as long as the result takes to read. Such a child serves one command alone, so commands on a stopped
 * pool wait for one another; `waiting` is called if this one does. `signal` ends the statement in the engine. Either way the rows that the log still holds are shipped
 * first. Rejects with a QueryError whose message is for the user.
 */
export async function querySql(
  options: AnalyticsOptions,
  sql: string,
  format: string,
  { waiting = () => {}, signal }: { readonly waiting?: () => void; readonly signal?: AbortSignal } = {},
): Promise<Readable> {
  const ask = (): Promise<Readable | undefined> => ifRunning(options.folder, sql, format, signal);
  const { running, own } = await askOrStart(options, ask, waiting, signal);
  if (own === undefined) return running;
  try {
    const result = await own.query(sql, format, signal);
    result.once('close', () => void own.close());
    return result;
  } catch (error) {
    await own.close();
    throw error;
  }
}

/** The same for several statements: a child that has to be started is started once. */
export async function openQueries(options: AnalyticsOptions, waiting: () => void = () => {}): Promise<Queries> {
  const { folder } = options;
  const probe = async (): Promise<true | undefined> => {
    const answer = await ifRunning(folder, 'SELECT 1', 'TSV');
    answer?.resume();
    return answer && true;
  };
  const { own } = await askOrStart(options, probe, waiting);
  return own ?? { query: (sql, format) => stillRunning(folder, sql, format), close: async () => {} };
}

export type Asked<T> =
  | { readonly running: T; readonly own?: undefined }
  | { readonly running?: undefined; readonly own: Queries };

/** What the running pool answers, or a child of the data folder that was started because no pool runs. */
export async function askOrStart<T>(
  options: AnalyticsOptions,
  ask: () => Promise<T | undefined>,
  waiting: () => void,
  signal?: AbortSignal,
): Promise<Asked<T>> {
  const { folder, name, url } = options;
  if (!existsSync(folder)) throw new QueryError(`there is no data folder ${folder}`);
  const running = await ask();
  if (running !== undefined) return { running };
  if (url === undefined && !chdbInstalled()) {
    throw new QueryError('the optional package chdb is not installed, and clickhouse.url is not set');
  }
  if (isOthers(folder)) throw new QueryError(NOT_YOURS);
  const child = startChild(
    { folder, name, url, socketFile: OWN_SOCKET_FILE, lockMsMax: LOCK_MS_MAX, catchUpMsMax: CATCH_UP_MS_MAX },
    { logger: silent, onReply: () => {} },
    // The command waits for the answer, and no pool of this folder runs beside the child.
    'turn',
  );
  signal?.addEventListener('abort', () => child.kill(), { once: true });
  try {
    const pool = await readyOrPool(child.ready, ask, waiting);
    if (pool !== undefined) {
      child.kill();
      return { running: pool };
    }
  } catch (error) {
    await child.close();
    throw notStarted(folder, error);
  }
  return {
    own: {
      query: (sql, format, ended) =>
        requestQuery(folder, sql, format, { socketFile: OWN_SOCKET_FILE, ...(ended && { signal: ended }) }).catch(
          (error: unknown) => {
            throw notStarted(folder, error);
          },
        ),
      close: async () => void (await child.close()),
    },
  };
}

function notStarted(folder: string, error: unknown): QueryError {
  if (error instanceof QueryError) return error;
  return new QueryError(`ClickHouse can not be started on ${folder}: ${(error as Error).message}`);
}

/** A statement of several; rejects with a QueryError if the pool was stopped meanwhile. */
async function stillRunning(folder: string, sql: string, format: string): Promise<Readable> {
  const answer = await ifRunning(folder, sql, format);
  if (answer === undefined) throw new QueryError('the pool was stopped before all was read: run the command again');
  return answer;
}

/** Resolves with undefined when the child is ready, or with the answer of a pool that was started meanwhile. */
async function readyOrPool<T>(
  ready: Promise<void>,
  ask: () => Promise<T | undefined>,
  waiting: () => void,
): Promise<T | undefined> {
  for (let first = true; ; first = false) {
    if ((await within(ready, LOOK_EVERY_MS * (first ? 3 : 1))) !== LATE) return undefined;
    if (first) waiting();
    const answer = await ask();
    if (answer !== undefined) return answer;
  }
}

/** Whether another user's pool has run here: what ClickHouse writes now would be ours, and that pool could not read it. */
function isOthers(folder: string): boolean {
  const journal = statSync(join(folder, POOL_JOURNAL), { throwIfNoEntry: false });
  return journal !== undefined && process.geteuid !== undefined && process.geteuid() !== journal.uid;
}

async function ifRunning(
  folder: string,
  sql: string,
  format: string,
  signal?: AbortSignal,
): Promise<Readable | undefined> {
  try {
    return await requestQuery(folder, sql, format, signal && { signal });
  } catch (error) {
    if (error instanceof NotRunningError) return undefined;
    throw error;
  }
}
