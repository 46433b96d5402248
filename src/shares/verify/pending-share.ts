import type { Job } from '#base/domain/job';
import type { JudgedShare, Submission, Terms } from '#base/domain/share';
import type { RejectReason, Verdict } from '#base/domain/verdict';
import type { Precheck } from './precheck.ts';

/** One submission on its way through verification: filled in step by step, a JudgedShare once `verdict` is final. */
export class PendingShare implements JudgedShare {
  readonly submission: Submission;
  readonly job: Job | undefined;
  terms: Terms | undefined;
  readonly version: number;
  readonly receivedMs: number;
  /** Monotonic clock at arrival, ms. */
  readonly arrivedMs: number;
  /** The verdict of a share that is hashed only because it may be a block. */
  readonly refusal: RejectReason | undefined;
  /** Means nothing until `judged`. */
  verdict: Verdict = 'accepted';
  /** False while the kernel has yet to hash it. */
  judged = false;
  shareDifficulty = 0;
  block = false;
  latencyUs = 0;
  /** The kernel's status bits (see shares/kernel/memory.ts). */
  meets = 0;
  hash: Uint8Array | undefined = undefined;
  /** 64 of the header hash's bits, enough to tell headers apart (see seen.ts). */
  hashLow = 0;
  hashHigh = 0;

  constructor(submission: Submission, { job, version, refusal }: Precheck, receivedMs: number, arrivedMs: number) {
    this.submission = submission;
    this.job = job;
    this.terms = submission.terms;
    this.version = version;
    this.receivedMs = receivedMs;
    this.arrivedMs = arrivedMs;
    this.refusal = refusal;
  }

  judge(verdict: Verdict, nowMonotonicMs: number): void {
    this.verdict = verdict;
    this.judged = true;
    this.latencyUs = Math.round((nowMonotonicMs - this.arrivedMs) * 1000);
  }
}
