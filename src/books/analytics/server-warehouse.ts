import { Readable } from 'node:stream';
import { type ClickHouseClient, createClient, type DataFormat } from '@clickhouse/client';
import { effectiveFormat, jointOf } from './formats.ts';
import type { Query } from './query.ts';
import { engineSettings } from './query-settings.ts';
import { eachWithin, streamOf } from './result-stream.ts';
import {
  DATABASE_DEFAULT,
  FUNCTIONS_SQL,
  type Insert,
  insertSettings,
  queryLimits,
  type Warehouse,
} from './warehouse.ts';

/** How long one try of an insert may take; after it the same shipment is sent again. */
const REQUEST_MS_MAX = 60_000;

/** Where a ClickHouse server is. */
export interface ServerAddress {
  /** `http://host:port`. */
  readonly url: string;
  readonly username: string;
  readonly password: string;
  readonly database: string;
}

/** Reads `http[s]://user:password@host:port/database`; throws where it is something else. */
export function parseServerUrl(text: string): ServerAddress {
  if (!URL.canParse(text)) throw new Error('clickhouse.url is no URL');
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new Error('clickhouse.url must be http:// or https://');
  const database = decodeURIComponent(url.pathname.slice(1)) || DATABASE_DEFAULT;
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(database)) throw new Error(`clickhouse.url names no database: ${database}`);
  return {
    url: url.origin,
    username: decodeURIComponent(url.username) || 'default',
    password: decodeURIComponent(url.password),
    database,
  };
}

/** A ClickHouse server over HTTP. */
export function openServer(address: ServerAddress): Warehouse {
  return new ServerWarehouse(address);
}

class ServerWarehouse implements Warehouse {
  readonly name: string;
  readonly database: string;
  readonly #options: { readonly url: string; readonly username: string; readonly password: string };
  readonly #client: ClickHouseClient;
  readonly #queries: ClickHouseClient;
  #timezone: Promise<string> | undefined;

  constructor({ url, username, password, database }: ServerAddress) {
    this.name = `${url}/${database}`;
    this.database = database;
    const options = { url, username, password, request_timeout: REQUEST_MS_MAX };
    this.#options = options;
    // Two: before the first migration there is no such database, and a request that names it fails.
    this.#client = createClient(options);
    this.#queries = createClient({ ...options, database });
  }

  async command(sql: string, msMax = REQUEST_MS_MAX): Promise<void> {
    if (msMax === REQUEST_MS_MAX) {
      await this.#client.command({ query: sql });
      return;
    }
    const patient = createClient({ ...this.#options, request_timeout: msMax });
    try {
      await patient.command({ query: sql });
    } finally {
      await patient.close();
    }
  }

  async rows(sql: string): Promise<readonly (readonly string[])[]> {
    const result = await this.#client.query({ query: sql, format: 'JSONCompactEachRow' });
    return (await result.json<unknown[]>()).map((row) => row.map(String));
  }

  async insert({ table, columns, token, parts }: Insert): Promise<void> {
    const names = columns.map(([name]) => name).join(', ');
    const result = await this.#client.exec({
      query: `INSERT INTO ${this.database}.${table} (${names}) SETTINGS ${insertSettings(token)} FORMAT RowBinary`,
      values: Readable.from(parts.map((part) => Buffer.from(part.buffer, part.byteOffset, part.byteLength))),
    });
    // What an insert answers is empty; it must be read for the connection to be used again.
    for await (const _ of result.stream);
  }

  /** Asked anew each time: a server's administrator may make a function at any time. */
  async functions(): Promise<ReadonlySet<string>> {
    return new Set((await this.rows(FUNCTIONS_SQL)).flatMap(([name]) => name ?? []));
  }

  timezone(): Promise<string> {
    this.#timezone ??= this.rows('SELECT timezone()').then(([row]) => row?.[0] ?? 'UTC');
    this.#timezone.catch(() => {
      this.#timezone = undefined;
    });
    return this.#timezone;
  }

  async query(query: Query, signal: AbortSignal): Promise<Readable> {
    const late = new AbortController();
    const { sql, parameters = {}, settings = {} } = query;
    const streamed = jointOf(query) !== undefined;
    const result = await this.#queries.exec({
      query: sql,
      abort_signal: AbortSignal.any([signal, late.signal]),
      clickhouse_settings: {
        readonly: '1',
        default_format: effectiveFormat(query) as DataFormat,
        // A streamed result's reader may take any time.
        max_execution_time: streamed ? 0 : queryLimits.secondsMax,
        max_memory_usage: String(queryLimits.memoryBytesMax),
        // A client that closes its connection has no use for the rest.
        cancel_http_readonly_queries_on_client_close: 1,
        // `blocks` has a row for each state of a block; only the last one holds.
        final: 1,
        ...engineSettings(settings, streamed),
        // As the client wrote them: the HTTP interface takes a value as text.
        ...Object.fromEntries(Object.entries(parameters).map(([name, value]) => [`param_${name}`, value])),
      },
    });
    if (!streamed) return result.stream;
    const chunks = result.stream[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
    return streamOf(
      eachWithin(chunks, queryLimits.secondsMax * 1000, () => late.abort()),
      () => {},
    );
  }

  freeze(): Promise<void> {
    return Promise.reject(new Error('a ClickHouse server is backed up by its own means'));
  }

  async thaw(): Promise<void> {}

  async close(): Promise<void> {
    await Promise.all([this.#client.close(), this.#queries.close()]);
  }
}
