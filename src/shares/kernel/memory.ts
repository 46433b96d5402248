import { layout } from './layout.ts';
import { type WasmMemory, wasm } from './webassembly.ts';

/** What all shares of a job have in common. */
export interface KernelJob {
  /** Serialised coinbase (without witness) before and after the extranonces. */
  readonly coinb1: Uint8Array;
  readonly coinb2: Uint8Array;
  /** extranonce1 and extranonce2 together. */
  readonly extranonceBytes: number;
  /** 32 bytes each, from the coinbase's leaf to the root. */
  readonly merkleBranch: readonly Uint8Array[];
  /** 32 bytes, as in the header. */
  readonly previousHash: Uint8Array;
  /** Compact target, u32. */
  readonly bits: number;
  /** 256-bit number, 32 bytes little-endian. */
  readonly networkTarget: Uint8Array;
}

/** Bits of a share's status. */
export const MEETS_SHARE_TARGET = 1;
export const MEETS_NETWORK_TARGET = 2;

/** What every kernel that verifies shares can be asked; the memory of the WebAssembly builds and the reference. */
export interface ShareBatch {
  /** Job slots, and shares of one batch. */
  readonly jobSlots: number;
  readonly capacity: number;
  loadJob(slot: number, job: KernelJob): void;
  putShare(
    index: number,
    slot: number,
    extranonce1: Uint8Array,
    extranonce2: Uint8Array,
    version: number,
    ntime: number,
    nonce: number,
    target: Uint8Array,
  ): void;
  status(index: number): number;
  hash(index: number): Uint8Array;
}

/**
 * One shared memory of the kernel. A thread without an instance on it may fill it and read it between two runs of the
 * instance; handing over and back must order the accesses, as posting a message does.
 */
export class KernelMemory implements ShareBatch {
  readonly jobSlots = layout.JOB_SLOTS;
  readonly capacity = layout.SHARE_CAPACITY;
  /** To be posted to the thread that has the instance. */
  readonly memory: WasmMemory;
  readonly bytes: Uint8Array;
  readonly #words: Uint32Array;
  readonly #hashes: Uint8Array[];
  /** The target that each share's place has: nearly always the next share's too. */
  readonly #targets: (Uint8Array | undefined)[];

  constructor(memory: WasmMemory = createMemory()) {
    if (memory.buffer.byteLength !== layout.MEMORY_PAGES * 65_536) {
      throw new RangeError(`kernel memory of ${memory.buffer.byteLength} bytes, not ${layout.MEMORY_PAGES} pages`);
    }
    this.memory = memory;
    this.bytes = new Uint8Array(memory.buffer);
    this.#words = new Uint32Array(memory.buffer);
    this.#targets = new Array<Uint8Array | undefined>(layout.SHARE_CAPACITY).fill(undefined);
    this.#hashes = Array.from({ length: layout.SHARE_CAPACITY }, (_, index) => {
      const at = shareAt(index) + layout.SHARE_HASH;
      return this.bytes.subarray(at, at + 32);
    });
  }

  /** Puts a job into a slot; shares of the job that was there must not be run any more. RangeError where it is too large. */
  loadJob(slot: number, job: KernelJob): void {
    assertIndex('job slot', slot, layout.JOB_SLOTS);
    assertJob(job);
    const { coinb1, coinb2, extranonceBytes, merkleBranch } = job;
    const at = layout.JOBS + layout.JOB_BYTES * slot;
    const coinbase = at + layout.JOB_COINBASE;
    this.#put(at + layout.JOB_COINB1_BYTES, coinb1.length);
    this.#put(at + layout.JOB_COINB2_BYTES, coinb2.length);
    this.#put(at + layout.JOB_EXTRANONCE_BYTES, extranonceBytes);
    this.#put(at + layout.JOB_BRANCHES, merkleBranch.length);
    this.#put(at + layout.JOB_BITS, job.bits);
    this.bytes.set(job.previousHash, at + layout.JOB_PREVIOUS_HASH);
    this.bytes.set(job.networkTarget, at + layout.JOB_NETWORK_TARGET);
    merkleBranch.forEach((hash, index) => {
      this.bytes.set(hash, at + layout.JOB_BRANCH + 32 * index);
    });
    this.bytes.set(coinb1, coinbase);
    this.bytes.set(coinb2, coinbase + coinb1.length + extranonceBytes);
    this.#put(at + layout.JOB_PREPARED, 0);
  }

  /**
   * Writes one share of the next batch. Allocates nothing. `version`, `ntime`, `nonce`: u32 as hashed;
   * `target`: 32 bytes little-endian, not to be changed afterwards. RangeError where the slot holds no job or the lengths do not fit the job.
   */
  putShare(
    index: number,
    slot: number,
    extranonce1: Uint8Array,
    extranonce2: Uint8Array,
    version: number,
    ntime: number,
    nonce: number,
    target: Uint8Array,
  ): void {
    assertIndex('share index', index, layout.SHARE_CAPACITY);
    assertIndex('job slot', slot, layout.JOB_SLOTS);
    const at = shareAt(index);
    const hole = this.#words[(layout.JOBS + layout.JOB_BYTES * slot + layout.JOB_EXTRANONCE_BYTES) >>> 2] ?? 0;
    if (hole === 0) throw new RangeError(`job slot ${slot} holds no job`);
    if (extranonce1.length + extranonce2.length !== hole) {
      throw new RangeError(`extranonces of ${extranonce1.length} + ${extranonce2.length} bytes, not ${hole}`);
    }
    const word = at >>> 2;
    this.#words[word + (layout.SHARE_SLOT >>> 2)] = slot;
    this.#words[word + (layout.SHARE_VERSION >>> 2)] = version;
    this.#words[word + (layout.SHARE_NTIME >>> 2)] = ntime;
    this.#words[word + (layout.SHARE_NONCE >>> 2)] = nonce;
    if (this.#targets[index] !== target) {
      assertLength('target', target, 32);
      this.#copy(target, at + layout.SHARE_TARGET);
      this.#targets[index] = target;
    }
    this.#copy(extranonce1, at + layout.SHARE_EXTRANONCE);
    this.#copy(extranonce2, at + layout.SHARE_EXTRANONCE + extranonce1.length);
  }

  /** After a run: MEETS_SHARE_TARGET and MEETS_NETWORK_TARGET. */
  status(index: number): number {
    assertIndex('share index', index, layout.SHARE_CAPACITY);
    return this.#words[(shareAt(index) + layout.SHARE_STATUS) >>> 2] ?? 0;
  }

  /** After a run: the header's hash, 32 bytes as in the next header. A view, overwritten by the next run. */
  hash(index: number): Uint8Array {
    const view = this.#hashes[index];
    if (!view) throw new RangeError(`share index ${index} is not within 0…${layout.SHARE_CAPACITY - 1}`);
    return view;
  }

  #put(at: number, value: number): void {
    this.#words[at >>> 2] = value;
  }

  /** Byte by byte: for 4 to 32 bytes cheaper than `set`. */
  #copy(from: Uint8Array, to: number): void {
    for (let at = 0; at < from.length; at += 1) this.bytes[to + at] = from[at] ?? 0;
  }
}

function createMemory(): WasmMemory {
  return new wasm.Memory({ initial: layout.MEMORY_PAGES, maximum: layout.MEMORY_PAGES, shared: true });
}

function shareAt(index: number): number {
  return layout.SHARES + layout.SHARE_BYTES * index;
}

/** RangeError unless `index` is an integer within 0…`end` − 1. */
export function assertIndex(name: string, index: number, end: number): void {
  if (!(Number.isInteger(index) && index >= 0 && index < end)) {
    throw new RangeError(`${name} ${index} is not within 0…${end - 1}`);
  }
}

/** RangeError unless `bytes` has exactly that length. */
export function assertLength(name: string, bytes: Uint8Array, length: number): void {
  if (bytes.length !== length) throw new RangeError(`${name} of ${bytes.length} bytes, not ${length}`);
}

/** RangeError where a job does not fit the kernel. */
export function assertJob(job: KernelJob): void {
  const { coinb1, coinb2, extranonceBytes, merkleBranch } = job;
  if (!(Number.isInteger(extranonceBytes) && extranonceBytes > 0 && extranonceBytes <= layout.EXTRANONCE_BYTES_MAX)) {
    throw new RangeError(`extranonces of ${extranonceBytes} bytes, not 1…${layout.EXTRANONCE_BYTES_MAX}`);
  }
  const coinbaseBytes = coinb1.length + extranonceBytes + coinb2.length;
  if (coinbaseBytes > layout.COINBASE_BYTES_MAX) {
    throw new RangeError(`coinbase of ${coinbaseBytes} bytes, more than ${layout.COINBASE_BYTES_MAX}`);
  }
  if (merkleBranch.length > layout.MERKLE_BRANCHES_MAX) {
    throw new RangeError(`${merkleBranch.length} merkle branches, more than ${layout.MERKLE_BRANCHES_MAX}`);
  }
  for (const hash of merkleBranch) assertLength('merkle branch', hash, 32);
  assertLength('previous hash', job.previousHash, 32);
  assertLength('network target', job.networkTarget, 32);
}
