import { chmodSync } from 'node:fs';
import { open, unlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
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

/** In the data folder, which is the working folder. */
const ENGINE_FOLDER = 'chdb';
const SHIPMENT_FILE = 'shipment.rowbinary';

/**
 * ClickHouse as a library, in this process: only ever in a child process, which may be killed at any time. Rows go in
 * through a file, since this engine's insert by stream reads bytes as text. The engine reads patterns, archives and
 * options in paths, so it is given none that the operator chose: its own is relative to the working folder, and the
 * file's is that of an open descriptor.
 */
export async function openChdb(folder: string): Promise<Warehouse> {
  const { createChdbConnection } = await import('chdb/connection');
  process.chdir(folder);
  const path = ENGINE_FOLDER;
  makeFolder(path);
  try {
    // For its owner alone, also where an earlier version has made it.
    chmodSync(path, 0o700);
  } catch {
    // Another user's, or on a file system without modes: who may look into it is decided there.
  }
  const connect = (): ChdbConnection => createChdbConnection({ path });
  return new ChdbWarehouse(connect);
}

class ChdbWarehouse implements Warehouse {
  readonly name = 'embedded';
  readonly database = DATABASE;
  readonly #connect: () => ChdbConnection;
  readonly #client: ClickHouseClient;

  constructor(connect: () => ChdbConnection) {
    this.#connect = connect;
    // The connector implements the interface of another copy of the client's types.
    type Connection = NonNullable<ClickHouseClientConfigOptions['connection']>;
    this.#client = createClient({ connection: connect() as unknown as Connection });
  }

  async command(sql: string): Promise<void> {
    await this.#client.command({ query: sql });
  }

  async rows(sql: string): Promise<readonly (readonly string[])[]> {
    const result = await this.#client.query({ query: sql, format: 'JSONCompactEachRow' });
    return (await result.json<unknown[]>()).map((row) => row.map(String));
  }

  async insert({ table, columns, token, parts }: Insert): Promise<void> {
    await writeFile(SHIPMENT_FILE, parts);
    const names = columns.map(([name]) => name).join(', ');
    const structure = columns.map(([name, type]) => `${name} ${type}`).join(', ');
    const file = await open(SHIPMENT_FILE, 'r');
    try {
      // A file's rows come in one order only, so the engine may be told to deduplicate what it takes for a SELECT.
      await this.command(
        `INSERT INTO ${DATABASE}.${table} (${names})
         SETTINGS ${insertSettings(token)}, deduplicate_insert_select = 'force_enable', max_threads = 1
         SELECT * FROM file('/dev/fd/${file.fd}', 'RowBinary', ${quoted(structure)})`,
      );
    } finally {
      await file.close();
    }
    await unlink(SHIPMENT_FILE);
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

async function writeFile(path: string, parts: readonly Uint8Array[]): Promise<void> {
  const file = await open(path, 'w', 0o600);
  try {
    const { bytesWritten } = await file.writev(parts.map((part) => part));
    // A disk that is nearly full takes a part and calls that success.
    const bytes = parts.reduce((sum, part) => sum + part.byteLength, 0);
    if (bytesWritten !== bytes) throw new Error(`only ${bytesWritten} of ${bytes} bytes of a shipment were written`);
  } finally {
    await file.close();
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
