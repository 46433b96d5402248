import { chosenCoinb2 } from '#base/bitcoin/own-coinbase';
import { difficultyOfHash } from '#base/bitcoin/target';
import type { Job } from '#base/domain/job';
import { EXTRANONCE1_BYTES, EXTRANONCE2_BYTES, VARIANT_BYTES } from '#base/domain/job';
import type { CoinbaseChoice } from '#base/domain/share';
import { type KernelMemory, MEETS_NETWORK_TARGET } from '#shares/kernel/memory';
import type { PendingShare } from './pending-share.ts';

/** Of a share whose terms are forgotten: it can only be a block. */
const NO_TARGET = new Uint8Array(32);

/** What is in a slot of the kernel: a job with one of its coinbases; undefined: its own. */
interface Loaded {
  readonly job: Job;
  readonly coinbase: CoinbaseChoice | undefined;
}

/**
 * One kernel memory with what is loaded into it: fills it with shares, and reads the results back after whoever owns
 * the instance (this thread or a worker) has run it. A job takes a slot for each coinbase that shares come with.
 */
export class Lane {
  readonly #memory: KernelMemory;
  readonly #slots: (Loaded | undefined)[];
  /** Jobs with their own coinbases. */
  readonly #slotOf = new Map<Job, number>();
  /** Jobs with other coinbases. */
  readonly #slotsOf = new Map<CoinbaseChoice, Map<Job, number>>();
  /** The batch that used each slot last. */
  readonly #usedBy: number[];
  #batch = 0;
  /** The slot that is reloaded next: the one loaded longest ago. */
  #nextSlot = 0;
  /** The variant and extranonce1. */
  readonly #prefix = new Uint8Array(VARIANT_BYTES + EXTRANONCE1_BYTES);

  constructor(memory: KernelMemory) {
    this.#memory = memory;
    this.#slots = new Array<Loaded | undefined>(memory.jobSlots).fill(undefined);
    this.#usedBy = new Array<number>(memory.jobSlots).fill(0);
  }

  /**
   * Writes shares[from…] into the memory until it is full, `max` are in, or one more job would need a slot that this
   * batch already uses. Returns how many were written, at least 1. Each share must have passed the pre-checks.
   */
  fill(shares: readonly PendingShare[], from: number, max: number): number {
    const end = Math.min(shares.length, from + Math.min(max, this.#memory.capacity));
    this.#batch += 1;
    for (let at = from; at < end; at += 1) {
      const share = shares[at];
      if (!share?.job) throw new Error('lane: a share without a job');
      const { job, submission } = share;
      const { coinbase } = submission;
      let slot = coinbase === undefined ? this.#slotOf.get(job) : this.#slotsOf.get(coinbase)?.get(job);
      if (slot === undefined) {
        if (this.#usedBy[this.#nextSlot] === this.#batch) return at - from;
        slot = this.#load({ job, coinbase });
      }
      this.#usedBy[slot] = this.#batch;
      this.#prefix[0] = submission.variant >>> 8;
      this.#prefix[1] = submission.variant;
      copy(submission.source.extranonce1, this.#prefix, VARIANT_BYTES);
      this.#memory.putShare(
        at - from,
        slot,
        this.#prefix,
        submission.extranonce2,
        share.version,
        submission.ntime,
        submission.nonce,
        share.terms?.target ?? NO_TARGET,
      );
    }
    return end - from;
  }

  #load(loaded: Loaded): number {
    const { job, coinbase } = loaded;
    const slot = this.#nextSlot;
    this.#nextSlot = (slot + 1) % this.#slots.length;
    const previous = this.#slots[slot];
    if (previous !== undefined) this.#forget(previous);
    this.#slots[slot] = undefined;
    this.#memory.loadJob(slot, {
      coinb1: job.coinb1,
      coinb2: chosenCoinb2(job, coinbase) ?? job.coinb2,
      extranonceBytes: VARIANT_BYTES + EXTRANONCE1_BYTES + EXTRANONCE2_BYTES,
      merkleBranch: job.merkleBranch,
      previousHash: job.previousHash,
      bits: job.bits,
      networkTarget: job.networkTarget,
    });
    this.#slots[slot] = loaded;
    if (coinbase === undefined) this.#slotOf.set(job, slot);
    else {
      const slots = this.#slotsOf.get(coinbase) ?? new Map<Job, number>();
      slots.set(job, slot);
      this.#slotsOf.set(coinbase, slots);
    }
    return slot;
  }

  #forget({ job, coinbase }: Loaded): void {
    if (coinbase === undefined) {
      this.#slotOf.delete(job);
      return;
    }
    const slots = this.#slotsOf.get(coinbase);
    slots?.delete(job);
    if (slots?.size === 0) this.#slotsOf.delete(coinbase);
  }

  /** Reads the results of the `count` shares that `fill` took from `from` on. */
  read(shares: readonly PendingShare[], from: number, count: number): void {
    for (let index = 0; index < count; index += 1) {
      const share = shares[from + index];
      if (!share) throw new Error('lane: results beyond the batch');
      const hash = this.#memory.hash(index);
      share.meets = this.#memory.status(index);
      if ((share.meets & MEETS_NETWORK_TARGET) !== 0) share.hash = hash.slice();
      share.hashLow = u32(hash, 0);
      share.hashHigh = u32(hash, 4);
      share.shareDifficulty = difficultyOfHash(hash);
    }
  }
}

function u32(bytes: Uint8Array, at: number): number {
  const b = bytes;
  return ((b[at] ?? 0) | ((b[at + 1] ?? 0) << 8) | ((b[at + 2] ?? 0) << 16) | ((b[at + 3] ?? 0) << 24)) >>> 0;
}

/** Byte by byte: for four of them cheaper than `set`. */
function copy(from: Uint8Array, to: Uint8Array, at: number): void {
  for (let index = 0; index < from.length; index += 1) to[at + index] = from[index] ?? 0;
}
