import type { Job } from '#base/domain/job';
import type { ShareRecorder } from '#base/domain/ports';
import type { SeenHeaders } from '#shares/verify/seen';
import type { JobStore } from '#work/jobs/store';

export interface AnswerableJobsModules {
  readonly jobs: JobStore;
  readonly seen: SeenHeaders;
  readonly recorder: Pick<ShareRecorder, 'closed' | 'commit'>;
  /** Calls back when every share taken so far is recorded: at once if none is being hashed. */
  readonly whenApplied: (then: () => void) => void;
}

/**
 * Makes a job current, and closes jobs. A closed job credits no more shares, and the journal gets a mark: behind the mark there is no
 * accepted share of the job. Jobs pushed out by the new job are closed at once, even to shares that are being hashed. If the tip
 * has changed, shares that arrive from now on for jobs of the old tip are stale. Shares that arrived before are credited, and then
 * the old jobs are closed.
 */
export function makeCurrent(job: Job, modules: AnswerableJobsModules): void {
  const { jobs, seen, whenApplied } = modules;
  const replacedBefore = jobs.replacedSerial;
  jobs.add(job);
  seen.retain(jobs.oldestSerial, job.serial);
  mark(jobs.oldestSerial - 1, modules);
  const { replacedSerial } = jobs;
  if (replacedSerial === replacedBefore) return;
  whenApplied(() => {
    seen.retain(replacedSerial + 1, jobs.current?.serial ?? job.serial);
    mark(replacedSerial, modules);
  });
}

function mark(serial: number, { recorder }: AnswerableJobsModules): void {
  recorder.closed(serial);
  recorder.commit(() => {});
}
