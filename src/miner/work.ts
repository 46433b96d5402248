import { concatBytes } from '#base/bitcoin/bytes';
import { encodeHeader } from '#base/bitcoin/header';
import { targetOfDifficulty, targetToBytes } from '#base/bitcoin/target';
import { foldBranch } from '#shares/kernel/reference';
import { sha256d } from '#shares/kernel/sha256';
import type { Extranonce, NotifiedJob } from './message.ts';

/** A job with what was in force when it was notified; its shares are made by these and nothing later. */
export interface Work {
  readonly job: NotifiedJob;
  readonly extranonce: Extranonce;
  /** Version bits that may be rolled, u32; 0 for none. */
  readonly versionMask: number;
  readonly difficulty: number;
  /** 32 bytes little-endian. */
  readonly target: Uint8Array;
}

export function makeWork(job: NotifiedJob, extranonce: Extranonce, versionMask: number, difficulty: number): Work {
  return { job, extranonce, versionMask, difficulty, target: targetToBytes(targetOfDifficulty(difficulty)) };
}

/** The root for an extranonce2, by the plain reference: once per extranonce2, so its cost does not show. */
export function merkleRoot(work: Work, extranonce2: Uint8Array): Uint8Array {
  const { coinb1, coinb2, merkleBranch } = work.job;
  const coinbase = concatBytes([coinb1, work.extranonce.extranonce1, extranonce2, coinb2]);
  return foldBranch(sha256d(coinbase), merkleBranch);
}

/** What one thread is to scan: nonces `first`…`first + count − 1` of a header. */
export interface Assignment {
  readonly work: Work;
  readonly extranonce2: Uint8Array;
  /** As hashed. */
  readonly version: number;
  /** 80 bytes, the nonce left 0. */
  readonly header: Uint8Array;
  readonly first: number;
  readonly count: number;
}

/** Hands out extranonce2 values of a length, each once until they run out. */
export class Extranonce2Counter {
  #next = 0n;

  take(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    let rest = this.#next;
    for (let at = length - 1; at >= 0; at -= 1) {
      bytes[at] = Number(rest & 0xffn);
      rest >>= 8n;
    }
    this.#next += 1n;
    return bytes;
  }
}

const NONCES = 2 ** 32;

/**
 * One thread's way through a work: nonces upwards, with a new pattern of version bits each time, and a new extranonce2
 * when the nonces run out. ntime stays the job's. No header comes twice.
 */
export class Roller {
  readonly #work: Work;
  readonly #extranonce2s: Extranonce2Counter;
  #extranonce2: Uint8Array;
  #root: Uint8Array;
  #nonce = 0;
  #pattern = 0;

  constructor(work: Work, extranonce2s: Extranonce2Counter) {
    this.#work = work;
    this.#extranonce2s = extranonce2s;
    this.#extranonce2 = extranonce2s.take(work.extranonce.extranonce2Bytes);
    this.#root = merkleRoot(work, this.#extranonce2);
  }

  get work(): Work {
    return this.#work;
  }

  /** The next assignment of at most `count` nonces. */
  take(count: number): Assignment {
    const work = this.#work;
    if (this.#nonce === NONCES) {
      this.#extranonce2 = this.#extranonce2s.take(work.extranonce.extranonce2Bytes);
      this.#root = merkleRoot(work, this.#extranonce2);
      this.#nonce = 0;
    }
    const { job, versionMask } = work;
    const version = ((job.version & ~versionMask) | spread(this.#pattern, versionMask)) >>> 0;
    const header = encodeHeader({
      version,
      previousHash: job.previousHash,
      merkleRoot: this.#root,
      time: job.ntime,
      bits: job.bits,
      nonce: 0,
    });
    const first = this.#nonce;
    const end = Math.min(NONCES, first + count);
    this.#nonce = end;
    this.#pattern += 1;
    return { work, extranonce2: this.#extranonce2, version, header, first, count: end - first };
  }

  /** The last assignment ended early, before `nonce`: what it left undone is taken up under the next version bits. */
  resume(nonce: number): void {
    this.#nonce = nonce;
  }
}

/** The low bits of `value` put where `mask` has its bits, lowest first. */
export function spread(value: number, mask: number): number {
  let spreadBits = 0;
  let rest = value;
  for (let bit = 0; bit < 32; bit += 1) {
    if (((mask >>> bit) & 1) === 0) continue;
    if ((rest & 1) === 1) spreadBits |= 1 << bit;
    rest >>>= 1;
  }
  return spreadBits >>> 0;
}
