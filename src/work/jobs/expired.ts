import type { Job } from '#base/domain/job';
import type { TemplateTransaction } from '#base/domain/template';

export interface ExpiredJobsOptions {
  readonly jobsMax: number;
  /** Of their transactions and coinbases, where each transaction counts once. */
  readonly bytesMax: number;
}

/** A transaction's object, its id and its place in the map of uses. */
const TRANSACTION_BYTES = 300;
/** A job's own fields and its merkle branch. */
const JOB_BYTES = 4096;
/** A reference in a template's list. */
const REFERENCE_BYTES = 8;

/**
 * Jobs of one tip that can not be answered any more, kept so that a block in a late share is not lost. Templates of one
 * tip share most of their transactions, so a job costs little more than its list of references. The oldest jobs are dropped
 * when a bound is exceeded.
 */
export class ExpiredJobs {
  readonly #options: ExpiredJobsOptions;
  /** By serial, the oldest first. */
  #jobs = new Map<number, Job>();
  /** How many of the jobs have the transaction. */
  #uses = new Map<TemplateTransaction, number>();
  #bytes = 0;

  constructor(options: ExpiredJobsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#jobs.size;
  }

  /** Estimated memory that these jobs hold. */
  get bytes(): number {
    return this.#bytes;
  }

  find(serial: number): Job | undefined {
    return this.#jobs.get(serial);
  }

  add(job: Job): void {
    const { transactions } = job.template;
    this.#jobs.set(job.serial, job);
    this.#bytes += ownBytes(job);
    for (const transaction of transactions) {
      const uses = this.#uses.get(transaction) ?? 0;
      if (uses === 0) this.#bytes += transaction.data.length + TRANSACTION_BYTES;
      this.#uses.set(transaction, uses + 1);
    }
    const { jobsMax, bytesMax } = this.#options;
    for (const oldest of this.#jobs.values()) {
      if (this.#jobs.size <= jobsMax && this.#bytes <= bytesMax) break;
      this.#drop(oldest);
    }
  }

  clear(): void {
    this.#jobs = new Map();
    this.#uses = new Map();
    this.#bytes = 0;
  }

  #drop(job: Job): void {
    this.#jobs.delete(job.serial);
    this.#bytes -= ownBytes(job);
    for (const transaction of job.template.transactions) {
      const uses = this.#uses.get(transaction) ?? 0;
      if (uses > 1) {
        this.#uses.set(transaction, uses - 1);
        continue;
      }
      this.#uses.delete(transaction);
      this.#bytes -= transaction.data.length + TRANSACTION_BYTES;
    }
  }
}

function ownBytes({ coinb1, coinb2, template }: Job): number {
  return JOB_BYTES + coinb1.length + coinb2.length + REFERENCE_BYTES * template.transactions.length;
}
