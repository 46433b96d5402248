import { chmodSync } from 'node:fs';
import { open, unlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type ClickHouseClient, type ClickHouseClientConfigOptions, createClient } from '@clickhouse/client';
import type { ChdbConnection } from 'chdb/connection';
import { makeFolder } from '../sharelog/make-folder.ts';
import { isStreamable } from './formats.ts';
import { type Insert, insertSettings, queryLimits, quoted, type Warehouse } from './warehouse.ts';

const DATABASE = 'sluice';

/** Whether this machine has the embedded ClickHouse: an optional package with a library for each platform. */
export function chdbInstalled(): boolean {
  try {
    const { tryResolveLibchdb } = createRequire(import.meta.url)('chdb/libchdb') as typeof import('chdb/libchdb');
    return tryResolveLibchdb() !== undefined;
  } catch {
    return false;
  }
}

/**
 * ClickHouse as a library, in this process: only ever in a child process, which may be killed at any time. Rows go in
 * through a file, since this engine's insert by stream reads bytes as text.
 */
export async function openChdb(folder: string): Promise<Warehouse> {
  const { createChdbConnection } = await import('chdb/connection');
  const path = join(folder, 'chdb');
  makeFolder(path);
  try {
    // For its owner alone, also where an earlier version has made it.
    chmodSync(path, 0o700);
  } catch {
    // Another user's, or on a file system without modes: who may look into it is decided there.
  }
  const connect = (): ChdbConnection => createChdbConnection({ path });
  return new ChdbWarehouse(connect, join(folder, 'shipment.rowbinary'));
}

class ChdbWarehouse implements Warehouse {
  readonly name = 'embedded';
  readonly database = DATABASE;
  readonly #connect: () => ChdbConnection;
  readonly #client: ClickHouseClient;
  readonly #file: string;

  constructor(connect: () => ChdbConnection, file: string) {
    this.#connect = connect;
    // The connector implements the interface of another copy of the client's types.
    type Connection = NonNullable<ClickHouseClientConfigOptions['connection']>;
    this.#client = createClient({ connection: connect() as unknown as Connection });
    this.#file = file;
  }

  async command(sql: string): Promise<void> {
    await this.#client.command({ query: sql });
  }

  async column(sql: string): Promise<readonly string[]> {
    const result = await this.#client.query({ query: sql, format: 'JSONCompactEachRow' });
    return (await result.json<unknown[]>()).map((row) => String(row[0]));
  }

  async insert({ table, columns, token, parts }: Insert): Promise<void> {
    const file = await open(this.#file, 'w', 0o600);
    try {
      const { bytesWritten } = await file.writev(parts.map((part) => part));
      // A disk that is nearly full takes a part and calls that success.
      const bytes = parts.reduce((sum, part) => sum + part.byteLength, 0);
      if (bytesWritten !== bytes) throw new Error(`only ${bytesWritten} of ${bytes} bytes of a shipment were written`);
    } finally {
      await file.close();
    }
    const names = columns.map(([name]) => name).join(', ');
    const structure = columns.map(([name, type]) => `${name} ${type}`).join(', ');
    // A file's rows come in one order only, so the engine may be told to deduplicate what it takes for a SELECT.
    await this.command(
      `INSERT INTO ${DATABASE}.${table} (${names})
       SETTINGS ${insertSettings(token)}, deduplicate_insert_select = 'force_enable', max_threads = 1
       SELECT * FROM file(${quoted(this.#file)}, 'RowBinary', ${quoted(structure)})`,
    );
    await unlink(this.#file);
  }

  async query(sql: string, format: string, signal: AbortSignal): Promise<Readable> {
    // A connection of its own: what a query sets or uses ends with it, and `readonly` can not be taken back.
    const connection = this.#connect();
    try {
      const { chdb } = connection;
      for (const statement of [`USE ${DATABASE}`, `SET ${querySettings()}`, 'SET readonly = 1']) {
        await chdb.queryAsync(statement);
      }
      if (!isStreamable(sql, format)) {
        const result = await chdb.queryAsync(sql, { format, signal });
        return Readable.from([Buffer.from(result.bytes())]).once('close', () => void connection.close());
      }
      const chunks = chdb.queryStream(sql, { format, signal })[Symbol.asyncIterator]();
      const first = await chunks.next();
      const bytes = async function* (): AsyncGenerator<Uint8Array> {
        try {
          for (let next = first; next.done !== true; next = await chunks.next()) yield next.value.raw();
        } finally {
          await chunks.return?.();
          await connection.close();
        }
      };
      return Readable.from(bytes());
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#client.close();
  }
}

function querySettings(): string {
  const settings: Readonly<Record<string, string | number>> = {
    max_execution_time: queryLimits.secondsMax,
    max_memory_usage: queryLimits.memoryBytesMax,
    max_result_bytes: queryLimits.resultBytesMax,
    result_overflow_mode: quoted('throw'),
    // The pool's own work comes first.
    max_threads: Math.max(1, availableParallelism() - 1),
    // `blocks` has a row for each state of a block; only the last one holds.
    final: 1,
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name} = ${value}`)
    .join(', ');
}
