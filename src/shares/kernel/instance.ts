import type { KernelCode } from './kernel.ts';
import { layout } from './layout.ts';
import { assertIndex, assertLength, type KernelMemory } from './memory.ts';
import { wasm } from './webassembly.ts';

/** What every kernel can do, the WebAssembly builds and the reference alike. */
export interface Kernel {
  /** Verifies shares 0…count − 1 of the batch. */
  run(count: number): void;
  /** 32 bytes. */
  sha256(message: Uint8Array): Uint8Array;
  /** SHA-256 of SHA-256, 32 bytes. */
  sha256d(message: Uint8Array): Uint8Array;
  /**
   * The sibling hashes from the coinbase's leaf to the root, 32 bytes each, for a block of the coinbase and these
   * transactions. Txids in internal order, 32 bytes each, in the block's order and without the coinbase's.
   */
  merkleBranch(txids: readonly Uint8Array[]): Uint8Array[];
  /**
   * Tries the nonces `first`, `first` + 1, … (`count` of them, wrapping at 2^32) in an 80-byte header; returns the first
   * whose hash is at or below `target` (32 bytes little-endian), undefined if none is. The header is not changed.
   */
  scan(header: Uint8Array, target: Uint8Array, first: number, count: number): number | undefined;
}

interface KernelExports {
  run(count: number): void;
  digestBegin(): void;
  digestBlocks(bytes: number, count: number): void;
  digestEnd(bytes: number, rest: number, totalBytes: bigint, twice: number): void;
  merkleBranch(leaves: number): number;
  scan(first: number, count: number): number;
}

/** Bytes hashed in one call: the region less the room that the padding needs. */
const CHUNK_BYTES = layout.BYTES_BYTES - 128;
const LEAVES_MAX = layout.BYTES_BYTES / 32;

/**
 * The kernel at work on one memory. Make exactly one on each: another would wipe the first one's statics.
 * Not reentrant, and `loadJob` or `putShare` from elsewhere must not overlap a call.
 */
export class KernelInstance implements Kernel {
  readonly build: KernelCode['build'];
  readonly memory: KernelMemory;
  readonly #exports: KernelExports;

  constructor(code: KernelCode, memory: KernelMemory) {
    this.build = code.build;
    this.memory = memory;
    const instance = new wasm.Instance(code.module, { env: { memory: memory.memory } });
    this.#exports = instance.exports as unknown as KernelExports;
  }

  run(count: number): void {
    assertIndex('share count', count, layout.SHARE_CAPACITY + 1);
    this.#exports.run(count);
  }

  sha256(message: Uint8Array): Uint8Array {
    return this.#digest(message, false);
  }

  sha256d(message: Uint8Array): Uint8Array {
    return this.#digest(message, true);
  }

  merkleBranch(txids: readonly Uint8Array[]): Uint8Array[] {
    const leaves = txids.length + 1;
    if (leaves > LEAVES_MAX) throw new RangeError(`${txids.length} transactions, more than ${LEAVES_MAX - 1}`);
    const { bytes } = this.memory;
    txids.forEach((txid, index) => {
      assertLength('txid', txid, 32);
      bytes.set(txid, layout.BYTES + 32 * (index + 1));
    });
    const branches = this.#exports.merkleBranch(leaves);
    return Array.from({ length: branches }, (_, index) => this.#read(layout.BRANCH + 32 * index));
  }

  scan(header: Uint8Array, target: Uint8Array, first: number, count: number): number | undefined {
    assertScan(header, target, first, count);
    const { bytes } = this.memory;
    bytes.set(header, layout.SCAN + layout.SCAN_HEADER);
    bytes.set(target, layout.SCAN + layout.SCAN_TARGET);
    if (!this.#exports.scan(first, count)) return undefined;
    const at = layout.SCAN + layout.SCAN_NONCE;
    return new DataView(bytes.buffer).getUint32(at, true);
  }

  #digest(message: Uint8Array, twice: boolean): Uint8Array {
    const { bytes } = this.memory;
    this.#exports.digestBegin();
    let from = 0;
    for (;;) {
      const part = message.subarray(from, from + CHUNK_BYTES);
      bytes.set(part, layout.BYTES);
      const blocks = part.length >>> 6;
      this.#exports.digestBlocks(layout.BYTES, blocks);
      from += part.length;
      if (from === message.length) {
        this.#exports.digestEnd(layout.BYTES + 64 * blocks, part.length & 63, BigInt(message.length), twice ? 1 : 0);
        return this.#read(layout.DIGEST + layout.DIGEST_OUT);
      }
    }
  }

  /** A copy of 32 bytes, in memory that is not shared. */
  #read(at: number): Uint8Array {
    return Uint8Array.from(this.memory.bytes.subarray(at, at + 32));
  }
}

/** RangeError where a scan's arguments have the wrong shape. */
export function assertScan(header: Uint8Array, target: Uint8Array, first: number, count: number): void {
  assertLength('header', header, 80);
  assertLength('target', target, 32);
  assertIndex('first nonce', first, 2 ** 32);
  assertIndex('nonce count', count, 2 ** 32);
}
