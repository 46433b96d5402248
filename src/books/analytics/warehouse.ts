import type { Readable } from 'node:stream';
import type { Column, Table } from '#shares/sharelog/rows/rows';
import type { Query } from './query.ts';

/** Rows of one kind, to be inserted exactly once however often it is tried. */
export interface Insert {
  readonly table: Table;
  readonly columns: readonly Column[];
  /** The same for every try of the same rows, and of no others. */
  readonly token: string;
  /** RowBinary, one part after another. */
  readonly parts: readonly Uint8Array[];
}

/** The database of the embedded ClickHouse, and of a server whose URL names none. */
export const DATABASE_DEFAULT = 'sluice';

/** The name of every function that the engine knows, in lower case. */
export const FUNCTIONS_SQL = 'SELECT DISTINCT lower(name) FROM system.functions';

/** A ClickHouse: embedded or a server. */
export interface Warehouse {
  /** Where this ClickHouse is, without secrets. Two names may stand for one database: see `databaseId`. */
  readonly name: string;
  readonly database: string;
  /** Runs a statement; rejects if it failed, or took longer than `msMax` (default: as long as an insert may take). */
  command(sql: string, msMax?: number): Promise<void>;
  /** The rows of a result, each value as text. */
  rows(sql: string): Promise<readonly (readonly string[])[]>;
  /** Rejects where the rows may not be in; then try again with the same token. */
  insert(insert: Insert): Promise<void>;
  /** The names of the engine's functions, in lower case: what the gate is asked with. */
  functions(): Promise<ReadonlySet<string>>;
  /**
   * Makes links of all parts of the pool's tables as they are now, below `FROZEN_FOLDER`: to be called while nothing is
   * inserted. Rejects for a server, which is backed up by its own means.
   */
  freeze(): Promise<void>;
  /** Removes those links; also if there are none. */
  thaw(): Promise<void>;
  /**
   * Runs a query that `checkWhole` has let pass, with all writing forbidden, under limits of time and memory. Rejects
   * with the engine's words where it fails before the first row; a stream that fails later is destroyed with an error. The
   * engine ends the query when the signal aborts.
   */
  query(query: Query, signal: AbortSignal): Promise<Readable>;
  /** The time zone in which ClickHouse shows times of columns that have none of their own. */
  timezone(): Promise<string>;
  close(): Promise<void>;
}

/** What a user's query may take. */
export const queryLimits = {
  /** Of a streamed result: until the next rows. */
  secondsMax: 60,
  /** The most that a client may give a query in all. */
  askedSecondsMax: 3_600,
  memoryBytesMax: 1024 * 1024 * 1024,
  /** Of a result that can not be streamed. */
  resultBytesMax: 256 * 1024 * 1024,
} as const;

/** Settings of every insert, inline in the statement: chDB would keep settings sent beside it for later queries. */
export function insertSettings(token: string): string {
  return [
    `insert_deduplication_token = ${quoted(token)}`,
    // The rollups' views check the token for themselves, so a try that reached the table but not its views is completed.
    'deduplicate_blocks_in_dependent_materialized_views = 1',
    'async_insert = 0',
    'max_partitions_per_insert_block = 0',
    // One block and one part a partition, cut the same way on every try.
    'max_insert_threads = 1',
    'max_insert_block_size = 1048576',
    'min_insert_block_size_rows = 1048576',
    'min_insert_block_size_bytes = 0',
  ].join(', ');
}

/** A string literal of ClickHouse. */
export function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
