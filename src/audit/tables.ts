import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { AnalyticsOptions } from '#books/analytics/analytics';
import { openQueries, type Queries } from '#books/analytics/query-sql';
import { defaultNode, readIdentity } from '#shares/sharelog/journal/identity';
import { POOL_JOURNAL } from '#shares/sharelog/journal/journals';
import { decodeRows, type Row } from '#shares/sharelog/rows/row-reader';
import { blockColumns, type Column, jobColumns } from '#shares/sharelog/rows/rows';
import type { JobCount, JobGroup } from './job-groups.ts';
import { COINBASE_SQL, HASHED_SQL, shareRowsSql } from './share-rows.ts';

/** Jobs made in this time are audited, with all of their shares; UNIX ms, `toMs` itself excluded. */
export interface AuditRange {
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
}

/** The accepted shares of an account on a job. */
export interface SliceRow {
  readonly jobId: string;
  readonly account: string;
  readonly work: bigint;
  readonly shares: number;
}

const TIME = "DateTime64(3, 'UTC')";
const countColumns: readonly Column[] = [
  ['job_id', 'String'],
  ['shares', 'UInt64'],
  ['hashed', 'UInt64'],
  ['first', TIME],
  ['last', TIME],
];
const sliceColumns: readonly Column[] = [
  ['job_id', 'String'],
  ['account', 'String'],
  ['work', 'UInt128'],
  ['shares', 'UInt64'],
];

const coinbaseColumns: readonly Column[] = [
  ['job_id', 'String'],
  ['coinbase', 'UInt64'],
  ['coinb2', 'String'],
];

/** What became of a block is the chain's to say, not the tables'. */
const auditedBlockColumns = blockColumns.filter(([name]) => !['status', 'reason', 'revision'].includes(name));

/** What the audit reads of ClickHouse, through the path of `sluice sql`. Rejects with a QueryError. */
export class Tables {
  readonly #queries: Queries;
  /** Limits rows to those of this pool. */
  readonly #own: string;

  private constructor(queries: Queries, own: string) {
    this.#queries = queries;
    this.#own = own;
  }

  static async open(options: AnalyticsOptions, waiting: () => void): Promise<Tables> {
    const queries = await openQueries(options, waiting);
    // The embedded database has this pool's rows alone, whatever the pool was called.
    const identity = options.url === undefined ? undefined : readIdentity(join(options.folder, POOL_JOURNAL));
    const node = identity && (options.name ?? defaultNode(identity));
    return new Tables(queries, node === undefined ? '1' : `node = ${quoted(node)}`);
  }

  /** Each row of `jobs` in the range, ordered by id. */
  async jobCounts({ fromMs, toMs }: AuditRange): Promise<JobCount[]> {
    const made = [this.#own, ...timeBounds(fromMs, toMs === undefined ? undefined : toMs - 1)].join(' AND ');
    // A share comes after its job.
    const shares = [this.#own, ...timeBounds(fromMs, undefined)].join(' AND ');
    const rows = await this.#rows([['job_id', 'String']], `SELECT job_id FROM jobs WHERE ${made} ORDER BY job_id`);
    const counted = await this.#rows(
      countColumns,
      `SELECT job_id, count(), countIf(${HASHED_SQL}), min(time), max(time) FROM shares
       WHERE ${shares} AND job_id IN (SELECT job_id FROM jobs WHERE ${made}) GROUP BY job_id`,
    );
    const counts = new Map(counted.map((row) => [String(row['job_id']), row]));
    return rows.map(({ job_id }) => {
      const row = counts.get(String(job_id));
      const ms = (column: string): number | undefined => (row === undefined ? undefined : Number(row[column]));
      const [shares, hashed] = [Number(row?.['shares'] ?? 0), Number(row?.['hashed'] ?? 0)];
      return { jobId: String(job_id), shares, hashed, firstMs: ms('first'), lastMs: ms('last') };
    });
  }

  /** Shares that say they were hashed, and name a job that is not in `jobs`: at most `max`, as text. */
  async sharesWithoutJob({ fromMs, toMs }: AuditRange, max: number): Promise<string[]> {
    const where = [this.#own, ...timeBounds(fromMs, toMs === undefined ? undefined : toMs - 1)].join(' AND ');
    const rows = await this.#rows(
      [['text', 'String']],
      `SELECT concat(toString(count()), ' ', verdict, ' shares of job ', job_id) FROM shares
       WHERE ${where} AND ${HASHED_SQL}
         AND job_id NOT IN (SELECT job_id FROM jobs WHERE ${this.#own})
       GROUP BY job_id, verdict ORDER BY job_id, verdict LIMIT ${max}`,
    );
    return rows.map(({ text }) => String(text));
  }

  jobs(group: JobGroup): Promise<Row[]> {
    return this.#rows(
      jobColumns,
      `SELECT ${names(jobColumns)} FROM jobs WHERE ${this.#inGroup(group)} ORDER BY job_id`,
    );
  }

  /** In the layout of share-rows.ts. */
  shares(group: JobGroup): Promise<Readable> {
    return this.#queries.query(shareRowsSql(this.#sharesIn(group)), 'RowBinary');
  }

  /** The coinbases of shares that are not their jobs' own: each once, with its name in share-rows.ts. */
  coinbases(group: JobGroup): Promise<Row[]> {
    return this.#rows(
      coinbaseColumns,
      `SELECT DISTINCT job_id, toUInt64(${COINBASE_SQL}) AS coinbase, coinb2 FROM shares
       WHERE ${this.#sharesIn(group)} AND coinb2 != '' AND ${HASHED_SQL}`,
    );
  }

  /** Ordered by job, then by account in byte order. */
  async slices(group: JobGroup): Promise<SliceRow[]> {
    const rows = await this.#rows(
      sliceColumns,
      `SELECT job_id, account, toUInt128(sum(work)), count() FROM shares
       WHERE ${this.#sharesIn(group)} AND verdict = 'accepted' GROUP BY job_id, account ORDER BY job_id, account`,
    );
    return rows.map((row) => ({
      jobId: String(row['job_id']),
      account: String(row['account']),
      work: row['work'] as bigint,
      shares: Number(row['shares']),
    }));
  }

  blocks(group: JobGroup): Promise<Row[]> {
    const sql = `SELECT ${names(auditedBlockColumns)} FROM blocks WHERE ${this.#inGroup(group)} ORDER BY job_id, hash`;
    return this.#rows(auditedBlockColumns, sql);
  }

  close(): Promise<void> {
    return this.#queries.close();
  }

  #inGroup({ firstId, lastId }: JobGroup): string {
    return `${this.#own} AND job_id >= ${quoted(firstId)} AND job_id <= ${quoted(lastId)}`;
  }

  #sharesIn(group: JobGroup): string {
    return [this.#inGroup(group), ...timeBounds(group.firstMs, group.lastMs)].join(' AND ');
  }

  async #rows(columns: readonly Column[], sql: string): Promise<Row[]> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of await this.#queries.query(sql, 'RowBinary')) chunks.push(chunk as Uint8Array);
    return decodeRows(columns, Buffer.concat(chunks));
  }
}

function names(columns: readonly Column[]): string {
  return columns.map(([name]) => name).join(', ');
}

/** Both bounds included. */
function timeBounds(firstMs: number | undefined, lastMs: number | undefined): string[] {
  const moment = (ms: number): string => `fromUnixTimestamp64Milli(toInt64(${ms}), 'UTC')`;
  return [
    ...(firstMs === undefined ? [] : [`time >= ${moment(firstMs)}`]),
    ...(lastMs === undefined ? [] : [`time <= ${moment(lastMs)}`]),
  ];
}

/** A string literal of ClickHouse. */
function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
