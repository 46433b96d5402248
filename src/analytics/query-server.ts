import { chmodSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { withSocketPath } from '../sharelog/socket-path.ts';
import { isFormatName } from './formats.ts';
import { checkQuery } from './sql-gate.ts';
import type { Warehouse } from './warehouse.ts';

/** The statement as sent; the gate has its own limit, in characters. */
const BODY_BYTES_MAX = 256 * 1024;
/** Queries at a time; the engine's threads serve the shipper too. */
const QUERIES_MAX = 2;
const WAITING_MAX = 16;

/** Where the child serves queries, in the data folder. */
export const SOCKET_FILE = 'analytics.sock';

export interface QueryServerModules {
  readonly warehouse: Warehouse;
  /** Resolves when a query will see what was acknowledged before it, or when that takes too long. */
  readonly caughtUp: () => Promise<void>;
}

/**
 * SQL for this machine's user, on a socket that only its owner may open: POST /?format=TSV with the statement as the body.
 * 200 and the result, or 400 (refused or failed), 413, 503 (too many at a time) and the reason as text.
 */
export class QueryServer {
  readonly #modules: QueryServerModules;
  readonly #server: Server;
  #running = 0;
  #waiting: (() => void)[] = [];

  constructor(modules: QueryServerModules) {
    this.#modules = modules;
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  /** The caller's umask keeps everybody else out from the first moment. */
  async listen(folder: string): Promise<void> {
    // Left over from a process that was killed; the caller holds the folder's lock.
    rmSync(join(folder, SOCKET_FILE), { force: true });
    // Not with a umask of its own: that is the whole process's, and ClickHouse's threads make folders meanwhile.
    await withSocketPath(
      folder,
      SOCKET_FILE,
      (path) =>
        new Promise<void>((resolve, reject) => {
          this.#server.once('error', reject);
          this.#server.listen(path, resolve);
        }),
    );
    chmodSync(join(folder, SOCKET_FILE), 0o600);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refuse = (status: number, reason: string): void => {
      response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${reason}\n`);
    };
    try {
      // Whoever waits knows that somebody is here, however long the answer takes.
      response.writeContinue();
      const sql = await bodyOf(request);
      if (sql === undefined) return refuse(413, 'the query is too long');
      const format = new URL(request.url ?? '/', 'http://socket').searchParams.get('format') ?? 'TSV';
      if (!isFormatName(format)) return refuse(400, 'that is no name of a format');
      const reason = request.method === 'POST' ? checkQuery(sql) : 'send the query with POST';
      if (reason !== undefined) return refuse(400, reason);
      if (this.#waiting.length >= WAITING_MAX) return refuse(503, 'too many queries at a time');
      await this.#inTurn(() => this.#run(sql, format, response));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (response.headersSent) response.destroy();
      else refuse(400, reason);
    }
  }

  async #run(sql: string, format: string, response: ServerResponse): Promise<void> {
    await this.#modules.caughtUp();
    if (response.destroyed) return;
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const stream = await this.#modules.warehouse.query(sql, format, gone.signal);
    response.writeHead(200, { 'content-type': 'application/octet-stream' });
    await pipeline(stream, response);
  }

  async #inTurn(run: () => Promise<void>): Promise<void> {
    if (this.#running >= QUERIES_MAX) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running += 1;
    try {
      await run();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
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
