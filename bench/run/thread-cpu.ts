import { readFileSync } from 'node:fs';
import { NotRun } from './not-run.ts';

/** CPU time of this process's main thread, where the event loop runs, µs: the first number of Linux's schedstat, in ns. */
export function mainThreadCpuMicros(): number {
  try {
    return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'latin1').split(' ')[0]) / 1000;
  } catch {
    throw new NotRun("this system has no /proc/self/task/…/schedstat, where Linux tells a thread's CPU time");
  }
}
