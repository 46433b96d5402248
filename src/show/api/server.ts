import { createServer, type Server as HttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Ban, Clock } from '#base/domain/ports';
import { limits } from '#base/limits';
import { QueueMeter } from '#base/std/queue-meter';
import type { TokenGuard } from './admin-token.ts';
import { isBansPath } from './bans.ts';
import { Connection, type Exchange } from './connection.ts';
import { Faults } from './faults.ts';
import type { HttpCounts } from './messages.ts';
import { costOf, type FindMiner, MINER_PATHS, minerRoute } from './miners.ts';
import { type Answer, internalError, json, respond } from './response.ts';
import { createRoutes, type Route } from './routes.ts';
import { sharedFind } from './shared-find.ts';
import { type ApiSources, Unavailable } from './sources.ts';
import { sendException } from './sql/answer.ts';
import { isSqlPath, SqlDoor } from './sql/door.ts';
import { exception } from './sql/exceptions.ts';
import { Visitors } from './visitors.ts';

export interface ServerOptions {
  /** IPv6 without brackets. */
  readonly host: string;
  /** 0: the system chooses. */
  readonly port: number;
  /** Addresses and ranges without limits per address, and those that are always refused. */
  readonly allow: readonly string[];
  readonly deny: readonly string[];
  /** The data folder, on whose socket queries are answered. */
  readonly folder: string;
}

export interface ServerModules extends ApiSources {
  readonly clock: Clock;
  /** An exception was met: the first of its kind. */
  readonly fault: (path: string, error: unknown) => void;
  /** Looks at the tokens of those who ask for SQL; undefined if nobody may. */
  readonly sqlGuard: TokenGuard | undefined;
}

/** HTTP as it listens. */
export interface Server {
  readonly port: number;
  counts(): HttpCounts;
  /** Closes all connections that a ban covers, and refuses new ones from there. */
  ban(ban: Ban): void;
  pardon(address: string): void;
  /** Stops listening and closes open connections. Safe to call twice. */
  close(): Promise<void>;
}

const ALLOW = 'GET, HEAD, OPTIONS';
const LOOK_MS = 1000;
const TOO_OFTEN = exception('TOO_MANY_SIMULTANEOUS_QUERIES', 'too many requests: try again in a second', 429);
const TOO_MANY = 'too many requests wait for this answer';

/** Starts HTTP. Rejects if the address can not be had. */
export async function startServer(options: ServerOptions, modules: ServerModules): Promise<Server> {
  const server = new ApiServer(options, modules);
  await server.listen(options);
  return server;
}

class ApiServer implements Server {
  readonly #modules: ServerModules;
  readonly #routes: ReadonlyMap<string, Route>;
  readonly #find: FindMiner;
  readonly #sql: SqlDoor;
  readonly #visitors: Visitors;
  readonly #faults: Faults;
  readonly #server: HttpServer;
  readonly #connections = new Map<Socket, Connection>();
  readonly #looker: NodeJS.Timeout;
  /** Answers that are being made. */
  readonly #waiting: QueueMeter;
  /** Bytes of answers that are not read yet. */
  #unsentBytes = 0;
  #requests = 0;
  #refused = 0;
  #limited = 0;

  constructor(options: ServerOptions, modules: ServerModules) {
    this.#modules = modules;
    this.#waiting = new QueueMeter(modules.clock);
    this.#routes = createRoutes(modules);
    this.#find = sharedFind(modules.miner, () => modules.clock.monotonicMs());
    this.#visitors = new Visitors(options, modules);
    this.#sql = new SqlDoor(options, { guard: modules.sqlGuard });
    this.#faults = new Faults(modules.fault);
    this.#server = createServer(
      {
        maxHeaderSize: limits.httpHeaderBytesMax,
        headersTimeout: limits.httpRequestMsMax,
        requestTimeout: limits.httpRequestMsMax,
        keepAliveTimeout: limits.httpIdleMsMax,
        connectionsCheckingInterval: LOOK_MS,
      },
      (request, response) => this.#take(request, response),
    );
    this.#server.timeout = limits.httpIdleMsMax;
    this.#server.on('connection', (socket) => this.#enter(socket));
    this.#looker = setInterval(() => this.#look(), LOOK_MS).unref();
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  listen({ host, port }: ServerOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', () => {
        clearInterval(this.#looker);
        reject(new Error(`cannot listen on ${host}:${port}: the address is in use or not of this machine`));
      });
      this.#server.listen(port, host, resolve);
    });
  }

  counts(): HttpCounts {
    const { count: faults } = this.#faults;
    return {
      requests: this.#requests,
      refused: this.#refused,
      limited: this.#limited,
      faults,
      waiting: this.#waiting.counts,
    };
  }

  ban(ban: Ban): void {
    this.#visitors.ban(ban);
    for (const connection of this.#connections.values()) {
      if (this.#visitors.refuses(connection.visitor.address)) connection.close();
    }
  }

  pardon(address: string): void {
    this.#visitors.pardon(address);
  }

  close(): Promise<void> {
    clearInterval(this.#looker);
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      for (const connection of this.#connections.values()) connection.close();
    });
  }

  #enter(socket: Socket): void {
    const visitor = this.#visitors.enter(socket.remoteAddress ?? '');
    if (visitor === undefined) {
      this.#refused += 1;
      socket.destroy();
      return;
    }
    const serve = (exchange: Exchange, connection: Connection): void => this.#serve(exchange, connection);
    this.#connections.set(socket, new Connection(socket, visitor, serve));
    socket.once('close', () => {
      this.#connections.delete(socket);
      visitor.leave();
    });
  }

  #look(): void {
    const nowMs = this.#modules.clock.monotonicMs();
    for (const connection of this.#connections.values()) connection.look(nowMs);
    this.#visitors.sweep();
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    this.#requests += 1;
    this.#connections.get(request.socket)?.take({ request, response }, this.#modules.clock.monotonicMs());
  }

  #serve({ request, response }: Exchange, connection: Connection): void {
    let bytes = 0;
    response.once('close', () => {
      this.#unsentBytes -= bytes;
      connection.done(this.#modules.clock.monotonicMs());
    });
    const path = pathOf(request);
    if (isSqlPath(path)) {
      this.#serveSql({ request, response }, path, connection);
      return;
    }
    this.#answer(request, path, connection)
      .catch((error: unknown) => this.#failed(path, error))
      .then((answer) => {
        if (response.destroyed) return;
        bytes = respond(response, answer);
        this.#unsentBytes += bytes;
      })
      // The response can not be written, which is the pool's fault as well.
      .catch((error: unknown) => {
        this.#failed(path, error);
        connection.close();
      });
  }

  #serveSql({ request, response }: Exchange, path: string, connection: Connection): void {
    if (!connection.visitor.take(1)) {
      this.#limited += 1;
      sendException(response, TOO_OFTEN);
      return;
    }
    const admitted = (): void => connection.wait();
    this.#sql
      .serve(request, response, { path, address: connection.visitor.address, admitted })
      .catch((error: unknown) => {
        this.#failed(path, error);
        connection.close();
      });
  }

  async #answer(request: IncomingMessage, path: string, { visitor }: Connection): Promise<Answer> {
    if (!visitor.take(costOf(path))) {
      this.#limited += 1;
      return json('429 Too Many Requests', { error: 'too many requests: try again in a second' });
    }
    if (this.#waiting.counts.depth >= limits.httpWaitingMax || this.#unsentBytes > limits.httpUnsentBytesMax) {
      this.#limited += 1;
      this.#waiting.refuse();
      return json('503 Service Unavailable', { error: TOO_MANY });
    }
    const enteredMs = this.#waiting.enter();
    try {
      return await this.#plan(request, path, visitor.address);
    } finally {
      this.#waiting.serve(enteredMs);
    }
  }

  async #plan(request: IncomingMessage, path: string, address: string): Promise<Answer> {
    const method = (request.method ?? '').toLowerCase();
    const query = (request.url ?? '').slice(path.length + 1);
    if (isBansPath(path)) {
      const authorization = request.headers.authorization ?? '';
      const answer = await this.#modules.admin({ method, path, query, authorization, address });
      if (answer !== undefined) return answer;
    }
    const route = this.#routes.get(path) ?? minerRoute(path, query, this.#find);
    if (route === undefined) {
      const paths = [...this.#routes.keys(), ...MINER_PATHS];
      return json('404 Not Found', { error: 'there is nothing at this path', paths });
    }
    if (method === 'options') return { status: '204 No Content', type: '', body: '', allow: ALLOW };
    if (method !== 'get' && method !== 'head') return json('405 Method Not Allowed', { error: `use ${ALLOW}` }, ALLOW);
    return route();
  }

  /** The fault is the pool's: its log hears of the first of each kind, the client does not. */
  #failed(path: string, error: unknown): Answer {
    if (error instanceof Unavailable) return json('503 Service Unavailable', { error: error.message });
    this.#faults.met(routeOf(path, this.#routes), error);
    return internalError;
  }
}

function pathOf({ url = '' }: IncomingMessage): string {
  const end = url.indexOf('?');
  return end === -1 ? url : url.slice(0, end);
}

/** A path for the log: what miners choose is not in it. */
function routeOf(path: string, routes: ReadonlyMap<string, Route>): string {
  if (routes.has(path) || isSqlPath(path)) return path;
  return isBansPath(path) ? '/api/v1/bans' : (MINER_PATHS[0] ?? '');
}
