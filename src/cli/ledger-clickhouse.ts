import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Config } from '#base/config/config';
import { clickhouseHref } from '#base/config/href';
import { limits } from '#base/limits';
import { QueryError } from '#books/analytics/query-client';
import { querySql } from '#books/analytics/query-sql';
import type { Fault } from '#books/ledger/entries/fault';
import type { LedgerDatabase } from '#books/ledger/ledger-db';
import { comparableJobs, compareSlices, type SliceLine, sliceLines } from '#books/ledger/slices/compare';

/** How the ledger and ClickHouse, which read the same log, compare. `notCompared` says why they were not. */
export type Comparison = { readonly faults: readonly Fault[] } | { readonly notCompared: string };

/** The embedded ClickHouse's files, in the data folder. */
const ENGINE_FOLDER = 'chdb';

/**
 * Compares the sealed slices of the ledger with ClickHouse's table `shares`. `database` is to be in a transaction: ClickHouse is
 * asked afterwards, and has at least what the ledger has, unless it is behind.
 */
export async function compareWithClickHouse(config: Config, database: LedgerDatabase): Promise<Comparison> {
  const url = config.clickhouse && clickhouseHref(config.clickhouse);
  if (url === undefined && !existsSync(join(config.data, ENGINE_FOLDER))) {
    return { notCompared: 'there is no ClickHouse for this data folder' };
  }
  const jobs = comparableJobs(database);
  if (jobs === undefined) return { notCompared: 'no slice is sealed yet' };
  const ask = async (sql: string): Promise<AsyncIterable<Readonly<Record<string, string>>>> => {
    const options = { folder: config.data, name: config.name, ...(url !== undefined && { url }) };
    return rowsOf(await querySql(options, sql, 'JSONEachRow'));
  };
  try {
    const behind = await behindBy(database, await ask(POSITIONS));
    if (behind > 0) return { notCompared: `ClickHouse lacks ${behind} batches of the log that the ledger has` };
    const { from, to } = jobs;
    // A server may have several pools: this one is whoever made the newest of the jobs.
    const theirs = await ask(
      `SELECT job_id, account, toString(sum(work)) AS work, toString(count()) AS shares FROM shares
       WHERE verdict = 'accepted' AND job_id >= '${from}' AND job_id <= '${to}'
         AND node IN (SELECT node FROM jobs WHERE job_id = '${to}')
       GROUP BY job_id, account ORDER BY job_id, account`,
    );
    return { faults: await compareSlices(sliceLines(database, from, to), linesOf(theirs), limits.ledgerFaultsMax) };
  } catch (error) {
    if (error instanceof QueryError) return { notCompared: error.message };
    throw error;
  }
}

/** How far ClickHouse has each journal. */
const POSITIONS = 'SELECT substring(log, 1, 36) AS log, toString(max(last)) AS seq FROM deliveries GROUP BY log';

async function behindBy(
  database: LedgerDatabase,
  positions: AsyncIterable<Readonly<Record<string, string>>>,
): Promise<number> {
  const there = new Map<string, number>();
  for await (const { log = '', seq } of positions) there.set(log, Number(seq));
  const ours = database.prepare<[], { log: string; seq: bigint }>('SELECT log_id AS log, seq FROM positions').all();
  return ours.reduce((sum, { log, seq }) => sum + Math.max(0, Number(seq) - (there.get(log) ?? 0)), 0);
}

async function* linesOf(rows: AsyncIterable<Readonly<Record<string, string>>>): AsyncGenerator<SliceLine> {
  for await (const { job_id: jobId = '', account = '', work = '0', shares = '0' } of rows) {
    yield { jobId, account, work: BigInt(work), shares: BigInt(shares) };
  }
}

async function* rowsOf(result: NodeJS.ReadableStream): AsyncGenerator<Readonly<Record<string, string>>> {
  for await (const line of createInterface({ input: result })) {
    if (line !== '') yield JSON.parse(line) as Record<string, string>;
  }
}
