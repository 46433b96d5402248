import { existsSync } from 'node:fs';
import type { Readable } from 'node:stream';
import type { AnalyticsOptions } from './analytics.ts';
import { chdbInstalled } from './chdb-warehouse.ts';
import { startChild } from './child.ts';
import { NotRunningError, QueryError, requestQuery } from './query-client.ts';

/** A pool that has just been started or killed needs a moment for its child to come or go. */
const LOCK_MS_MAX = 5_000;
/** A stopped pool's log may hold a day of shares. */
const CATCH_UP_MS_MAX = 10 * 60_000;
/** For the user, as any other reason why there is no result. */
class NotStartedError extends QueryError {}

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/**
 * Runs one statement on a data folder, whether its pool runs or not: on the running pool's socket, or else by starting the
 * analytics child for as long as the result takes to read. Either way the rows that the log still holds are shipped first.
 * Rejects with a QueryError whose message is for the user.
 */
export async function querySql(options: AnalyticsOptions, sql: string, format: string): Promise<Readable> {
  const { folder, url } = options;
  if (!existsSync(folder)) throw new QueryError(`there is no data folder ${folder}`);
  const running = await ifRunning(folder, sql, format);
  if (running !== undefined) return running;
  if (url === undefined && !chdbInstalled()) {
    throw new QueryError('the optional package chdb is not installed, and clickhouse.url is not set');
  }
  const child = startChild(
    { folder, url, lockMsMax: LOCK_MS_MAX, catchUpMsMax: CATCH_UP_MS_MAX },
    { logger: silent, onReply: () => {} },
  );
  try {
    await child.ready.catch((error: Error) => {
      throw new NotStartedError(`ClickHouse can not be started on ${folder}: ${error.message}`);
    });
    const result = await requestQuery(folder, sql, format);
    result.once('close', () => void child.close());
    return result;
  } catch (error) {
    await child.close();
    // The lock was another's all the time: a pool that was only starting serves by now.
    const refused = error instanceof QueryError && !(error instanceof NotStartedError);
    const late = refused ? undefined : await ifRunning(folder, sql, format);
    if (late !== undefined) return late;
    throw error;
  }
}

async function ifRunning(folder: string, sql: string, format: string): Promise<Readable | undefined> {
  try {
    return await requestQuery(folder, sql, format);
  } catch (error) {
    if (error instanceof NotRunningError) return undefined;
    throw error;
  }
}
