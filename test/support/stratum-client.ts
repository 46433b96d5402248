import { createHash } from 'node:crypto';
import { connect } from 'node:net';

/**
 * A Stratum V1 client for tests that really mines, written from the protocol alone: it shares no code with src/, so that
 * the two can not agree on the same mistake.
 */

export interface Reply {
  readonly id: unknown;
  readonly result?: unknown;
  readonly error?: readonly [number, string, unknown] | null;
  readonly method?: string;
  readonly params?: readonly unknown[];
  readonly 'reject-reason'?: string;
}

/** What carries messages: TCP lines or WebSocket frames. */
export interface Transport {
  send(text: string): void;
  close(): void;
  onMessage: (text: string) => void;
  onClose: () => void;
}

export interface TcpTransport extends Transport {
  /** Ends the client's half of the connection; what comes is still read. */
  finish(): void;
}

/** A line transport over TCP; `localAddress`: one of this machine's, where the connection comes from. */
export function tcpTransport(host: string, port: number, localAddress?: string): Promise<TcpTransport> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true, ...(localAddress !== undefined && { localAddress }) });
    const transport: TcpTransport = {
      send: (text) => socket.write(`${text}\n`),
      finish: () => socket.end(),
      close: () => socket.destroy(),
      onMessage: () => {},
      onClose: () => {},
    };
    let rest = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) transport.onMessage(line);
    });
    socket.once('connect', () => resolve(transport));
    socket.on('error', reject);
    socket.on('close', () => transport.onClose());
  });
}

export interface Work {
  readonly jobId: string;
  readonly prevhash: string;
  readonly coinb1: string;
  readonly coinb2: string;
  readonly branch: readonly string[];
  readonly version: number;
  readonly bits: number;
  readonly ntime: number;
  readonly clean: boolean;
  /** The difficulty in force when the job came. */
  readonly difficulty: number;
}

export interface Solution {
  readonly params: [user: string, jobId: string, extranonce2: string, ntime: string, nonce: string, version?: string];
  /** Display order. */
  readonly hash: string;
}

const DIFFICULTY_1 = 0xffffn << 208n;

function sha256d(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(createHash('sha256').update(bytes).digest()).digest();
}

function hex8(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0');
}

export interface LoginOptions {
  readonly password?: string;
  /** Version bits that it asks for. */
  readonly mask?: string;
  readonly agent?: string;
  /** Of an earlier session that it wants to go on with. */
  readonly sessionId?: string;
}

export class StratumClient {
  readonly #transport: Transport;
  #nextId = 1;
  readonly #waiting = new Map<unknown, (reply: Reply) => void>();
  readonly #listeners = new Set<(message: Reply) => void>();
  /** Everything that came without being asked for. */
  readonly notifications: Reply[] = [];
  /** Jobs in the order in which they came. */
  readonly jobs: Work[] = [];
  /** What it may come back with. */
  sessionId = '';
  extranonce1 = '';
  extranonce2Bytes = 0;
  difficulty = Number.NaN;
  versionMask = 0;
  closed = false;
  readonly whenClosed: Promise<void>;
  #counter = 0;

  constructor(transport: Transport) {
    this.#transport = transport;
    transport.onMessage = (text) => this.#take(JSON.parse(text) as Reply);
    this.whenClosed = new Promise((resolve) => {
      transport.onClose = () => {
        this.closed = true;
        for (const waiter of this.#waiting.values()) waiter({ id: null, error: [-1, 'connection closed', null] });
        this.#waiting.clear();
        resolve();
      };
    });
  }

  static async tcp(host: string, port: number, localAddress?: string): Promise<StratumClient> {
    return new StratumClient(await tcpTransport(host, port, localAddress));
  }

  #take(message: Reply): void {
    if (message.method === undefined) {
      const waiter = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      waiter?.(message);
      return;
    }
    const params = message.params ?? [];
    if (message.method === 'mining.set_difficulty') this.difficulty = Number(params[0]);
    if (message.method === 'mining.set_version_mask') this.versionMask = Number.parseInt(String(params[0]), 16);
    if (message.method === 'mining.notify') {
      const [jobId, prevhash, coinb1, coinb2, branch, version, bits, ntime, clean] = params as [
        string,
        string,
        string,
        string,
        string[],
        string,
        string,
        string,
        boolean,
      ];
      this.jobs.push({
        jobId,
        prevhash,
        coinb1,
        coinb2,
        branch,
        version: Number.parseInt(version, 16),
        bits: Number.parseInt(bits, 16),
        ntime: Number.parseInt(ntime, 16),
        clean,
        difficulty: this.difficulty,
      });
    }
    this.notifications.push(message);
    for (const listener of [...this.#listeners]) listener(message);
  }

  sendRaw(text: string): void {
    this.#transport.send(text);
  }

  close(): void {
    this.#transport.close();
  }

  request(method: string, params: unknown, id: unknown = this.#nextId++): Promise<Reply> {
    const reply = new Promise<Reply>((resolve) => this.#waiting.set(id, resolve));
    this.#transport.send(JSON.stringify({ id, method, params }));
    return reply;
  }

  /** Resolves with the first message, past or to come, for which the test holds; rejects when the connection closes. */
  until(test: (message: Reply) => boolean): Promise<Reply> {
    const past = this.notifications.find(test);
    if (past) return Promise.resolve(past);
    return new Promise((resolve, reject) => {
      const listener = (message: Reply): void => {
        if (!test(message)) return;
        this.#listeners.delete(listener);
        resolve(message);
      };
      this.#listeners.add(listener);
      void this.whenClosed.then(() => reject(new Error('connection closed')));
    });
  }

  /** Resolves with the newest job once there are more than `count`. */
  async jobAfter(count: number): Promise<Work> {
    await this.until(() => this.jobs.length > count);
    return this.work;
  }

  /** Waits for a job on another tip, beyond the first `count` jobs: ones on the same tip may come before it. */
  async cleanJobAfter(count: number): Promise<void> {
    await this.until(() => this.jobs.slice(count).some(({ clean }) => clean));
  }

  /** Waits for a job on the block of that hash (display order). */
  async jobOn(hash: string): Promise<void> {
    // Stratum sends the previous hash as eight words, each byte-swapped.
    const prevhash = Buffer.from(hash, 'hex').reverse().swap32().toString('hex');
    await this.until(() => this.jobs.at(-1)?.prevhash === prevhash);
  }

  get work(): Work {
    const job = this.jobs.at(-1);
    if (!job) throw new Error('no job yet');
    return job;
  }

  /** Subscribes, negotiates version rolling where a mask is asked for, authorises, and waits for difficulty and job. */
  async login(user: string, options: LoginOptions = {}): Promise<void> {
    if (options.mask !== undefined) {
      const reply = await this.request('mining.configure', [
        ['version-rolling'],
        { 'version-rolling.mask': options.mask, 'version-rolling.min-bit-count': 2 },
      ]);
      const result = reply.result as { 'version-rolling'?: boolean; 'version-rolling.mask'?: string };
      if (result['version-rolling'] === true) {
        this.versionMask = Number.parseInt(result['version-rolling.mask'] ?? '0', 16);
      }
    }
    const resume = options.sessionId === undefined ? [] : [options.sessionId];
    const subscribed = await this.request('mining.subscribe', [options.agent ?? 'sluice-test/1', ...resume]);
    const [topics, extranonce1, size] = subscribed.result as [string[][], string, number];
    this.sessionId = topics[0]?.[1] ?? '';
    this.extranonce1 = extranonce1;
    this.extranonce2Bytes = size;
    const authorized = await this.request('mining.authorize', [user, options.password ?? 'x']);
    if (authorized.result !== true) throw new Error(`not authorised: ${JSON.stringify(authorized)}`);
    await this.jobAfter(0);
  }

  /** An extranonce2 that this client has not used. */
  freshExtranonce2(): string {
    this.#counter += 1;
    return this.#counter.toString(16).padStart(2 * this.extranonce2Bytes, '0');
  }

  /** The 80-byte header that the pool must come to for these fields. */
  header(work: Work, extranonce2: string, ntime: number, nonce: number, version: number): Buffer {
    let root: Buffer = sha256d(Buffer.from(work.coinb1 + this.extranonce1 + extranonce2 + work.coinb2, 'hex'));
    for (const sibling of work.branch) root = sha256d(Buffer.concat([root, Buffer.from(sibling, 'hex')]));
    const header = Buffer.alloc(80);
    header.writeUInt32LE(version >>> 0, 0);
    // Stratum sends the previous hash as eight words, each byte-swapped.
    Buffer.from(work.prevhash, 'hex').swap32().copy(header, 4);
    root.copy(header, 36);
    header.writeUInt32LE(ntime, 68);
    header.writeUInt32LE(work.bits, 72);
    header.writeUInt32LE(nonce >>> 0, 76);
    return header;
  }

  /** Mines until a hash meets the test (by default: the share difficulty of the job). Synchronous: keep it easy. */
  solve(
    user: string,
    options: {
      work?: Work;
      versionBits?: number;
      ntime?: number;
      extranonce2?: string;
      accept?: (value: bigint, target: bigint) => boolean;
    } = {},
  ): Solution {
    const work = options.work ?? this.work;
    const extranonce2 = options.extranonce2 ?? this.freshExtranonce2();
    const ntime = options.ntime ?? work.ntime;
    const bits = options.versionBits;
    const version =
      bits === undefined ? work.version : ((work.version & ~this.versionMask) | (bits & this.versionMask)) >>> 0;
    // Difficulties below 1 are exact enough as a ratio of two 2^52-scaled integers.
    const target = (DIFFICULTY_1 << 52n) / BigInt(Math.max(1, Math.round(work.difficulty * 2 ** 52)));
    const accept = options.accept ?? ((value, limit) => value <= limit);
    const header = this.header(work, extranonce2, ntime, 0, version);
    for (let nonce = 0; nonce < 2 ** 32; nonce += 1) {
      header.writeUInt32LE(nonce, 76);
      const hash = sha256d(header).reverse().toString('hex');
      if (!accept(BigInt(`0x${hash}`), target)) continue;
      const params: Solution['params'] = [user, work.jobId, extranonce2, hex8(ntime), hex8(nonce)];
      if (bits !== undefined) params.push(hex8(bits & this.versionMask));
      return { params, hash };
    }
    throw new Error('no nonce solves this');
  }

  submit(solution: Solution): Promise<Reply> {
    return this.request('mining.submit', solution.params);
  }
}
