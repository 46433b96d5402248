import { equalBytes, toHex } from '../bitcoin/bytes.ts';
import type { Job } from '../domain/job.ts';

/** Jobs of one previous block that are still in the store. */
interface Tip {
  readonly previousHash: Uint8Array;
  jobs: number;
}

export interface JobStoreOptions {
  /** Jobs that stay findable; the oldest goes first. */
  readonly jobsMax: number;
}

/**
 * The jobs that can still be answered, current or not. Jobs of a replaced tip stay until newer ones push them out: a
 * late share for them is `stale` and not `job-not-found`, and valid again should the tip go from A to B and back to A.
 */
export class JobStore {
  readonly #jobsMax: number;
  /** By serial, in order of their coming: a Map iterates in insertion order, so the first is the oldest. */
  readonly #jobs = new Map<number, Job>();
  /** By previous hash, hex. */
  readonly #tips = new Map<string, Tip>();
  #current: Job | undefined;
  #retired = false;

  constructor(options: JobStoreOptions) {
    if (!Number.isInteger(options.jobsMax) || options.jobsMax < 1)
      throw new RangeError('JobStore: jobsMax must be at least 1');
    this.#jobsMax = options.jobsMax;
  }

  /** The newest job; undefined before the first. */
  get current(): Job | undefined {
    return this.#current;
  }

  get size(): number {
    return this.#jobs.size;
  }

  /**
   * Makes the job the current one. Returns the previous hashes of which no job is left: no share of theirs can be taken
   * any more, so what is kept to recognise duplicates of them may go. Throws where a job of that serial is there already.
   */
  add(job: Job): Uint8Array[] {
    if (this.#jobs.has(job.serial)) throw new Error(`JobStore: job ${job.id} is in the store already`);
    this.#jobs.set(job.serial, job);
    this.#current = job;
    this.#retired = false;
    const key = toHex(job.previousHash);
    const tip = this.#tips.get(key);
    if (tip) tip.jobs += 1;
    else this.#tips.set(key, { previousHash: job.previousHash, jobs: 1 });
    const forgotten: Uint8Array[] = [];
    for (const oldest of this.#jobs.values()) {
      if (this.#jobs.size <= this.#jobsMax) break;
      const left = this.#evict(oldest);
      if (left) forgotten.push(left);
    }
    return forgotten;
  }

  find(serial: number): Job | undefined {
    return this.#jobs.get(serial);
  }

  /** Every job is stale until the next one is added. */
  retire(): void {
    this.#retired = true;
  }

  /** True if the job builds on another block than the current job does, or if all jobs are retired. */
  isStale(job: Job): boolean {
    if (this.#retired) return true;
    const current = this.#current;
    if (current === undefined || current === job) return false;
    return !equalBytes(current.previousHash, job.previousHash);
  }

  /** Drops one job; returns its previous hash where that was the tip's last one. */
  #evict(job: Job): Uint8Array | undefined {
    this.#jobs.delete(job.serial);
    const key = toHex(job.previousHash);
    const tip = this.#tips.get(key);
    if (!tip) return undefined;
    tip.jobs -= 1;
    if (tip.jobs > 0) return undefined;
    this.#tips.delete(key);
    return tip.previousHash;
  }
}
