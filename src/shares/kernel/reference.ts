import { assertScan, type Kernel } from './instance.ts';
import { layout } from './layout.ts';
import {
  assertIndex,
  assertJob,
  assertLength,
  type KernelJob,
  MEETS_NETWORK_TARGET,
  MEETS_SHARE_TARGET,
  type ShareBatch,
} from './memory.ts';
import { sha256, sha256d } from './sha256.ts';

interface ReferenceShare {
  readonly job: KernelJob;
  readonly extranonce: Uint8Array;
  readonly version: number;
  readonly ntime: number;
  readonly nonce: number;
  readonly target: Uint8Array;
}

/**
 * The kernel in plain TypeScript: the same operations without WebAssembly, memory map or shortcuts. The oracle of the
 * tests, and the second opinion of the built-in miner before it sends a share.
 */
export class ReferenceKernel implements Kernel, ShareBatch {
  readonly jobSlots = layout.JOB_SLOTS;
  readonly capacity = layout.SHARE_CAPACITY;
  readonly #jobs = new Map<number, KernelJob>();
  readonly #shares = new Map<number, ReferenceShare>();
  readonly #results = new Map<number, { readonly hash: Uint8Array; readonly status: number }>();

  loadJob(slot: number, job: KernelJob): void {
    assertIndex('job slot', slot, layout.JOB_SLOTS);
    assertJob(job);
    this.#jobs.set(slot, job);
  }

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
    assertLength('target', target, 32);
    const job = this.#jobs.get(slot);
    if (!job) throw new RangeError(`job slot ${slot} holds no job`);
    const extranonce = concat(extranonce1, extranonce2);
    if (extranonce.length !== job.extranonceBytes) {
      throw new RangeError(
        `extranonces of ${extranonce1.length} + ${extranonce2.length} bytes, not ${job.extranonceBytes}`,
      );
    }
    this.#shares.set(index, { job, extranonce, version, ntime, nonce, target: target.slice() });
  }

  run(count: number): void {
    assertIndex('share count', count, layout.SHARE_CAPACITY + 1);
    for (let index = 0; index < count; index += 1) {
      const share = this.#shares.get(index);
      if (!share) throw new RangeError(`no share was put at ${index}`);
      const hash = sha256d(shareHeader(share));
      const status =
        (atMost(hash, share.target) ? MEETS_SHARE_TARGET : 0) |
        (atMost(hash, share.job.networkTarget) ? MEETS_NETWORK_TARGET : 0);
      this.#results.set(index, { hash, status });
    }
  }

  status(index: number): number {
    return this.#results.get(index)?.status ?? 0;
  }

  hash(index: number): Uint8Array {
    const result = this.#results.get(index);
    if (!result) throw new RangeError(`no share was run at ${index}`);
    return result.hash;
  }

  sha256(message: Uint8Array): Uint8Array {
    return sha256(message);
  }

  sha256d(message: Uint8Array): Uint8Array {
    return sha256d(message);
  }

  merkleBranch(txids: readonly Uint8Array[]): Uint8Array[] {
    for (const txid of txids) assertLength('txid', txid, 32);
    const branch: Uint8Array[] = [];
    // Siblings of the path from leaf 0; the path itself is not in the list.
    let level = [...txids];
    while (level.length > 0) {
      const [sibling, ...others] = level as [Uint8Array, ...Uint8Array[]];
      branch.push(sibling);
      level = [];
      for (let at = 0; at < others.length; at += 2) {
        const left = others[at] ?? sibling;
        level.push(sha256d(concat(left, others[at + 1] ?? left)));
      }
    }
    return branch;
  }

  scan(header: Uint8Array, target: Uint8Array, first: number, count: number): number | undefined {
    assertScan(header, target, first, count);
    const tried = header.slice();
    const view = new DataView(tried.buffer);
    for (let index = 0; index < count; index += 1) {
      const nonce = (first + index) % 2 ** 32;
      view.setUint32(76, nonce, true);
      if (atMost(sha256d(tried), target)) return nonce;
    }
    return undefined;
  }
}

/** The merkle root of a coinbase's hash and its branch. */
export function foldBranch(leaf: Uint8Array, branch: readonly Uint8Array[]): Uint8Array {
  return branch.reduce((hash, sibling) => sha256d(concat(hash, sibling)), leaf);
}

/** The 80 bytes that a share stands for. */
function shareHeader(share: ReferenceShare): Uint8Array {
  const { job } = share;
  const coinbase = concat(job.coinb1, share.extranonce, job.coinb2);
  const header = new Uint8Array(80);
  const view = new DataView(header.buffer);
  view.setUint32(0, share.version, true);
  header.set(job.previousHash, 4);
  header.set(foldBranch(sha256d(coinbase), job.merkleBranch), 36);
  view.setUint32(68, share.ntime, true);
  view.setUint32(72, job.bits, true);
  view.setUint32(76, share.nonce, true);
  return header;
}

/** True if a little-endian number is at most another of the same length. */
export function atMost(value: Uint8Array, bound: Uint8Array): boolean {
  for (let at = value.length - 1; at >= 0; at -= 1) {
    const difference = (value[at] ?? 0) - (bound[at] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return true;
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
