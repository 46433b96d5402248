import type { Job } from '#base/domain/job';
import type { ShareRecorder } from '#base/domain/ports';
import type { SeenHeaders } from '#shares/verify/seen';
import type { JobStore } from '#work/jobs/store';

export interface AnswerableJobsModules {
  readonly jobs: JobStore;
  readonly seen: SeenHeaders;
  readonly recorder: Pick<ShareRecorder, 'closed' | 'commit'>;
}

/**
 * Makes a job current. Jobs that are pushed out by it credit nothing any more, not even shares that are being hashed, and
 * the journal gets a mark that says so: behind the mark it has no accepted share of those jobs.
 */
export function makeCurrent(job: Job, { jobs, seen, recorder }: AnswerableJobsModules): void {
  jobs.add(job);
  seen.retain(jobs.oldestSerial, job.serial);
  recorder.closed(jobs.oldestSerial - 1);
  recorder.commit(() => {});
}
