import { createHash, hash } from 'node:crypto';
import { KernelInstance } from '#shares/kernel/instance';
import { type KernelBuild, loadKernel } from '#shares/kernel/kernel';
import { type KernelJob, KernelMemory } from '#shares/kernel/memory';
import { ReferenceKernel } from '#shares/kernel/reference';
import { type Contender, cpuTimeNs } from './interleave.ts';

/** Shares numbered on: number n has n as its extranonce2 (8 bytes, big-endian) and, low 32 bits, as its nonce. */
export interface Workload {
  readonly job: KernelJob;
  readonly extranonce1: Uint8Array;
  readonly version: number;
  readonly ntime: number;
}

const TARGET = new Uint8Array(32).fill(0x7f);

/** Bytes that are the same each time. */
function bytes(length: number, seed: number): Uint8Array {
  const digests = Array.from({ length: Math.ceil(length / 32) }, (_, index) =>
    createHash('sha256').update(`${seed} ${index}`).digest(),
  );
  return Uint8Array.from(Buffer.concat(digests).subarray(0, length));
}

export function makeWorkload(coinb1Bytes: number, coinb2Bytes: number, branches: number): Workload {
  return {
    job: {
      coinb1: bytes(coinb1Bytes, 1),
      coinb2: bytes(coinb2Bytes, 2),
      extranonceBytes: 12,
      merkleBranch: Array.from({ length: branches }, (_, index) => bytes(32, 100 + index)),
      previousHash: bytes(32, 3),
      bits: 0x1d00ffff,
      networkTarget: new Uint8Array(32),
    },
    extranonce1: bytes(4, 4),
    version: 0x20000000,
    ntime: 1_700_000_000,
  };
}

/** Node's own hashing, with nothing allocated that its API does not ask for. */
export class NodeContender implements Contender {
  readonly name: string;
  readonly #workload: Workload;
  readonly #sha256d: (message: Uint8Array) => Buffer;
  hash = '';

  constructor(api: 'createHash' | 'crypto.hash', workload: Workload) {
    this.name = api;
    this.#workload = workload;
    const sha256 =
      api === 'createHash'
        ? (message: Uint8Array): Buffer => createHash('sha256').update(message).digest()
        : (message: Uint8Array): Buffer => hash('sha256', message, 'buffer');
    this.#sha256d = (message) => sha256(sha256(message));
  }

  run(first: number, count: number): number {
    return cpuTimeNs(() => {
      const { job, extranonce1, version, ntime } = this.#workload;
      const coinbase = Buffer.concat([job.coinb1, extranonce1, Buffer.alloc(8), job.coinb2]);
      const hole = job.coinb1.length + extranonce1.length;
      const header = Buffer.alloc(80);
      header.writeUInt32LE(version, 0);
      header.set(job.previousHash, 4);
      header.writeUInt32LE(ntime, 68);
      header.writeUInt32LE(job.bits, 72);
      const pair = Buffer.alloc(64);
      let met = 0;
      let last: Buffer = header;
      for (let number = first; number < first + count; number += 1) {
        coinbase.writeUInt32BE(Math.floor(number / 2 ** 32), hole);
        coinbase.writeUInt32BE(number >>> 0, hole + 4);
        let root = this.#sha256d(coinbase);
        for (const branch of job.merkleBranch) {
          pair.set(root, 0);
          pair.set(branch, 32);
          root = this.#sha256d(pair);
        }
        header.set(root, 36);
        header.writeUInt32LE(number >>> 0, 76);
        last = this.#sha256d(header);
        if ((last[31] ?? 0) <= (TARGET[31] ?? 0)) met += 1;
      }
      if (met > count) throw new Error('more shares than there are');
      this.hash = last.toString('hex');
    });
  }
}

export interface KernelContenderOptions {
  readonly name: string;
  readonly build: KernelBuild | 'reference';
  /** Shares of one call. */
  readonly batch: number;
  /** All shares on one extranonce2, so that the roots are remembered; else each has its own. */
  readonly sameExtranonce?: boolean;
}

/** The kernel as the pool uses it: shares written into its memory, run, statuses read. */
export class KernelContender implements Contender {
  readonly name: string;
  readonly #options: KernelContenderOptions;
  readonly #workload: Workload;
  readonly #kernel: { run(count: number): void };
  readonly #batch: KernelMemory | ReferenceKernel;
  hash = '';

  constructor(options: KernelContenderOptions, workload: Workload) {
    this.name = options.name;
    this.#options = options;
    this.#workload = workload;
    if (options.build === 'reference') {
      const reference = new ReferenceKernel();
      this.#kernel = reference;
      this.#batch = reference;
    } else {
      const memory = new KernelMemory();
      this.#kernel = new KernelInstance(loadKernel({ build: options.build }), memory);
      this.#batch = memory;
    }
    this.#batch.loadJob(0, workload.job);
  }

  run(first: number, count: number): number {
    return cpuTimeNs(() => {
      const { extranonce1, version, ntime } = this.#workload;
      const { batch, sameExtranonce = false } = this.#options;
      const extranonce2 = new Uint8Array(8);
      const view = new DataView(extranonce2.buffer);
      let met = 0;
      for (let done = 0; done < count; done += batch) {
        const size = Math.min(batch, count - done);
        for (let index = 0; index < size; index += 1) {
          const number = first + done + index;
          if (!sameExtranonce) {
            view.setUint32(0, Math.floor(number / 2 ** 32));
            view.setUint32(4, number >>> 0);
          }
          this.#batch.putShare(index, 0, extranonce1, extranonce2, version, ntime, number >>> 0, TARGET);
        }
        this.#kernel.run(size);
        for (let index = 0; index < size; index += 1) met += this.#batch.status(index) & 1;
      }
      if (met > count) throw new Error('more shares than there are');
      this.hash = Buffer.from(this.#batch.hash(((count - 1) % batch) | 0)).toString('hex');
    });
  }
}

/** A kernel on its own: nonces scanned, or hashes of a merkle tree. */
export class CallContender implements Contender {
  readonly name: string;
  readonly #call: (kernel: KernelInstance | ReferenceKernel, first: number, count: number) => void;
  readonly #kernel: KernelInstance;

  constructor(
    name: string,
    build: KernelBuild,
    call: (kernel: KernelInstance | ReferenceKernel, first: number, count: number) => void,
  ) {
    this.name = name;
    this.#call = call;
    this.#kernel = new KernelInstance(loadKernel({ build }), new KernelMemory());
  }

  run(first: number, count: number): number {
    return cpuTimeNs(() => this.#call(this.#kernel, first, count));
  }
}
