import type { Job } from '#base/domain/job';
import type { JudgedShare, SubmitRequest, Submitter, Terms, Worker } from '#base/domain/share';
import type { RejectReason, Verdict } from '#base/domain/verdict';

/** One submission on its way through verification: filled in step by step, a JudgedShare once `verdict` is final. */
export class PendingShare implements JudgedShare {
  readonly submitter: Submitter;
  readonly request: SubmitRequest;
  readonly receivedMs: number;
  /** Monotonic clock at arrival, ms. */
  readonly arrivedMs: number;
  /** Not credited and not logged, unless it makes a block. */
  readonly unwanted: boolean;
  worker: Worker | undefined = undefined;
  job: Job | undefined = undefined;
  terms: Terms | undefined = undefined;
  /** Means nothing until `judged`. */
  verdict: Verdict = 'accepted';
  /** False while the kernel has yet to hash it. */
  judged = false;
  /** The verdict of a share that is hashed only because it may be a block. */
  refusal: RejectReason | undefined = undefined;
  variant = 0;
  version = 0;
  shareDifficulty = 0;
  block = false;
  latencyUs = 0;
  /** The kernel's status bits (see shares/kernel/memory.ts). */
  meets = 0;
  hash: Uint8Array | undefined = undefined;
  /** 64 of the header hash's bits, enough to tell headers apart (see seen.ts). */
  hashLow = 0;
  hashHigh = 0;

  constructor(submitter: Submitter, request: SubmitRequest, receivedMs: number, arrivedMs: number, unwanted = false) {
    this.submitter = submitter;
    this.request = request;
    this.receivedMs = receivedMs;
    this.arrivedMs = arrivedMs;
    this.unwanted = unwanted;
  }

  judge(verdict: Verdict, nowMonotonicMs: number): void {
    this.verdict = verdict;
    this.judged = true;
    this.latencyUs = Math.round((nowMonotonicMs - this.arrivedMs) * 1000);
  }
}
