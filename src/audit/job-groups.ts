import { limits } from '#base/limits';

/** A job that is to be audited, and how many rows of `shares` name it. */
export interface JobCount {
  readonly jobId: string;
  readonly shares: number;
  /** Of these, that were hashed. */
  readonly hashed: number;
  /** Of its first and last share, UNIX ms; undefined without shares. */
  readonly firstMs: number | undefined;
  readonly lastMs: number | undefined;
}

/** Jobs that are read together: all whose ids are from the first to the last one. */
export interface JobGroup {
  readonly firstId: string;
  readonly lastId: string;
  readonly jobs: number;
  readonly shares: number;
  readonly hashed: number;
  readonly firstMs: number | undefined;
  readonly lastMs: number | undefined;
}

/** Cuts jobs, ordered by id, into groups within the bounds of one query. A job with more shares is a group of its own. */
export function* groupsOf(counts: readonly JobCount[]): Generator<JobGroup> {
  let group: JobGroup | undefined;
  for (const count of counts) {
    const isFull =
      group !== undefined &&
      (group.shares + count.shares > limits.auditSharesPerQuery || group.jobs === limits.auditJobsPerQuery);
    if (group !== undefined && isFull) yield group;
    group = joined(isFull ? undefined : group, count);
  }
  if (group !== undefined) yield group;
}

function joined(group: JobGroup | undefined, { jobId, shares, hashed, firstMs, lastMs }: JobCount): JobGroup {
  if (group === undefined) return { firstId: jobId, lastId: jobId, jobs: 1, shares, hashed, firstMs, lastMs };
  return {
    firstId: group.firstId,
    lastId: jobId,
    jobs: group.jobs + 1,
    shares: group.shares + shares,
    hashed: group.hashed + hashed,
    firstMs: pick(Math.min, group.firstMs, firstMs),
    lastMs: pick(Math.max, group.lastMs, lastMs),
  };
}

function pick(
  choose: (a: number, b: number) => number,
  a: number | undefined,
  b: number | undefined,
): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : choose(a, b);
}
