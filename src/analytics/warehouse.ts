import type { Readable } from 'node:stream';
import type { BatchKind, Column } from '../sharelog/rows.ts';
import { migrations } from './migrations.ts';

/** Rows of one kind, to be inserted exactly once however often it is tried. */
export interface Insert {
  readonly table: BatchKind;
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
  /** A name that tells this ClickHouse from others, without secrets. */
  readonly name: string;
  readonly database: string;
  /** Runs a statement; rejects where it failed. */
  command(sql: string): Promise<void>;
  /** The first column of the result, as text. */
  column(sql: string): Promise<readonly string[]>;
  /** Rejects where the rows may not be in; then try again with the same token. */
  insert(insert: Insert): Promise<void>;
  /** The names of the engine's functions, in lower case: what the gate is asked with. */
  functions(): Promise<ReadonlySet<string>>;
  /**
   * Runs a statement that `checkQuery` has let pass, with all writing forbidden, under limits of time and memory. Rejects
   * with the engine's words where it fails before the first row; a stream that fails later is destroyed with an error. The
   * engine ends the query when the signal aborts.
   */
  query(sql: string, format: string, signal: AbortSignal): Promise<Readable>;
  close(): Promise<void>;
}

/** What a user's query may take. */
export const queryLimits = {
  /** Of a streamed result: until the next rows. */
  secondsMax: 60,
  memoryBytesMax: 1024 * 1024 * 1024,
  /** Of a result that can not be streamed. */
  resultBytesMax: 256 * 1024 * 1024,
} as const;

/** Brings the schema to this version's, step by step; rejects where it is a later version's. */
export async function migrate(warehouse: Warehouse): Promise<void> {
  const { database } = warehouse;
  await warehouse.command(`CREATE DATABASE IF NOT EXISTS ${database}`);
  await warehouse.command(
    `CREATE TABLE IF NOT EXISTS ${database}.schema_migrations (version UInt32, applied DateTime DEFAULT now())
     ENGINE = ReplacingMergeTree ORDER BY version`,
  );
  const [applied = '0'] = await warehouse.column(`SELECT max(version) FROM ${database}.schema_migrations`);
  const latest = migrations.at(-1)?.version ?? 0;
  if (Number(applied) > latest) throw new Error(`the tables are of a later version of Sluice (schema ${applied})`);
  for (const { version, statements } of migrations) {
    if (version <= Number(applied)) continue;
    for (const statement of statements(database)) await warehouse.command(statement);
    await warehouse.command(`INSERT INTO ${database}.schema_migrations (version) VALUES (${version})`);
  }
}

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
