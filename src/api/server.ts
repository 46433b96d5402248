import type { Logger } from '../domain/ports.ts';
import { App, type HttpRequest, type HttpResponse, listenUws } from '../uws.ts';
import { type Admin, answerAdmin } from './admin.ts';
import { TokenGuard } from './admin-token.ts';
import { type FindMiner, MINER_PATHS, minerRoute } from './miners.ts';
import { type Answer, json, respond } from './response.ts';
import { type ApiSources, createRoutes, type Route } from './routes.ts';
import { sharedFind } from './shared-find.ts';

export interface ApiOptions {
  /** IPv6 without brackets. */
  readonly host: string;
  /** 0: the system chooses. */
  readonly port: number;
}

export interface ApiModules extends ApiSources {
  readonly logger: Logger;
  /** What is for operators alone. */
  readonly admin?: Admin;
  /** Monotonic, ms; the system's where it is not given. */
  readonly monotonicMs?: () => number;
}

export interface Api {
  /** `host:port` as bound, IPv6 in brackets. */
  readonly address: string;
  /** Stops listening and drops what is open. Safe to call twice. */
  close(): void;
}

const ALLOW = 'GET, HEAD, OPTIONS';

/** Answers that wait at one time: `/metrics` and miners make somebody wait. More are turned away, and nobody is asked for them. */
const WAITING_MAX = 256;
const TOO_MANY = 'too many requests wait for this answer';

/** Starts the HTTP API. Rejects where the address can not be had. Slow and silent clients are dropped by uWebSockets.js after 10 s. */
export async function startApi({ host, port }: ApiOptions, modules: ApiModules): Promise<Api> {
  const routes = createRoutes(modules);
  const monotonicMs = modules.monotonicMs ?? (() => performance.now());
  const find = sharedFind(modules.miner, monotonicMs);
  const token = modules.admin?.token;
  const guard = token === undefined ? undefined : new TokenGuard(token, monotonicMs);
  let waiting = 0;
  const miner: FindMiner = async (address, page) =>
    waiting < WAITING_MAX ? find(address, page) : { kind: 'unavailable', reason: TOO_MANY };

  /** Answers at once where it can. Nothing here may throw: uWebSockets.js ends the process then. */
  function serve(response: HttpResponse, request: HttpRequest): void {
    const method = request.getMethod();
    const path = request.getUrl();
    const bare = method === 'head';
    const answer =
      forOperators(method, path, request, response, modules, guard) ??
      plan(method, path, request.getQuery() ?? '', routes, { ...modules, miner });
    if (!(answer instanceof Promise)) {
      respond(response, answer, bare);
      return;
    }
    if (waiting >= WAITING_MAX) {
      answer.catch(() => undefined);
      respond(response, json('503 Service Unavailable', { error: TOO_MANY }), bare);
      return;
    }
    let aborted = false;
    response.onAborted(() => {
      aborted = true;
    });
    waiting++;
    answer
      .catch((error: unknown) => failed(path, error, modules.logger))
      .then((settled) => {
        waiting--;
        if (!aborted) respond(response, settled, bare);
      });
  }

  const app = App().any('/*', serve);
  const listening = await listenUws(app, host, port);
  let open = true;
  return {
    address: host.includes(':') ? `[${host}]:${listening.port}` : `${host}:${listening.port}`,
    close() {
      if (open) app.close();
      open = false;
    },
  };
}

function forOperators(
  method: string,
  path: string,
  request: HttpRequest,
  response: HttpResponse,
  { admin, logger }: ApiModules,
  guard: TokenGuard | undefined,
): Answer | undefined {
  if (admin === undefined) return undefined;
  try {
    const [query, authorization] = [request.getQuery() ?? '', request.getHeader('authorization')];
    const address = Buffer.from(response.getRemoteAddressAsText()).toString('latin1');
    return answerAdmin({ method, path, query, authorization, address }, admin, guard);
  } catch (error) {
    return failed(path, error, logger);
  }
}

function plan(
  method: string,
  path: string,
  query: string,
  routes: ReadonlyMap<string, Route>,
  { miner, logger }: ApiModules,
): Answer | Promise<Answer> {
  const route = routes.get(path) ?? minerRoute(path, query, miner);
  if (route === undefined) {
    const paths = [...routes.keys(), ...MINER_PATHS];
    return json('404 Not Found', { error: 'there is nothing at this path', paths });
  }
  if (method === 'options') return { status: '204 No Content', type: '', body: '', allow: ALLOW };
  if (method !== 'get' && method !== 'head') return json('405 Method Not Allowed', { error: `use ${ALLOW}` }, ALLOW);
  try {
    return route();
  } catch (error) {
    return failed(path, error, logger);
  }
}

/** The fault is the pool's: its log hears of it, the client does not. */
function failed(path: string, error: unknown, logger: Logger): Answer {
  logger.error({ path, err: error }, 'an API request failed');
  return json('500 Internal Server Error', { error: 'internal error' });
}
