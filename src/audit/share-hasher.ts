import { EXTRANONCE1_BYTES, EXTRANONCE2_BYTES, VARIANT_BYTES } from '#base/domain/job';
import { KernelInstance } from '#shares/kernel/instance';
import { loadKernel } from '#shares/kernel/kernel';
import { type KernelJob, KernelMemory } from '#shares/kernel/memory';

/** The variant, extranonce1 and extranonce2: what stands between `coinb1` and `coinb2`. */
export const HOLE_BYTES = VARIANT_BYTES + EXTRANONCE1_BYTES + EXTRANONCE2_BYTES;

/**
 * Hashes headers in batches, on the kernel that the pool judges shares with. `put` until it returns undefined or no header
 * is left, then `run`, then read the results by index. Jobs stay loaded, so headers that come job by job share midstates.
 */
export class ShareHasher {
  readonly #memory = new KernelMemory();
  readonly #kernel = new KernelInstance(loadKernel(), this.#memory);
  readonly #slotOf = new Map<KernelJob, number>();
  readonly #slots: (KernelJob | undefined)[] = new Array<KernelJob | undefined>(this.#memory.jobSlots).fill(undefined);
  /** Slots with a header in the batch: they are not loaded again before it has run. */
  readonly #used = new Uint8Array(this.#memory.jobSlots);
  /** The slot that is loaded next: the one loaded longest ago. */
  #nextSlot = 0;
  #count = 0;

  /**
   * Adds a header to the batch. `prefix`: the variant, big-endian, and extranonce1. `target`: 32 bytes little-endian, not to be
   * changed before the run. Returns the header's index, or undefined if the batch must run first.
   */
  put(
    job: KernelJob,
    prefix: Uint8Array,
    extranonce2: Uint8Array,
    header: { readonly version: number; readonly ntime: number; readonly nonce: number },
    target: Uint8Array,
  ): number | undefined {
    if (this.#count === this.#memory.capacity) return undefined;
    const slot = this.#slotOf.get(job) ?? this.#load(job);
    if (slot === undefined) return undefined;
    const { version, ntime, nonce } = header;
    this.#memory.putShare(this.#count, slot, prefix, extranonce2, version, ntime, nonce, target);
    this.#used[slot] = 1;
    this.#count += 1;
    return this.#count - 1;
  }

  /** Hashes the batch. The results stand until the next `put`. */
  run(): void {
    this.#kernel.run(this.#count);
    this.#count = 0;
    this.#used.fill(0);
  }

  /** Bits MEETS_SHARE_TARGET and MEETS_NETWORK_TARGET. */
  status(index: number): number {
    return this.#memory.status(index);
  }

  /** 32 bytes in internal order: a view that the next run overwrites. */
  hash(index: number): Uint8Array {
    return this.#memory.hash(index);
  }

  #load(job: KernelJob): number | undefined {
    const slot = this.#nextSlot;
    if (this.#used[slot] === 1) return undefined;
    const before = this.#slots[slot];
    if (before !== undefined) this.#slotOf.delete(before);
    this.#memory.loadJob(slot, job);
    this.#slots[slot] = job;
    this.#slotOf.set(job, slot);
    this.#nextSlot = (slot + 1) % this.#slots.length;
    return slot;
  }
}
