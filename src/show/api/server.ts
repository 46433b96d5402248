import { createServer, type Server as HttpServer, type IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Ban, Clock } from '#base/domain/ports';
import { limits } from '#base/limits';
import { QueueMeter } from '#base/std/queue-meter';
import type { TokenGuard } from './admin-token.ts';
import { isBansPath } from './bans.ts';
import { Connection, type Exchange } from './connection.ts';
import { Faults } from './faults.ts';
import { LIVE_PATH } from './live/path.ts';
import type { HttpCounts, ServerStart } from './messages.ts';
import { pack } from './pack.ts';
import { internalError, problem } from './problem.ts';
import { allowOrigin, respond } from './respond.ts';
import type { Answer } from './response.ts';
import { createRoutes, type Route } from './routes.ts';
import { type ApiSources, Unavailable } from './sources.ts';
import { sendException } from './sql/answer.ts';
import { isSqlPath, SqlDoor } from './sql/door.ts';
import { exception } from './sql/exceptions.ts';
import type { Matched } from './v1/router.ts';
import type { V1 } from './v1/v1.ts';
import { Visitors } from './visitors.ts';

export type ServerOptions = Omit<ServerStart, 'bans' | 'sqlTokenDigest'>;

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

/** A request with what is taken out of it. */
interface Asked {
  readonly request: IncomingMessage;
  readonly path: string;
  /** As sent, without the question mark. */
  readonly query: string;
  /** The client's. */
  readonly address: string;
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
  /** Resolves when the places that have schemas are loaded: probes do not wait for them. */
  readonly #loading: Promise<V1>;
  #v1: V1 | undefined;
  readonly #origins: readonly string[];
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
    this.#sql = new SqlDoor(options, { guard: modules.sqlGuard });
    this.#faults = new Faults(modules.fault);
    this.#loading = this.#load(options);
    this.#loading.catch((error: unknown) => this.#faults.met('loading', error));
    this.#origins = options.origins;
    this.#visitors = new Visitors(options, modules);
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
    this.#server.on('upgrade', (request, socket: Socket, head) => this.#upgrade(request, socket, head));
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
    this.#v1?.close();
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

  async #load(options: ServerOptions): Promise<V1> {
    const { createV1 } = await import('./v1/v1.ts');
    this.#v1 = createV1(options, this.#modules);
    return this.#v1;
  }

  /** A live feed, or the end of the connection. */
  #upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    if (request.headers.upgrade?.toLowerCase() !== 'websocket') {
      this.#keep(request, socket);
      return;
    }
    this.#requests += 1;
    const refused = this.#refusal(request, socket);
    if (refused === undefined) {
      // A watcher may be silent; pings tell whether it is there.
      socket.setTimeout(0);
      this.#loading.then(
        ({ live }) => live.upgrade(request, socket, head),
        () => socket.destroy(),
      );
    } else {
      socket.end(`HTTP/1.1 ${refused}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    }
  }

  /** Why there is no live feed for a request; undefined if there is. */
  #refusal(request: IncomingMessage, socket: Socket): string | undefined {
    const { origin } = request.headers;
    if (pathOf(request) !== LIVE_PATH) return '404 Not Found';
    if (origin !== undefined && !('Access-Control-Allow-Origin' in allowOrigin(this.#origins, origin))) {
      return '403 Forbidden';
    }
    if (this.#connections.get(socket)?.visitor.take(limits.liveCost) === true) return undefined;
    this.#limited += 1;
    return '429 Too Many Requests';
  }

  /** A client that would rather speak another protocol, HTTP/2 as a rule, is answered in this one (RFC 9110, Upgrade). */
  #keep(request: IncomingMessage, socket: Socket): void {
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.once('finish', () => socket.end());
    this.#take(request, response);
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
      .then(async (answer) => {
        const { 'accept-encoding': acceptEncoding, 'if-none-match': ifNoneMatch, origin } = request.headers;
        const packed = await pack(answer, { acceptEncoding: textOf(acceptEncoding), ifNoneMatch });
        if (response.destroyed) return;
        bytes = respond(response, answer, packed, allowOrigin(this.#origins, origin));
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
    const query = (request.url ?? '').slice(path.length + 1);
    const isPlain = this.#routes.has(path) || isBansPath(path);
    const matched = isPlain ? undefined : (this.#v1 ?? (await this.#loading)).match(path, query);
    if (!visitor.take(matched?.endpoint.cost ?? 1)) {
      this.#limited += 1;
      return problem('429 Too Many Requests', 'too many requests: try again in a second');
    }
    if (this.#waiting.counts.depth >= limits.httpWaitingMax || this.#unsentBytes > limits.httpUnsentBytesMax) {
      this.#limited += 1;
      this.#waiting.refuse();
      return problem('503 Service Unavailable', TOO_MANY);
    }
    const enteredMs = this.#waiting.enter();
    try {
      return await this.#plan({ request, path, query, address: visitor.address }, matched);
    } finally {
      this.#waiting.serve(enteredMs);
    }
  }

  async #plan({ request, path, query, address }: Asked, matched: Matched | undefined): Promise<Answer> {
    const method = (request.method ?? '').toLowerCase();
    if (isBansPath(path)) {
      const authorization = request.headers.authorization ?? '';
      const answer = await this.#modules.admin({ method, path, query, authorization, address });
      if (answer !== undefined) return answer;
    }
    const route = this.#routes.get(path) ?? (matched && (() => matched.answer()));
    if (route === undefined) {
      const paths = [...this.#routes.keys(), ...(this.#v1?.endpoints ?? []).map((each) => each.path)];
      return problem('404 Not Found', 'there is nothing at this path', { paths });
    }
    if (method === 'options') return { status: '204 No Content', type: '', body: '', allow: ALLOW };
    if (method !== 'get' && method !== 'head') {
      return problem('405 Method Not Allowed', `use ${ALLOW}`, {}, ALLOW);
    }
    return route();
  }

  /** A path for the log: what miners choose is not in it. */
  #placeOf(path: string): string {
    if (this.#routes.has(path) || isSqlPath(path)) return path;
    return isBansPath(path) ? '/api/v1/bans' : (this.#v1?.match(path, '')?.endpoint.path ?? 'no path');
  }

  /** The fault is the pool's: its log hears of the first of each kind, the client does not. */
  #failed(path: string, error: unknown): Answer {
    if (error instanceof Unavailable) return problem('503 Service Unavailable', error.message);
    this.#faults.met(this.#placeOf(path), error);
    return internalError;
  }
}

function pathOf({ url = '' }: IncomingMessage): string {
  const end = url.indexOf('?');
  return end === -1 ? url : url.slice(0, end);
}

/** A header that Node joins with commas, though its type says that there may be several. */
function textOf(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : header?.join(', ');
}
