import { readFile } from 'node:fs/promises';
import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { SpareDescriptors } from '#base/domain/ports';
import type { QueueCounts } from '#base/domain/queue';
import { lacksDescriptor } from '#base/std/descriptors';
import { Lane } from './lane.ts';
import { failed, type RpcAnswer, readAnswer } from './rpc-answer.ts';

export type { RpcAnswer, RpcFailure } from './rpc-answer.ts';

export interface RpcCall {
  readonly method: string;
  readonly params?: readonly unknown[];
  /** For the whole call, from the moment when it is sent. */
  readonly timeoutMs: number;
  readonly answerBytesMax: number;
  /** Uses connections that other calls may not take, so a solved block never waits behind polls that hang. */
  readonly urgent?: boolean;
  /** The result is the body of the answer as it came, a Uint8Array, if the node answers with HTTP 200: it is for another thread. */
  readonly unread?: boolean;
}

export interface RpcClient {
  /** The URL without its credentials: fit for logs. */
  readonly name: string;
  /** True if the credentials stand in the URL, so that waiting does not change them. */
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

/** What became of one request. `reused`: it went over a connection that was there already. */
interface Posted {
  readonly answer: RpcAnswer;
  readonly error: NodeJS.ErrnoException | undefined;
  readonly reused: boolean;
}

/**
 * JSON-RPC 1.0 over HTTP(S) keep-alive connections to one node. Credentials come from the URL, or from a cookie file, which is read
 * again whenever the node refuses its credentials. If no descriptor is left for a connection or the cookie file, a spare one is
 * used. Throws for an invalid URL.
 */
export function createRpcClient(
  options: { readonly url: string; readonly cookie: string | undefined },
  { spare }: { readonly spare: SpareDescriptors },
): RpcClient {
  return new HttpRpcClient(parseUrl(options.url), options.cookie, spare);
}

class HttpRpcClient implements RpcClient {
  readonly name: string;
  readonly fixedCredentials: boolean;
  readonly #url: URL;
  readonly #agent: HttpAgent;
  /** The header for the credentials of the URL; undefined if it has none. */
  readonly #fixed: string | undefined;
  readonly #cookieFile: string | undefined;
  #cookie: string | undefined;
  readonly #spare: SpareDescriptors;
  readonly #ordinary = newLane();
  readonly #urgent = newLane();
  readonly #ending = new AbortController();
  #nextId = 1;

  constructor(url: URL, cookieFile: string | undefined, spare: SpareDescriptors) {
    const { username, password, protocol, host, pathname } = url;
    this.#url = url;
    this.#cookieFile = cookieFile;
    this.#spare = spare;
    const agentOptions = { keepAlive: true, maxSockets: 2 * IN_FLIGHT_MAX, scheduling: 'lifo' } as const;
    this.#agent = isSecure(url) ? new HttpsAgent(agentOptions) : new HttpAgent(agentOptions);
    this.#fixed =
      username === '' ? undefined : basic(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
    this.fixedCredentials = this.#fixed !== undefined;
    this.name = `${protocol}//${host}${pathname === '/' ? '' : pathname}`;
  }

  get queues(): RpcClient['queues'] {
    return { calls: this.#ordinary.counts, urgentCalls: this.#urgent.counts };
  }

  call(what: RpcCall): Promise<RpcAnswer> {
    if (this.#ending.signal.aborted) return Promise.resolve(failed('unreachable', 'closed'));
    return (what.urgent === true ? this.#urgent : this.#ordinary).run(() => this.#authorized(what));
  }

  close(): void {
    this.#ending.abort();
    this.#ordinary.close();
    this.#urgent.close();
    this.#agent.destroy();
  }

  /** Makes one call, and repeats it once if the cookie was outdated. */
  async #authorized(what: RpcCall): Promise<RpcAnswer> {
    const file = this.#cookieFile;
    if (this.#fixed !== undefined || file === undefined) return this.#attempt(what, this.#fixed);
    const known = this.#cookie ?? (await this.#readCookie(file, what));
    if (known === undefined) return failed('unreachable', `the cookie file ${file} can not be read`);
    this.#cookie = known;
    const answer = await this.#attempt(what, known);
    if (answer.ok || answer.failure.kind !== 'unauthorized') return answer;
    this.#cookie = await this.#readCookie(file, what);
    return this.#cookie === undefined || this.#cookie === known ? answer : this.#attempt(what, this.#cookie);
  }

  async #attempt(what: RpcCall, authorization: string | undefined): Promise<RpcAnswer> {
    const { answer, error, reused } = await this.#post(what, authorization);
    if (this.#ending.signal.aborted || error === undefined) return answer;
    // The node closes idle connections when it likes; that says nothing about the call.
    if (reused && (error.code === 'ECONNRESET' || error.code === 'EPIPE')) return this.#attempt(what, authorization);
    return lacksDescriptor(error) && this.#release(what) ? this.#attempt(what, authorization) : answer;
  }

  #release({ urgent }: RpcCall): boolean {
    return this.#spare.release(urgent === true ? 'block' : 'work');
  }

  async #readCookie(path: string, what: RpcCall): Promise<string | undefined> {
    try {
      const text = (await readFile(path, 'utf8')).trim();
      return text === '' || text.length > 1024 ? undefined : basic(text);
    } catch (error) {
      return lacksDescriptor(error) && this.#release(what) ? this.#readCookie(path, what) : undefined;
    }
  }

  #post(what: RpcCall, authorization: string | undefined): Promise<Posted> {
    const body = JSON.stringify({ jsonrpc: '1.0', id: this.#nextId++, method: what.method, params: what.params ?? [] });
    return new Promise((resolve) => {
      const request = this.#request(Buffer.byteLength(body), authorization);
      const deadline = setTimeout(() => {
        done(failed('late', `no answer to ${what.method} within ${what.timeoutMs} ms`));
        request.destroy();
      }, what.timeoutMs);
      const done = (answer: RpcAnswer, error?: NodeJS.ErrnoException): void => {
        clearTimeout(deadline);
        resolve({ answer, error, reused: request.reusedSocket });
      };
      request.on('error', (error: NodeJS.ErrnoException) => done(failed('unreachable', describe(error)), error));
      request.on('response', (response) => collect(response, what, (answer) => done(answer)));
      request.end(body);
    });
  }

  #request(bodyBytes: number, authorization: string | undefined): ClientRequest {
    const { hostname, port, pathname, search } = this.#url;
    return (isSecure(this.#url) ? httpsRequest : httpRequest)({
      agent: this.#agent,
      method: 'POST',
      hostname: hostname.replace(/^\[|\]$/g, ''),
      port: port === '' ? (isSecure(this.#url) ? 443 : 80) : port,
      path: pathname + search,
      signal: this.#ending.signal,
      headers: {
        'content-type': 'application/json',
        'content-length': bodyBytes,
        ...(authorization === undefined ? {} : { authorization }),
      },
    });
  }
}

function newLane(): Lane<RpcAnswer> {
  return new Lane({ inFlightMax: IN_FLIGHT_MAX, waitingMax: WAITING_MAX }, (reason) => failed('unreachable', reason));
}

function isSecure({ protocol }: URL): boolean {
  return protocol === 'https:';
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

/** Gathers the body up to its cap and reads it. */
function collect(response: IncomingMessage, call: RpcCall, done: (answer: RpcAnswer) => void): void {
  const { method, answerBytesMax: bytesMax, unread = false } = call;
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
  response.on('end', () => {
    const body = Buffer.concat(chunks);
    const status = response.statusCode ?? 0;
    done(unread && status === 200 ? { ok: true, result: body } : readAnswer(method, status, body.toString('utf8')));
  });
}

/** Node wraps the errors of several addresses into one without a message. */
function describe(error: NodeJS.ErrnoException): string {
  return error.message !== '' ? error.message : (error.code ?? error.name);
}
