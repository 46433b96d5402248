import { equalBytes } from '#base/bitcoin/bytes';
import type { Job } from '#base/domain/job';
import { limits } from '#base/limits';
import { ExpiredJobs } from './expired.ts';

export interface JobStoreOptions {
  /** Jobs that stay findable; the oldest goes first. */
  readonly jobsMax: number;
  /** Jobs of the current tip that are kept beyond it, for their blocks; default: `limits.expiredJobsMax`. */
  readonly expiredJobsMax?: number;
  /** Default: `limits.expiredJobsBytesMax`. */
  readonly expiredBytesMax?: number;
}

/**
 * The jobs that can still be answered, current or not. Jobs of a replaced tip stay until newer ones push them out: a
 * late share for them is `stale` and not `job-not-found`. They stay stale should the tip go from A to B and back to A, because
 * what was replaced is closed (gateway/answerable-jobs.ts).
 * A job that is pushed out while its tip is current expires: its shares are stale, but a block in one can still be built.
 */
export class JobStore {
  readonly #jobsMax: number;
  /** By serial, in order of their coming: a Map iterates in insertion order, so the first is the oldest. */
  readonly #jobs = new Map<number, Job>();
  readonly #expired: ExpiredJobs;
  #current: Job | undefined;
  #replacedSerial = -1;
  #retired = false;

  constructor(options: JobStoreOptions) {
    if (!Number.isInteger(options.jobsMax) || options.jobsMax < 1)
      throw new RangeError('JobStore: jobsMax must be at least 1');
    this.#jobsMax = options.jobsMax;
    const { expiredJobsMax = limits.expiredJobsMax, expiredBytesMax = limits.expiredJobsBytesMax } = options;
    this.#expired = new ExpiredJobs({ jobsMax: expiredJobsMax, bytesMax: expiredBytesMax });
  }

  /** The newest job; undefined before the first. */
  get current(): Job | undefined {
    return this.#current;
  }

  /** The least serial number of a job that can be answered; 0 before the first job. */
  get oldestSerial(): number {
    const [oldest = 0] = this.#jobs.keys();
    return oldest;
  }

  /** The last job of the tip before the current one, -1 for none: no share of it or of an earlier job is credited any more. */
  get replacedSerial(): number {
    return this.#replacedSerial;
  }

  get size(): number {
    return this.#jobs.size;
  }

  /** Makes the job the current one. Throws unless its serial number is greater than those before. */
  add(job: Job): void {
    if (job.serial <= (this.#current?.serial ?? -1)) throw new Error(`JobStore: job ${job.id} is not a newer one`);
    if (this.#current !== undefined && !sameTip(this.#current, job)) {
      this.#expired.clear();
      this.#replacedSerial = this.#current.serial;
    }
    this.#jobs.set(job.serial, job);
    this.#current = job;
    this.#retired = false;
    for (const [serial, oldest] of this.#jobs) {
      if (this.#jobs.size <= this.#jobsMax) break;
      this.#jobs.delete(serial);
      if (sameTip(oldest, job)) this.#expired.add(oldest);
    }
  }

  /** A job that can be answered; undefined for any other. */
  find(serial: number): Job | undefined {
    return this.#jobs.get(serial);
  }

  /** A job that has expired while its tip is still the current one. */
  findExpired(serial: number): Job | undefined {
    return this.#expired.find(serial);
  }

  /** Every job is stale until the next one is added. */
  retire(): void {
    this.#retired = true;
  }

  /** True if the job has expired, if the tip has changed since it was current, or if all jobs are retired. */
  isStale(job: Job): boolean {
    return this.#retired || job.serial <= this.#replacedSerial || this.#expired.find(job.serial) === job;
  }
}

function sameTip(a: Job, b: Job): boolean {
  return equalBytes(a.previousHash, b.previousHash);
}
