import { EXTRANONCE2_BYTES, type Job } from '#base/domain/job';
import type { Submission } from '#base/domain/share';
import type { RejectReason } from '#base/domain/verdict';

/** How far ahead of its job's own clock a share's ntime may run, seconds: the consensus limit (MAX_FUTURE_BLOCK_TIME). */
export const NTIME_AHEAD_MAX_S = 7200;

/** The jobs as these checks see them. */
export interface JobLookup {
  find(serial: number): Job | undefined;
  /** A job that can not be answered any more, but whose block data is there. */
  findExpired(serial: number): Job | undefined;
  isStale(job: Job): boolean;
}

/** What can be said of a share without hashing it. */
export interface Precheck {
  /** Undefined if the share names no known job. */
  readonly job: Job | undefined;
  /** The header version to hash, u32; the job's if the share is not hashed; 0 without a job. */
  readonly version: number;
  /** Why the share earns no credit whatever its hash is; undefined if its hash decides. */
  readonly refusal: RejectReason | undefined;
  /** True if its header can be built: it is hashed even if it is refused, because the header may be a block. */
  readonly hashable: boolean;
}

/**
 * Everything that can be said of a share without hashing it, cheapest first. The job and the version are known also for a
 * share that is refused, so that its row says as much as can be said. A share of an expired job, whose terms may be forgotten,
 * can only be a block. `poolMask`: the version bits that the pool lets miners roll, u32.
 */
export function precheck(submission: Submission, jobs: JobLookup, poolMask: number): Precheck {
  const { serial, terms, versionMask, fault } = submission;
  const live = terms && jobs.find(serial);
  const job = live ?? (versionMask === undefined ? undefined : jobs.findExpired(serial));

  if (fault === 'not-subscribed') return refused(job, fault);
  const unauthorized = submission.worker ? undefined : 'unauthorized';
  if (!job || versionMask === undefined) return refused(job, unauthorized ?? 'job-not-found');
  const unpaid = unauthorized ?? (jobs.isStale(job) ? 'stale' : undefined);
  if (fault !== undefined || submission.extranonce2.length !== EXTRANONCE2_BYTES) {
    return refused(job, unpaid ?? 'malformed');
  }
  const mask = maskOf(submission, versionMask, poolMask);
  const { versionBits } = submission;
  // BIP310: the bits replace the masked ones. A bit outside the mask is hashed as sent, because the miner hashed it.
  const version = versionBits === undefined ? job.version : ((job.version & ~mask) | versionBits) >>> 0;
  return { job, version, refusal: unpaid ?? refusalOf(submission, job, mask), hashable: true };
}

function refused(job: Job | undefined, refusal: RejectReason): Precheck {
  return { job, version: job?.version ?? 0, refusal, hashable: false };
}

/** Rented machines roll bits without asking, as ckpool lets them: without an agreement the pool's own mask holds. */
function maskOf({ versionBits }: Submission, agreedMask: number, poolMask: number): number {
  return agreedMask === 0 && versionBits !== 0 ? poolMask : agreedMask;
}

/** Why a share earns no credit whatever its hash is; undefined if its hash decides. */
function refusalOf({ ntime, versionBits }: Submission, job: Job, mask: number): RejectReason | undefined {
  // Measured from the job's clock, not the host's: a host whose clock is off changes no verdict.
  if (ntime < job.minTime || ntime > latestTime(job)) return 'ntime-out-of-range';
  // BIP310: a bit outside the mask makes the share invalid.
  const outside = versionBits !== undefined && (versionBits & ~mask) !== 0;
  return outside ? 'version-outside-mask' : undefined;
}

/** The last ntime with which the job's header can be a block, UNIX seconds. */
function latestTime({ curTime, template: { maxTime } }: Job): number {
  const ahead = curTime + NTIME_AHEAD_MAX_S;
  return maxTime === undefined ? ahead : Math.min(ahead, maxTime);
}
