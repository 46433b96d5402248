import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { limits } from '#base/limits';
import { askQuery, NotRunningError, QueryError } from '#books/analytics/query-client';
import type { TokenGuard } from '../admin-token.ts';
import { sendException, sendResult } from './answer.ts';
import { type Exception, engineException, exception, named } from './exceptions.ts';
import { credentialOf, readRequest } from './request.ts';

export interface SqlDoorOptions {
  /** The data folder, on whose socket queries are answered. */
  readonly folder: string;
}

export interface SqlDoorModules {
  /** Undefined if the config has no token: then nobody may ask. */
  readonly guard: TokenGuard | undefined;
}

export interface SqlVisit {
  readonly path: string;
  /** The client's. */
  readonly address: string;
  /** Called if the client may ask: its answer may take longer than others. */
  readonly admitted: () => void;
}

const PING_PATH = '/sql/ping';
const QUERY_ID = /^[A-Za-z0-9_.:-]{1,128}$/;

/** Returns true if the path is of ClickHouse's HTTP interface as it is served here. */
export function isSqlPath(path: string): boolean {
  return path === '/sql' || path === '/sql/' || path === PING_PATH;
}

/**
 * ClickHouse's HTTP interface under /sql, for clients with the token: a query goes to the analytics process by the socket of the
 * data folder, and its result comes from there; the pool's process has no part in it. A client that goes away ends its query.
 */
export class SqlDoor {
  readonly #folder: string;
  readonly #guard: TokenGuard | undefined;
  /** Queries that wait, run or are read. */
  #open = 0;

  constructor({ folder }: SqlDoorOptions, { guard }: SqlDoorModules) {
    this.#folder = folder;
    this.#guard = guard;
  }

  /** Resolves when the answer is given, or the client is gone. */
  async serve(request: IncomingMessage, response: ServerResponse, visit: SqlVisit): Promise<void> {
    const { path, address } = visit;
    if (path === PING_PATH) {
      response.writeHead(200, { 'Content-Type': 'text/plain; charset=UTF-8' }).end('Ok.\n');
      return;
    }
    const url = new URLSearchParams((request.url ?? '').slice(path.length + 1));
    const refused = this.#refusal(request, url, address);
    if (refused !== undefined) return sendException(response, refused);
    visit.admitted();
    this.#open += 1;
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const asked = url.get('query_id') ?? '';
    const queryId = QUERY_ID.test(asked) ? asked : randomUUID();
    try {
      await this.#answer(request, response, url, queryId, gone.signal);
    } catch (error) {
      if (!response.headersSent && !response.destroyed) sendException(response, exceptionOf(error), queryId);
      else response.destroy();
    } finally {
      this.#open -= 1;
    }
  }

  #refusal(request: IncomingMessage, url: URLSearchParams, address: string): Exception | undefined {
    if (request.method !== 'GET' && request.method !== 'POST') {
      return exception('NOT_IMPLEMENTED', 'use GET or POST', 405);
    }
    if (this.#guard === undefined) {
      return exception('AUTHENTICATION_FAILED', 'this needs http.sql-token in the config; `sluice sql` does without');
    }
    const given = credentialOf(request, url);
    if (given === undefined)
      return exception('REQUIRED_PASSWORD', 'send http.sql-token as the password, or as a bearer');
    const verdict = this.#guard.checkToken(given, address);
    if (verdict === 'too-many') {
      return exception('AUTHENTICATION_FAILED', 'too many wrong tokens from this address: wait a few seconds', 429);
    }
    if (verdict !== 'right') return exception('AUTHENTICATION_FAILED', 'the password is not http.sql-token');
    if (this.#open < limits.sqlQueriesMax) return undefined;
    return exception('TOO_MANY_SIMULTANEOUS_QUERIES', `${limits.sqlQueriesMax} queries are under way: try again`);
  }

  async #answer(
    request: IncomingMessage,
    response: ServerResponse,
    url: URLSearchParams,
    queryId: string,
    signal: AbortSignal,
  ): Promise<void> {
    const read = await readRequest(request, url);
    if ('code' in read) return sendException(response, read, queryId);
    const result = await askQuery(this.#folder, read.query, { signal });
    try {
      await sendResult(request, response, result, { ...read, queryId }, exceptionOf);
    } finally {
      result.body.destroy();
    }
  }
}

/** What a client is told of a query that failed. Faults of the pool's own parts are in their own logs. */
function exceptionOf(error: unknown): Exception {
  if (error instanceof QueryError) {
    const { error: refusal, message } = error;
    return refusal === undefined
      ? (engineException(message) ?? exception('SYNTAX_ERROR', message))
      : named(refusal.code, refusal.name, message);
  }
  if (error instanceof NotRunningError)
    return exception('NETWORK_ERROR', 'analytics is off, or is starting: try again');
  return exception('NETWORK_ERROR', 'the query was ended');
}
