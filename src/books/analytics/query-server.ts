import { once } from 'node:events';
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { QueueCounts } from '#base/domain/queue';
import { promise } from '#base/std/held-connection';
import { systemClock } from '#base/std/system-clock';
import { withSocketPath } from '#shares/sharelog/journal/socket-path';
import { effectiveFormat } from './formats.ts';
import { errors, type Query, type Refusal } from './query.ts';
import { checkWhole } from './query-check.ts';
import { type Turn, Turns } from './turns.ts';
import type { Warehouse } from './warehouse.ts';

/** The statement as sent; the gate has its own limit, in characters. */
const BODY_BYTES_MAX = 256 * 1024;
/** Queries at a time; the engine's threads serve the shipper too. */
const QUERIES_MAX = 2;
/** Queries that wait for their turn, or for their reader. */
const WAITING_MAX = 16;
/** A reader that takes nothing for so long is cut off: the engine keeps memory for its query. */
const READER_MS_MAX = 10 * 60_000;

/** Where the child of a pool serves queries, in the data folder. */
export const SOCKET_FILE = 'analytics.sock';
/** Where a child that `sluice sql` started on a stopped pool serves that command alone. */
export const OWN_SOCKET_FILE = 'sql.sock';
/** The trailer that says why a result is not whole, percent-encoded. */
export const CUT_TRAILER = 'x-sluice-cut';
/** The headers of an answer: ClickHouse's number and name of a refusal's error, or the result's format and ClickHouse's time zone. */
export const ERROR_HEADER = 'x-sluice-error';
export const FORMAT_HEADER = 'x-sluice-format';
export const TIMEZONE_HEADER = 'x-sluice-timezone';
/** The body's type if it is a `Query` as JSON, and not the statement alone. */
export const QUERY_TYPE = 'application/json';
/** POST: the tables are frozen until the client closes the connection. */
export const FREEZE_PATH = '/freeze';

export interface QueryServerModules {
  readonly warehouse: Warehouse;
  /** Resolves when a query will see what was acknowledged before it, or when that takes too long. */
  readonly caughtUp: () => Promise<void>;
  /** Freezes the tables for a backup, and resolves with what the client is told. */
  readonly freeze: () => Promise<string>;
}

/**
 * SQL for this machine's user, on a socket that only its owner may open: POST /?format=TSV with the statement as the body, or
 * POST / with a `Query` as JSON. 200 and the result, or 400 (refused or failed), 413, 503 (too many at a time) and the reason as text. A result that fails
 * half-way ends with a trailer that says so. A client that closes its connection ends its query in the engine.
 */
export class QueryServer {
  readonly #modules: QueryServerModules;
  readonly #server: Server;
  readonly #turns = new Turns({ turnsMax: QUERIES_MAX, ownersMax: QUERIES_MAX + WAITING_MAX }, systemClock);
  #busy = 0;
  #isFrozen = false;

  constructor(modules: QueryServerModules) {
    this.#modules = modules;
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  /** True while a query wants the engine: its reader is not the one that is waited for. */
  get busy(): boolean {
    return this.#busy > 0;
  }

  /** Queries that wait for their turn. */
  get queries(): QueueCounts {
    return this.#turns.counts;
  }

  /** The caller's umask keeps everybody else out from the first moment. */
  async listen(folder: string, file: string): Promise<void> {
    // Left over from a process that was killed; the caller holds the folder's lock.
    rmSync(join(folder, file), { force: true });
    // Not with a umask of its own: that is the whole process's, and ClickHouse's threads make folders meanwhile.
    await withSocketPath(
      folder,
      file,
      (path) =>
        new Promise<void>((resolve, reject) => {
          this.#server.once('error', reject);
          this.#server.listen(path, resolve);
        }),
    );
    chmodSync(join(folder, file), 0o600);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refuse = (status: number, reason: string, error?: Pick<Refusal, 'code' | 'name'>): void => {
      const named = error && { [ERROR_HEADER]: `${error.code} ${error.name}` };
      response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', ...named }).end(`${reason}\n`);
    };
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    try {
      // Whoever waits knows that somebody is here, however long the answer takes.
      response.writeContinue();
      if (request.url === FREEZE_PATH && request.method === 'POST') return await this.#freeze(response);
      if (request.method !== 'POST') return refuse(400, 'send the query with POST');
      const body = await bodyOf(request);
      if (body === undefined) return refuse(413, 'the query is too long', errors.syntax);
      const { warehouse } = this.#modules;
      const query = queryOf(request, body);
      const refusal = checkWhole(query, warehouse.database, await warehouse.functions());
      if (refusal !== undefined) return refuse(400, refusal.reason, refusal);
      const ran = await this.#turns.run(gone.signal, (turn) => this.#run(query, response, turn, gone.signal));
      if (!ran) refuse(503, 'too many queries at a time', errors.tooMany);
    } catch (error) {
      if (response.destroyed) return;
      const reason = reasonOf(error);
      if (!response.headersSent) return refuse(400, reason);
      response.addTrailers({ [CUT_TRAILER]: encodeURIComponent(reason) });
      response.end();
    }
  }

  /** One at a time: a second one would remove what the first one copies. */
  async #freeze(response: ServerResponse): Promise<void> {
    if (this.#isFrozen) {
      response.writeHead(409).end('another backup of this data folder is under way: wait for it\n');
      return;
    }
    this.#isFrozen = true;
    const thaw = (): void => {
      void this.#modules.warehouse.thaw().finally(() => {
        this.#isFrozen = false;
      });
    };
    try {
      this.#busy += 1;
      const answer = await this.#modules.freeze().finally(() => {
        this.#busy -= 1;
      });
      if (response.destroyed) thaw();
      else promise(response, answer, thaw);
    } catch (error) {
      thaw();
      throw error;
    }
  }

  async #run(query: Query, response: ServerResponse, turn: Turn, signal: AbortSignal): Promise<void> {
    this.#busy += 1;
    try {
      await this.#modules.caughtUp();
      signal.throwIfAborted();
      const { warehouse } = this.#modules;
      const timezone = await warehouse.timezone();
      const stream = await warehouse.query(query, signal);
      response.writeHead(200, {
        'content-type': 'application/octet-stream',
        trailer: CUT_TRAILER,
        [FORMAT_HEADER]: effectiveFormat(query),
        [TIMEZONE_HEADER]: timezone,
      });
      await this.#send(stream, response, turn, signal);
    } finally {
      this.#busy -= 1;
    }
    response.end();
  }

  /** Passes the result on. While the reader is slow another query has the turn. */
  async #send(stream: Readable, response: ServerResponse, turn: Turn, signal: AbortSignal): Promise<void> {
    for await (const chunk of stream) {
      if (response.write(chunk)) continue;
      this.#busy -= 1;
      try {
        const late = AbortSignal.timeout(READER_MS_MAX);
        await turn.pausedFor(once(response, 'drain', { signal: AbortSignal.any([signal, late]) }).then(() => {}));
      } finally {
        this.#busy += 1;
      }
    }
  }
}

/** The body as text; undefined where it is too long. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The query of a request whose body has come. Throws if the body is no `Query`. */
function queryOf(request: IncomingMessage, body: string): Query {
  if (request.headers['content-type'] === QUERY_TYPE) {
    const query: unknown = JSON.parse(body);
    if (!isQuery(query)) throw new Error('the body is no query');
    return query;
  }
  return { sql: body, format: new URL(request.url ?? '/', 'http://socket').searchParams.get('format') ?? 'TSV' };
}

function isQuery(value: unknown): value is Query {
  const {
    sql,
    format,
    database = '',
    parameters = {},
    settings = {},
  } = (value ?? {}) as Partial<Record<keyof Query, unknown>>;
  const texts = (map: unknown): boolean =>
    typeof map === 'object' && map !== null && Object.values(map).every((text) => typeof text === 'string');
  return [sql, format, database].every((text) => typeof text === 'string') && texts(parameters) && texts(settings);
}

/** The engine's words. Those of a server come apart. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, type } = error as Partial<Record<'code' | 'type', string>>;
  const apart = type !== undefined && /^\d+$/.test(code ?? '') && !error.message.startsWith('Code: ');
  return apart ? `Code: ${code}. DB::Exception: ${error.message.trim()} (${type})` : error.message;
}
