/**
 * The header hashes already credited, so that none is credited twice. Each job has a set of its own: a job's serial number
 * stands in its coinbase, so two jobs never make the same header. The set goes with its job, and a job without a set
 * credits nothing, so a tip that goes A → B → A opens nothing.
 *
 * A hash is remembered by 64 of its bits (the least significant ones, which no difficulty constrains): with 3·10⁷
 * entries the odds that an honest share meets a stranger's key are 2·10⁻¹².
 */

/** A set is split into tables that grow one at a time: the largest rehash is 1/256 of the set, not a pause. */
const SHARDS = 256;
const FIRST_SLOTS = 16;

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

/** The hashes of one job. */
class JobSet {
  readonly #shards = Array.from({ length: SHARDS }, () => new Shard());
  readonly serial: number;
  size = 0;
  /** The pool was asked for a newer job. */
  replaced = false;

  constructor(serial: number) {
    this.serial = serial;
  }

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

/** `full`: there is no room for a new header of the newest job. `closed`: the job's set is gone, so it credits nothing. */
export type Seen = 'new' | 'known' | 'full' | 'closed';

/** The part of a job that tells its set. */
interface OfJob {
  readonly serial: number;
}

export interface SeenOptions {
  /** Headers remembered over all jobs: 16 to 32 bytes each. */
  readonly headersMax: number;
}

export interface SeenModules {
  /** A job's set was let go of to make room. Late shares of that job are stale from now on. */
  readonly closedEarly: (serial: number) => void;
  /** The newest job's set fills: a newer job would give its shares another one. Called once a job. */
  readonly wantsJob: () => void;
}

/** For metrics. */
export interface SeenStatus {
  readonly headers: number;
  /** Jobs closed early since the start. */
  readonly closedEarly: number;
  /** 1 if new headers of the newest job can not be remembered now, so that its shares are refused; else 0. */
  readonly full: number;
}

/**
 * Bounded over all jobs. If a new header finds no room, the oldest job is closed. The newest job is never closed, and the
 * pool is asked for another one when that job alone takes half of the room.
 */
export class SeenHeaders {
  readonly #sets = new Map<OfJob, JobSet>();
  readonly #closed = new WeakSet<OfJob>();
  readonly #headersMax: number;
  readonly #modules: SeenModules;
  #size = 0;
  #closedEarly = 0;
  #newestSerial = -1;
  /** Jobs before this one credit nothing. */
  #oldestSerial = 0;

  constructor({ headersMax }: SeenOptions, modules: SeenModules) {
    this.#headersMax = headersMax;
    this.#modules = modules;
  }

  /** Hashes remembered over all jobs. */
  get size(): number {
    return this.#size;
  }

  get status(): SeenStatus {
    const full = this.#size >= this.#headersMax && this.#oldest() === undefined;
    return { headers: this.#size, closedEarly: this.#closedEarly, full: full ? 1 : 0 };
  }

  /** What is known of this header. `low` and `high` are the first two u32 words of the hash. */
  check(job: OfJob, low: number, high: number): Seen {
    if (job.serial < this.#oldestSerial || this.#closed.has(job)) return 'closed';
    const set = this.#sets.get(job);
    if (set?.has(low, nonZero(high)) === true) return 'known';
    if (this.#size < this.#headersMax) return 'new';
    const oldest = this.#oldest();
    if (oldest === undefined) return 'full';
    this.#close(oldest);
    this.#closedEarly += 1;
    this.#modules.closedEarly(oldest.serial);
    return oldest === job ? 'closed' : 'new';
  }

  /** Remembers a header that `check` called new. */
  add(job: OfJob, low: number, high: number): void {
    let set = this.#sets.get(job);
    if (set === undefined) {
      set = new JobSet(job.serial);
      this.#sets.set(job, set);
      this.#newestSerial = Math.max(this.#newestSerial, job.serial);
    }
    set.add(low, nonZero(high));
    this.#size += 1;
    if (set.replaced || 2 * set.size < this.#headersMax || set.serial !== this.#newestSerial) return;
    set.replaced = true;
    this.#modules.wantsJob();
  }

  /**
   * Closes every job before `oldestSerial`, whether it has a set or not: none of their shares is credited any more. What was
   * closed once stays so.
   * `newestSerial`: the newest job, which is never closed early.
   */
  retain(oldestSerial: number, newestSerial: number): void {
    this.#newestSerial = newestSerial;
    this.#oldestSerial = Math.max(this.#oldestSerial, oldestSerial);
    for (const job of this.#sets.keys()) if (job.serial < this.#oldestSerial) this.#close(job);
  }

  #close(job: OfJob): void {
    this.#size -= this.#sets.get(job)?.size ?? 0;
    this.#sets.delete(job);
    this.#closed.add(job);
  }

  /** The oldest job but for the newest; undefined if there is no other. */
  #oldest(): OfJob | undefined {
    let oldest: OfJob | undefined;
    for (const job of this.#sets.keys()) {
      if (job.serial < this.#newestSerial && (oldest === undefined || job.serial < oldest.serial)) oldest = job;
    }
    return oldest;
  }
}

/** No key may look like an empty slot. */
function nonZero(word: number): number {
  return word === 0 ? 1 : word;
}
