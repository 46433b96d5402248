import { createServer, type Socket } from 'node:net';
import { App, listenUws, type WebSocket } from '#base/uws';
import type { KernelJob } from '#shares/kernel/memory';
import { expectedHash, hex, noise, unhex } from '../shares/kernel/kernels.ts';

/** A small Stratum pool for the miner's tests: it checks each share with node:crypto, and misbehaves on demand. */

export interface TestJob {
  readonly id: string;
  readonly work: KernelJob;
  readonly version: number;
  readonly ntime: number;
  readonly difficulty: number;
  readonly versionMask: number;
  readonly extranonce1: string;
}

export interface Submission {
  readonly user: string;
  readonly job: TestJob;
  readonly extranonce2: string;
  readonly nonce: number;
  /** As hashed. */
  readonly version: number;
  /** The header's hash, hex in internal order. */
  readonly hash: string;
  /** The achieved difficulty. */
  readonly difficulty: number;
}

interface Request {
  readonly id: unknown;
  readonly method: string;
  readonly params: readonly unknown[];
}

/** One miner's connection as the pool sees it. */
export interface Peer {
  send(text: string): void;
  close(): void;
}

export interface PoolBehaviour {
  /** Version bits that the pool grants; undefined: it does not know mining.configure. */
  readonly versionMask?: number;
  readonly difficulty?: number;
  readonly extranonce2Bytes?: number;
  /** What to answer a submit with, as the reply's result and error; accepted where undefined. */
  readonly answer?: (submission: Submission, count: number) => string | undefined;
  /** Takes the place of the pool's own handling where it returns true. */
  readonly handle?: (request: Request, peer: Peer, pool: TestPool) => boolean;
}

const EXTRANONCE1 = 'a1b2c3d4';
const DIFFICULTY_1 = 0xffff * 2 ** 208;

export class TestPool {
  readonly requests: Request[] = [];
  readonly submissions: Submission[] = [];
  /** What the pool found wrong with the miner. */
  readonly complaints: string[] = [];
  readonly peers = new Set<Peer>();
  connections = 0;
  extranonce1 = EXTRANONCE1;
  readonly #behaviour: PoolBehaviour;
  readonly #jobs = new Map<string, TestJob>();
  readonly #hashes = new Set<string>();
  #waiting: { readonly holds: () => boolean; readonly resolve: () => void }[] = [];
  #stop: () => void = () => {};
  url = '';

  constructor(behaviour: PoolBehaviour = {}) {
    this.#behaviour = behaviour;
  }

  /** Resolves once `holds`, which is looked at after everything that happens here. */
  until(holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ holds, resolve }));
  }

  /** To be called when something happened that `until` may wait for. */
  changed(): void {
    const waiting = this.#waiting;
    this.#waiting = waiting.filter(({ holds }) => !holds());
    for (const each of waiting) if (!this.#waiting.includes(each)) each.resolve();
  }

  async listen(transport: 'tcp' | 'websocket'): Promise<this> {
    await (transport === 'tcp' ? this.#listenTcp() : this.#listenWebSocket());
    return this;
  }

  async #listenTcp(): Promise<void> {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      const peer: Peer = { send: (text) => socket.write(`${text}\n`), close: () => socket.destroy() };
      this.#open(peer);
      let rest = '';
      socket.setEncoding('utf8');
      socket.on('data', (chunk: string) => {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) this.#receive(line, peer);
      });
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        this.#closed(peer);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    this.url = `stratum+tcp://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
    this.#stop = () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    };
  }

  async #listenWebSocket(): Promise<void> {
    const peers = new Map<WebSocket<unknown>, Peer>();
    const app = App().ws('/*', {
      maxPayloadLength: 16_384,
      open: (socket) => {
        const peer: Peer = { send: (text) => socket.send(text), close: () => socket.close() };
        peers.set(socket, peer);
        this.#open(peer);
      },
      message: (socket, message, isBinary) => {
        const peer = peers.get(socket);
        if (isBinary) this.complaints.push('a binary frame');
        if (peer) this.#receive(Buffer.from(message).toString(), peer);
      },
      close: (socket) => {
        const peer = peers.get(socket);
        peers.delete(socket);
        if (peer) this.#closed(peer);
      },
    });
    const { port } = await listenUws(app, '127.0.0.1', 0);
    this.url = `stratum+ws://127.0.0.1:${port}/`;
    this.#stop = () => app.close();
  }

  close(): void {
    this.#stop();
  }

  #open(peer: Peer): void {
    this.connections += 1;
    this.peers.add(peer);
    this.changed();
  }

  #closed(peer: Peer): void {
    this.peers.delete(peer);
    this.changed();
  }

  #receive(text: string, peer: Peer): void {
    let request: Request;
    try {
      request = JSON.parse(text) as Request;
    } catch {
      this.complaints.push(`no JSON: ${text}`);
      return;
    }
    this.requests.push(request);
    if (!this.#behaviour.handle?.(request, peer, this)) this.#answer(request, peer);
    this.changed();
  }

  #answer({ id, method, params }: Request, peer: Peer): void {
    const reply = (result: unknown): void => peer.send(JSON.stringify({ id, result, error: null }));
    const { versionMask, extranonce2Bytes = 8 } = this.#behaviour;
    if (method === 'mining.configure' && versionMask !== undefined) {
      reply({ 'version-rolling': true, 'version-rolling.mask': versionMask.toString(16).padStart(8, '0') });
    } else if (method === 'mining.subscribe') {
      reply([[['mining.notify', '1']], this.extranonce1, extranonce2Bytes]);
    } else if (method === 'mining.authorize') {
      reply(true);
      this.work(peer, { clean: true });
    } else if (method === 'mining.suggest_difficulty') {
      reply(true);
    } else if (method === 'mining.submit') {
      this.#submit(id, params, peer);
    } else {
      peer.send(JSON.stringify({ id, result: null, error: [-32601, 'Method not found', null] }));
    }
  }

  /** Sends a new job, with its difficulty before it. */
  work(peer: Peer, changes: { clean: boolean; difficulty?: number; versionMask?: number }): TestJob {
    const { difficulty = this.#behaviour.difficulty ?? 1e-9, versionMask = this.#behaviour.versionMask ?? 0 } = changes;
    const seed = this.#jobs.size + 1;
    const work: KernelJob = {
      coinb1: noise(60 + seed, seed),
      coinb2: noise(120 + seed, seed + 1),
      extranonceBytes: 4 + (this.#behaviour.extranonce2Bytes ?? 8),
      merkleBranch: Array.from({ length: seed % 4 }, (_, index) => noise(32, seed + index)),
      previousHash: noise(32, 5 * seed),
      bits: 0x207fffff,
      networkTarget: new Uint8Array(32),
    };
    const { extranonce1 } = this;
    const version = 0x20000000;
    const job: TestJob = {
      id: `job${seed}`,
      work,
      version,
      ntime: 1_700_000_000 + seed,
      difficulty,
      versionMask,
      extranonce1,
    };
    this.#jobs.set(job.id, job);
    peer.send(JSON.stringify({ id: null, method: 'mining.set_difficulty', params: [difficulty] }));
    const u32 = (value: number): string => value.toString(16).padStart(8, '0');
    const params = [
      job.id,
      Buffer.from(work.previousHash).swap32().toString('hex'),
      hex(work.coinb1),
      hex(work.coinb2),
      work.merkleBranch.map(hex),
      u32(version),
      u32(work.bits),
      u32(job.ntime),
      changes.clean,
    ];
    peer.send(JSON.stringify({ id: null, method: 'mining.notify', params }));
    return job;
  }

  #submit(id: unknown, params: readonly unknown[], peer: Peer): void {
    const submission = this.#check(params);
    if (submission) this.submissions.push(submission);
    const answer = submission ? this.#behaviour.answer?.(submission, this.submissions.length) : undefined;
    peer.send(`{"id":${JSON.stringify(id)},${answer ?? '"result":true,"error":null'}}`);
  }

  /** Everything that a strict pool looks at; complains where something is wrong. */
  #check(params: readonly unknown[]): Submission | undefined {
    const complain = (text: string): undefined => {
      this.complaints.push(`${text}: ${JSON.stringify(params)}`);
      return undefined;
    };
    const [user, jobId, extranonce2, ntime, nonce, bits, ...rest] = params.map(String);
    const job = this.#jobs.get(jobId ?? '');
    if (!job || !user || !extranonce2 || rest.length > 0) return complain('an unknown job or odd params');
    for (const [text, digits] of [
      [extranonce2, 2 * (job.work.extranonceBytes - 4)],
      [ntime, 8],
      [nonce, 8],
    ] as const) {
      if (!text || text.length !== digits || !/^[0-9a-f]+$/.test(text)) return complain('a field of another length');
    }
    if ((bits !== undefined) !== (job.versionMask !== 0)) return complain('version bits, given or missing');
    const rolled = Number.parseInt(bits ?? '0', 16);
    if ((rolled & ~job.versionMask) !== 0) return complain('version bits outside the mask');
    if (Number.parseInt(ntime ?? '', 16) !== job.ntime) return complain('another ntime');
    const version = ((job.version & ~job.versionMask) | rolled) >>> 0;
    const nonceNumber = Number.parseInt(nonce ?? '', 16);
    const hash = expectedHash(job.work, {
      slot: 0,
      extranonce1: unhex(job.extranonce1),
      extranonce2: unhex(extranonce2),
      version,
      ntime: job.ntime,
      nonce: nonceNumber,
      target: new Uint8Array(32),
    });
    const value = BigInt(`0x${Buffer.from(hash, 'hex').reverse().toString('hex')}`);
    const difficulty = DIFFICULTY_1 / Number(value);
    // A relative slip of rounding on the edge is no fault.
    if (difficulty < job.difficulty * (1 - 1e-12)) return complain(`difficulty ${difficulty} below ${job.difficulty}`);
    if (this.#hashes.has(hash)) return complain('a duplicate');
    this.#hashes.add(hash);
    return { user, job, extranonce2, nonce: nonceNumber, version, hash, difficulty };
  }
}
