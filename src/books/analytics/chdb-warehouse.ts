import { randomUUID } from 'node:crypto';
import { open, rm, unlink } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { Readable } from 'node:stream';
import { type ClickHouseClient, type ClickHouseClientConfigOptions, createClient } from '@clickhouse/client';
import type { ChdbConnection } from 'chdb/connection';
import { FROZEN_NAME, openEngine, RIGHTS_GIVEN_UP, SHADOW_FOLDER } from './chdb-engine.ts';
import { isStreamable } from './formats.ts';
import { eachWithin, once, streamOf } from './result-stream.ts';
import {
  DATABASE_DEFAULT as DATABASE,
  FUNCTIONS_SQL,
  type Insert,
  insertSettings,
  queryLimits,
  quoted,
  type Warehouse,
} from './warehouse.ts';

/** A query that is to end is killed again until it has: it may not have begun yet. */
const KILL_EVERY_MS = 200;

/** In the data folder, which is the working folder. */
const SHIPMENT_FILE = 'shipment.rowbinary';

/**
 * ClickHouse as a library, in this process: only ever in a child process, which may be killed at any time. Rows go in
 * through a file, since this engine's insert by stream reads bytes as text. The engine reads patterns, archives and
 * options in paths, so it is given none that the operator chose: its own is relative to the working folder, and the
 * file's is that of an open descriptor.
 */
export async function openChdb(folder: string): Promise<Warehouse> {
  const warehouse = new ChdbWarehouse(await openEngine(folder));
  // Left over if the process was killed meanwhile.
  await warehouse.thaw();
  return warehouse;
}

class ChdbWarehouse implements Warehouse {
  readonly name = 'embedded';
  readonly database = DATABASE;
  readonly #connect: () => ChdbConnection;
  readonly #client: ClickHouseClient;
  #functions: Promise<ReadonlySet<string>> | undefined;

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

  functions(): Promise<ReadonlySet<string>> {
    // The engine is part of this process: its functions are always the same.
    this.#functions ??= this.rows(FUNCTIONS_SQL).then((rows) => new Set(rows.flatMap(([name]) => name ?? [])));
    return this.#functions;
  }

  async query(sql: string, format: string, signal: AbortSignal): Promise<Readable> {
    // A connection of its own: what a query sets or uses ends with it, and `readonly` can not be taken back.
    const connection = this.#connect();
    const late = new AbortController();
    const id = randomUUID();
    const killed = this.#killOnAbort(id, AbortSignal.any([signal, late.signal]));
    const ended = once(async () => {
      killed.stop();
      await connection.close();
    });
    const { chdb } = connection;
    const streamed = isStreamable(sql, format);
    try {
      const settings = querySettings(id, streamed);
      for (const statement of [`USE ${DATABASE}`, RIGHTS_GIVEN_UP, `SET ${settings}`, 'SET readonly = 1']) {
        await chdb.queryAsync(statement);
      }
      if (!streamed) {
        const result = await chdb.queryAsync(sql, { format });
        await ended();
        return Readable.from([Buffer.from(result.bytes())]);
      }
      // Throws at once, not with the first chunk, if the engine refuses the statement.
      const chunks = bytesOf(chdb.queryStream(sql, { format }));
      const bounded = eachWithin(chunks, queryLimits.secondsMax * 1000, () => late.abort());
      return await streamOf(bounded, ended);
    } catch (error) {
      await ended();
      throw error;
    }
  }

  /**
   * Has the engine end the query with this id when the signal aborts. The engine's own way to abort a query leaves the query
   * running; KILL QUERY ends it.
   */
  #killOnAbort(id: string, signal: AbortSignal): { stop(): void } {
    let timer: NodeJS.Timeout | undefined;
    const kill = (): void => {
      this.command(`KILL QUERY WHERE Settings['log_comment'] = ${quoted(id)} ASYNC`).catch(() => {});
    };
    const aborted = (): void => {
      kill();
      timer = setInterval(kill, KILL_EVERY_MS);
    };
    signal.addEventListener('abort', aborted, { once: true });
    return {
      stop() {
        signal.removeEventListener('abort', aborted);
        clearInterval(timer);
      },
    };
  }

  async freeze(): Promise<void> {
    await this.thaw();
    const tables = await this.rows(
      `SELECT name FROM system.tables WHERE database = '${DATABASE}' AND engine LIKE '%MergeTree'`,
    );
    for (const [name = ''] of tables) {
      await this.command(`ALTER TABLE ${DATABASE}.${name} FREEZE WITH NAME '${FROZEN_NAME}'`);
    }
  }

  thaw(): Promise<void> {
    return rm(SHADOW_FOLDER, { recursive: true, force: true });
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

/** The bytes of a result as they come from the engine. */
async function* bytesOf(chunks: AsyncIterable<{ raw(): Uint8Array }>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) yield chunk.raw();
}

/** `id` is what KILL QUERY finds the query by. A streamed result may be of any size, and its reader may take any time. */
function querySettings(id: string, streamed: boolean): string {
  const settings: Readonly<Record<string, string | number>> = {
    log_comment: quoted(id),
    max_execution_time: streamed ? 0 : queryLimits.secondsMax,
    max_memory_usage: queryLimits.memoryBytesMax,
    max_result_bytes: streamed ? 0 : queryLimits.resultBytesMax,
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
