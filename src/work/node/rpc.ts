import { readFile } from 'node:fs/promises';
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { QueueCounts } from '#base/domain/queue';
import { Lane } from './lane.ts';

/**
 * Why a call has no result.
 * `unreachable`: the connection failed, or the node is too busy to answer (HTTP 5xx without JSON). A repeat may work.
 * `late`: no answer came in time.
 * `unauthorized`: the node refuses the user name or password (HTTP 401).
 * `forbidden`: the node does not allow this method, or this host (HTTP 403).
 * `error`: the node answered with an RPC error (`code`).
 * `malformed`: the answer is not JSON-RPC.
 */
export interface RpcFailure {
  readonly kind: 'unreachable' | 'late' | 'unauthorized' | 'forbidden' | 'error' | 'malformed';
  /** JSON-RPC error code (Bitcoin Core, rpc/protocol.h), for `error` only. */
  readonly code: number | undefined;
  readonly message: string;
}

export type RpcAnswer =
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly failure: RpcFailure };

export interface RpcCall {
  readonly method: string;
  readonly params?: readonly unknown[];
  /** For the whole call, from the moment when it is sent. */
  readonly timeoutMs: number;
  readonly answerBytesMax: number;
  /** Uses connections that other calls may not take, so a solved block never waits behind polls that hang. */
  readonly urgent?: boolean;
}

export interface RpcClient {
  /** The URL without its credentials: fit for logs. */
  readonly name: string;
  /** True where the credentials stand in the URL, so that waiting does not change them. */
  readonly fixedCredentials: boolean;
  /** Never rejects. */
  call(call: RpcCall): Promise<RpcAnswer>;
  /** Calls that wait for a connection. */
  readonly queues: { readonly calls: QueueCounts; readonly urgentCalls: QueueCounts };
  /** Ends all calls as unreachable. */
  close(): void;
}

/** bitcoind answers with 4 threads (16 since version 30) and queues 64 calls; other programs need some of both. */
const IN_FLIGHT_MAX = 4;
/** Calls that wait for a free connection; beyond it they fail as unreachable. */
const WAITING_MAX = 512;

/**
 * JSON-RPC 1.0 over HTTP(S) keep-alive connections to one node. Credentials come from the URL, or from a cookie file
 * that is read again whenever the node refuses what it held. Throws for a URL that is none.
 */
export function createRpcClient(options: { readonly url: string; readonly cookie: string | undefined }): RpcClient {
  const url = parseUrl(options.url);
  const secure = url.protocol === 'https:';
  const agentOptions = { keepAlive: true, maxSockets: 2 * IN_FLIGHT_MAX, scheduling: 'lifo' } as const;
  const agent = secure ? new HttpsAgent(agentOptions) : new HttpAgent(agentOptions);
  const fixed =
    url.username === '' ? undefined : basic(`${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`);
  const name = `${url.protocol}//${url.host}${url.pathname === '/' ? '' : url.pathname}`;
  const newLane = (): Lane<RpcAnswer> =>
    new Lane({ inFlightMax: IN_FLIGHT_MAX, waitingMax: WAITING_MAX }, (reason) => failed('unreachable', reason));
  const ordinary = newLane();
  const urgent = newLane();
  const ending = new AbortController();
  let nextId = 1;
  let cookie: string | undefined;

  function call(what: RpcCall): Promise<RpcAnswer> {
    if (ending.signal.aborted) return Promise.resolve(failed('unreachable', 'closed'));
    return (what.urgent === true ? urgent : ordinary).run(() => authorized(what));
  }

  /** One call with the credentials at hand, and once more where a cookie turns out to be an old one. */
  async function authorized(what: RpcCall): Promise<RpcAnswer> {
    if (fixed !== undefined || options.cookie === undefined) return attempt(what, fixed);
    const known = cookie ?? (await readCookie(options.cookie));
    if (known === undefined) return failed('unreachable', `the cookie file ${options.cookie} can not be read`);
    cookie = known;
    const answer = await attempt(what, known);
    if (answer.ok || answer.failure.kind !== 'unauthorized') return answer;
    cookie = await readCookie(options.cookie);
    return cookie === undefined || cookie === known ? answer : attempt(what, cookie);
  }

  async function attempt(what: RpcCall, authorization: string | undefined): Promise<RpcAnswer> {
    const { answer, idleSocketDied } = await post(what, authorization);
    // The node closes idle connections when it likes; that says nothing about the call.
    return idleSocketDied ? (await post(what, authorization)).answer : answer;
  }

  function post(
    what: RpcCall,
    authorization: string | undefined,
  ): Promise<{ answer: RpcAnswer; idleSocketDied: boolean }> {
    const id = nextId++;
    const body = JSON.stringify({ jsonrpc: '1.0', id, method: what.method, params: what.params ?? [] });
    return new Promise((resolve) => {
      const request = (secure ? httpsRequest : httpRequest)({
        agent,
        method: 'POST',
        hostname: url.hostname.replace(/^\[|\]$/g, ''),
        port: url.port === '' ? (secure ? 443 : 80) : url.port,
        path: url.pathname + url.search,
        signal: ending.signal,
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          ...(authorization === undefined ? {} : { authorization }),
        },
      });
      const deadline = setTimeout(() => {
        done(failed('late', `no answer to ${what.method} within ${what.timeoutMs} ms`));
        request.destroy();
      }, what.timeoutMs);
      const done = (answer: RpcAnswer, idleSocketDied = false): void => {
        clearTimeout(deadline);
        resolve({ answer, idleSocketDied });
      };
      request.on('error', (error: NodeJS.ErrnoException) => {
        const reset = error.code === 'ECONNRESET' || error.code === 'EPIPE';
        done(failed('unreachable', describe(error)), reset && request.reusedSocket && !ending.signal.aborted);
      });
      request.on('response', (response) => collect(response, what, (answer) => done(answer)));
      request.end(body);
    });
  }

  function close(): void {
    ending.abort();
    ordinary.close();
    urgent.close();
    agent.destroy();
  }

  return {
    name,
    fixedCredentials: fixed !== undefined,
    get queues() {
      return { calls: ordinary.counts, urgentCalls: urgent.counts };
    },
    call,
    close,
  };
}

function parseUrl(text: string): URL {
  let url: URL;
  try {
    url = new URL(text);
    decodeURIComponent(url.username + url.password);
  } catch {
    // The text may hold a password, so it is not repeated.
    throw new Error('node.rpc: not a URL like http://user:password@127.0.0.1:8332');
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new Error('node.rpc: a URL must be http or https');
  return url;
}

function basic(credentials: string): string {
  return `Basic ${Buffer.from(credentials).toString('base64')}`;
}

async function readCookie(path: string): Promise<string | undefined> {
  try {
    const text = (await readFile(path, 'utf8')).trim();
    return text === '' || text.length > 1024 ? undefined : basic(text);
  } catch {
    return undefined;
  }
}

/** Gathers the body up to its cap and reads it. */
function collect(response: IncomingMessage, call: RpcCall, done: (answer: RpcAnswer) => void): void {
  const { method, answerBytesMax: bytesMax } = call;
  const chunks: Buffer[] = [];
  let bytes = 0;
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > bytesMax) {
      done(failed('malformed', `an answer of more than ${bytesMax} bytes`));
      response.destroy();
    } else {
      chunks.push(chunk);
    }
  });
  response.on('error', (error) => done(failed('unreachable', describe(error))));
  response.on('end', () => done(readAnswer(method, response.statusCode ?? 0, Buffer.concat(chunks).toString('utf8'))));
}

/**
 * An answer's meaning. bitcoind sends 401 and 403 without a body, 503 as plain text, and RPC errors as JSON under 4xx and
 * 5xx (Bitcoin Core, httprpc.cpp).
 */
function readAnswer(method: string, status: number, body: string): RpcAnswer {
  if (status === 401) return failed('unauthorized', 'it refuses the user name or password (HTTP 401)');
  if (status === 403) {
    return failed('forbidden', `it does not allow ${method} (HTTP 403): see its rpcwhitelist and rpcallowip`);
  }
  let answer: unknown;
  try {
    answer = JSON.parse(body);
  } catch {
    answer = undefined;
  }
  if (typeof answer !== 'object' || answer === null) {
    return status >= 500
      ? failed('unreachable', `HTTP ${status}`)
      : failed('malformed', `HTTP ${status}, not JSON-RPC`);
  }
  const error = 'error' in answer ? answer.error : undefined;
  if (typeof error === 'object' && error !== null) {
    const code = 'code' in error && typeof error.code === 'number' ? error.code : undefined;
    const message =
      'message' in error && typeof error.message === 'string' ? error.message.slice(0, 500) : 'no message';
    return { ok: false, failure: { kind: 'error', code, message } };
  }
  return 'result' in answer ? { ok: true, result: answer.result } : failed('malformed', 'an answer without a result');
}

function failed(kind: RpcFailure['kind'], message: string): RpcAnswer {
  return { ok: false, failure: { kind, code: undefined, message } };
}

/** Node wraps the errors of several addresses into one without a message. */
function describe(error: NodeJS.ErrnoException): string {
  return error.message !== '' ? error.message : (error.code ?? error.name);
}
