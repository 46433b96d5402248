import { parseJobRef } from '#base/domain/ids';
import { EXTRANONCE2_BYTES, type Job } from '#base/domain/job';
import type { RejectReason } from '#base/domain/verdict';
import type { PendingShare } from './pending-share.ts';

/** How far ahead of its job's own clock a share's ntime may run, seconds: the consensus limit (MAX_FUTURE_BLOCK_TIME). */
export const NTIME_AHEAD_MAX_S = 7200;

/** The jobs as these checks see them. */
export interface JobLookup {
  find(serial: number): Job | undefined;
  /** A job that can not be answered any more, but whose block data is there. */
  findExpired(serial: number): Job | undefined;
  isStale(job: Job): boolean;
}

/**
 * Everything that can be said of a share without hashing it, cheapest first. Fills in the worker, the job, the terms and
 * the version to hash as far as they are known, so that a reject's row says as much as can be said. Returns undefined for
 * a share that is to be hashed. A share whose header can be built is hashed even if it is refused (`share.refusal`),
 * because its header may still be a block; so is a share of an expired job, whose terms may be forgotten. `poolMask`: the version bits that the pool lets miners roll, u32.
 */
export function precheck(share: PendingShare, jobs: JobLookup, poolMask: number): RejectReason | undefined {
  const { submitter, request } = share;
  share.worker = submitter.worker(request.workerName);
  const ref = parseJobRef(request.jobId);
  const terms = ref && submitter.terms(ref.serial, ref.variant);
  const live = ref && terms && jobs.find(ref.serial);
  const agreedMask = terms?.versionMask ?? (ref && submitter.lateVersionMask(ref.serial));
  const job = live ?? (ref && agreedMask !== undefined ? jobs.findExpired(ref.serial) : undefined);
  share.terms = terms;
  share.job = job;
  if (ref && job) {
    share.version = job.version;
    share.variant = ref.variant;
  }

  if (!submitter.subscribed) return 'not-subscribed';
  const unauthorized = share.worker ? undefined : 'unauthorized';
  if (!job || agreedMask === undefined) return unauthorized ?? 'job-not-found';
  const stale = jobs.isStale(job);
  if (request.malformed !== undefined || request.extranonce2.length !== 2 * EXTRANONCE2_BYTES) {
    return unauthorized ?? (stale ? 'stale' : 'malformed');
  }
  const mask = maskOf(share, agreedMask, poolMask);
  // BIP310: the bits replace the masked ones. A bit outside the mask is hashed as sent, because the miner hashed it.
  if (request.versionBits !== undefined) share.version = ((job.version & ~mask) | request.versionBits) >>> 0;
  share.refusal = unauthorized ?? (stale ? 'stale' : refusal(share, job, mask));
  return undefined;
}

/** Rented machines roll bits without asking, as ckpool lets them: without an agreement the pool's own mask holds. */
function maskOf({ request }: PendingShare, agreedMask: number, poolMask: number): number {
  return agreedMask === 0 && request.versionBits !== 0 ? poolMask : agreedMask;
}

/** Why a share earns no credit whatever its hash is; undefined if its hash decides. */
function refusal({ request }: PendingShare, job: Job, mask: number): RejectReason | undefined {
  // Measured from the job's clock, not the host's: a host whose clock is off changes no verdict.
  if (request.ntime < job.minTime || request.ntime > latestTime(job)) return 'ntime-out-of-range';
  // BIP310: a bit outside the mask makes the share invalid.
  const outside = request.versionBits !== undefined && (request.versionBits & ~mask) !== 0;
  return outside ? 'version-outside-mask' : undefined;
}

/** The last ntime with which the job's header can be a block, UNIX seconds. */
function latestTime({ curTime, template: { maxTime } }: Job): number {
  const ahead = curTime + NTIME_AHEAD_MAX_S;
  return maxTime === undefined ? ahead : Math.min(ahead, maxTime);
}
