import { randomUUID } from 'node:crypto';
import { open, rm, unlink } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { Readable } from 'node:stream';
import { type ClickHouseClient, type ClickHouseClientConfigOptions, createClient } from '@clickhouse/client';
import type { ChdbConnection } from 'chdb/connection';
import { FROZEN_NAME, openEngine, RIGHTS_GIVEN_UP, SHADOW_FOLDER } from './chdb-engine.ts';
import { joinChunks } from './chunk-joins.ts';
import { effectiveFormat, jointOf } from './formats.ts';
import type { Query } from './query.ts';
import { engineSettings, settingList } from './query-settings.ts';
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
  #timezone: Promise<string> | undefined;

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

  timezone(): Promise<string> {
    this.#timezone ??= this.rows('SELECT timezone()').then(([row]) => row?.[0] ?? 'UTC');
    return this.#timezone;
  }

  async query(query: Query, signal: AbortSignal): Promise<Readable> {
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
    const { sql } = query;
    const format = effectiveFormat(query);
    const joint = jointOf(query);
    const whole = async (): Promise<Uint8Array> => (await chdb.queryAsync(sql, { format })).bytes();
    try {
      for (const statement of preparing(query, id, joint !== undefined)) await chdb.queryAsync(statement);
      if (joint === undefined) {
        const bytes = await whole();
        await ended();
        return Readable.from([Buffer.from(bytes)]);
      }
      // Throws at once, not with the first chunk, if the engine refuses the statement.
      const chunks = bytesOf(chdb.queryStream(sql, { format }));
      const bounded = eachWithin(chunks, queryLimits.secondsMax * 1000, () => late.abort());
      const joined = joint === 'plain' ? bounded : orWhole(joinChunks(joint, bounded), whole);
      return await streamOf(joined, ended);
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

/** A result without rows has no chunks, so its head is missing: then the engine gives it once more, as a whole. */
async function* orWhole(
  chunks: AsyncGenerator<Uint8Array>,
  whole: () => Promise<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const first = await chunks.next();
  if (first.done === true) {
    yield await whole();
    return;
  }
  yield first.value;
  yield* chunks;
}

/** The statements that make a connection a query's: without rights, with the client's parameters and settings, read-only. */
function preparing({ parameters = {}, settings = {} }: Query, id: string, streamed: boolean): readonly string[] {
  return [
    `USE ${DATABASE}`,
    RIGHTS_GIVEN_UP,
    ...Object.entries(parameters).map(([name, value]) => `SET param_${name} = ${quoted(value)}`),
    `SET ${settingList({ ...querySettings(id, streamed), ...engineSettings(settings, streamed) })}`,
    'SET readonly = 1',
  ];
}

/** `id` is what KILL QUERY finds the query by. A streamed result may be of any size, and its reader may take any time. */
function querySettings(id: string, streamed: boolean): Readonly<Record<string, string | number>> {
  return {
    log_comment: id,
    max_execution_time: streamed ? 0 : queryLimits.secondsMax,
    max_memory_usage: queryLimits.memoryBytesMax,
    max_result_bytes: streamed ? 0 : queryLimits.resultBytesMax,
    result_overflow_mode: 'throw',
    // The pool's own work comes first.
    max_threads: Math.max(1, availableParallelism() - 1),
    // `blocks` has a row for each state of a block; only the last one holds.
    final: 1,
  };
}
