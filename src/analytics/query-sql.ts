import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { POOL_JOURNAL } from '../sharelog/journals.ts';
import type { AnalyticsOptions } from './analytics.ts';
import { chdbInstalled } from './chdb-warehouse.ts';
import { startChild } from './child.ts';
import { NOT_YOURS, NotRunningError, QueryError, requestQuery } from './query-client.ts';

/** A pool that has just been started or killed needs a moment for its child to come or go. */
const LOCK_MS_MAX = 5_000;
/** A stopped pool's log may hold a day of shares. */
const CATCH_UP_MS_MAX = 10 * 60_000;
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/**
 * Runs one statement on a data folder, whether its pool runs or not: on the running pool's socket, or else by starting the
 * analytics child for as long as the result takes to read. Either way the rows that the log still holds are shipped first.
 * Rejects with a QueryError whose message is for the user.
 */
export async function querySql(options: AnalyticsOptions, sql: string, format: string): Promise<Readable> {
  const { folder, name, url } = options;
  if (!existsSync(folder)) throw new QueryError(`there is no data folder ${folder}`);
  const running = await ifRunning(folder, sql, format);
  if (running !== undefined) return running;
  if (url === undefined && !chdbInstalled()) {
    throw new QueryError('the optional package chdb is not installed, and clickhouse.url is not set');
  }
  if (isOthers(folder)) throw new QueryError(NOT_YOURS);
  const child = startChild(
    { folder, name, url, lockMsMax: LOCK_MS_MAX, catchUpMsMax: CATCH_UP_MS_MAX },
    { logger: silent, onReply: () => {} },
  );
  try {
    await child.ready;
    const result = await requestQuery(folder, sql, format);
    result.once('close', () => void child.close());
    return result;
  } catch (error) {
    await child.close();
    if (error instanceof QueryError) throw error;
    // The lock was another's all the time: a pool that was only starting serves by now.
    const late = await ifRunning(folder, sql, format);
    if (late !== undefined) return late;
    throw new QueryError(`ClickHouse can not be started on ${folder}: ${(error as Error).message}`);
  }
}

/** Whether another user's pool has run here: what ClickHouse writes now would be ours, and that pool could not read it. */
function isOthers(folder: string): boolean {
  const journal = statSync(join(folder, POOL_JOURNAL), { throwIfNoEntry: false });
  return journal !== undefined && process.geteuid !== undefined && process.geteuid() !== journal.uid;
}

async function ifRunning(folder: string, sql: string, format: string): Promise<Readable | undefined> {
  try {
    return await requestQuery(folder, sql, format);
  } catch (error) {
    if (error instanceof NotRunningError) return undefined;
    throw error;
  }
}
