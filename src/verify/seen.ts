/**
 * The header hashes already credited, so that none is credited twice. One set for each previous block, because a header
 * names its previous block: the set can go when no job on that block can be answered any more, and not sooner, so a tip
 * that goes A → B → A opens nothing.
 *
 * A hash is remembered by 64 of its bits (the least significant ones, which no difficulty constrains): with 3·10⁷
 * entries the odds that an honest share meets a stranger's key are 2·10⁻¹².
 */

/** A set is split into tables that grow one at a time: the largest rehash is 1/256 of the set, not a pause. */
const SHARDS = 256;
const FIRST_SLOTS = 64;

/** Open addressing with linear probing; two words a slot; (0, 0) is an empty slot. */
class Shard {
  #slots = new Uint32Array(2 * FIRST_SLOTS);
  #mask = FIRST_SLOTS - 1;
  size = 0;

  /** The word index of the key's slot, or of the free slot where it belongs. */
  #slot(low: number, high: number): number {
    const slots = this.#slots;
    let at = high & this.#mask;
    while (slots[2 * at] !== 0 || slots[2 * at + 1] !== 0) {
      if (slots[2 * at] === low && slots[2 * at + 1] === high) break;
      at = (at + 1) & this.#mask;
    }
    return 2 * at;
  }

  has(low: number, high: number): boolean {
    const at = this.#slot(low, high);
    return this.#slots[at] !== 0 || this.#slots[at + 1] !== 0;
  }

  add(low: number, high: number): void {
    if (2 * (this.size + 1) > this.#mask + 1) this.#grow();
    const at = this.#slot(low, high);
    this.#slots[at] = low;
    this.#slots[at + 1] = high;
    this.size += 1;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(2 * old.length);
    this.#mask = old.length - 1;
    for (let word = 0; word < old.length; word += 2) {
      const low = old[word] ?? 0;
      const high = old[word + 1] ?? 0;
      if (low === 0 && high === 0) continue;
      const at = this.#slot(low, high);
      this.#slots[at] = low;
      this.#slots[at + 1] = high;
    }
  }
}

/** The hashes of one previous block. */
class TipSet {
  readonly #shards = Array.from({ length: SHARDS }, () => new Shard());
  size = 0;

  #shard(low: number): Shard {
    const shard = this.#shards[low % SHARDS];
    if (!shard) throw new Error('unreachable: a remainder of SHARDS');
    return shard;
  }

  has(low: number, high: number): boolean {
    return this.#shard(low).has(low, high);
  }

  add(low: number, high: number): void {
    this.#shard(low).add(low, high);
    this.size += 1;
  }
}

export type Seen = 'new' | 'known' | 'full';

/** The part of a job that says which set its shares belong to. */
interface OnTip {
  /** 32 bytes. */
  readonly previousHash: Uint8Array;
}

export class SeenHeaders {
  readonly #tips = new Map<string, TipSet>();
  /** The set of each job that had a share, so that a share's set is found without making a text key. */
  #byJob = new WeakMap<OnTip, TipSet>();
  readonly #perTipMax: number;

  constructor(options: { readonly perTipMax: number }) {
    this.#perTipMax = options.perTipMax;
  }

  /** Hashes remembered over all tips. */
  get size(): number {
    let size = 0;
    for (const tip of this.#tips.values()) size += tip.size;
    return size;
  }

  /**
   * Whether this job's header is known; `full` where a new one could not be remembered and so must not be credited.
   * `low` and `high` are the first two u32 words of the hash.
   */
  check(job: OnTip, low: number, high: number): Seen {
    const set = this.#set(job);
    if (set.has(low, nonZero(high))) return 'known';
    return set.size < this.#perTipMax ? 'new' : 'full';
  }

  /** Remembers a header that `check` called new. */
  add(job: OnTip, low: number, high: number): void {
    this.#set(job).add(low, nonZero(high));
  }

  /** Forgets a previous block (32 bytes) whose jobs are all gone. */
  drop(previousHash: Uint8Array): void {
    this.#tips.delete(keyOf(previousHash));
    this.#byJob = new WeakMap();
  }

  #set(job: OnTip): TipSet {
    const known = this.#byJob.get(job);
    if (known) return known;
    const key = keyOf(job.previousHash);
    const set = this.#tips.get(key) ?? new TipSet();
    this.#tips.set(key, set);
    this.#byJob.set(job, set);
    return set;
  }
}

function keyOf(hash: Uint8Array): string {
  return Buffer.from(hash).toString('latin1');
}

/** No key may look like an empty slot. */
function nonZero(word: number): number {
  return word === 0 ? 1 : word;
}
