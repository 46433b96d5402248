import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { setPriority } from 'node:os';

/** Less important than the pool, which has the same cores: a share is not to wait for rows that are in the log already. */
const NICE = 19;
/** For a child whose user waits: about a fourth of a core that it shares with one busy process. Still less than the pool. */
const NICE_IN_TURN = 5;

/** `last`: after everything else. `turn`: nice, and never idle. */
export type Priority = 'last' | 'turn';

/**
 * The priority of the analytics child. A nice thread that runs keeps its core for some ms when the pool's wants it; under
 * Linux's idle policy the thread gives the core back at once, which nearly halves the p99 of a reply (bench/README.md). But
 * under that policy a child beside other programs that take all cores has no core at all, so it is taken out for a while
 * (starvation.ts). It starts without it: it would be a minute until there is SQL.
 */
export class ChildPriority {
  readonly #pid: number;
  readonly #priority: Priority;
  #idle = false;

  /** To be called right after the fork: threads have the priority of the thread that makes them. */
  constructor(pid: number, priority: Priority) {
    this.#pid = pid;
    this.#priority = priority;
    renice(pid, priority === 'last' ? NICE : NICE_IN_TURN);
  }

  /** Idle from now on, if the child comes last. If there is no such command or policy it stays nice. */
  async beIdle(): Promise<void> {
    if (this.#idle || this.#priority !== 'last') return;
    this.#idle = await chrt('--idle', this.#pid);
    renice(this.#pid, NICE);
  }

  /** Gives an idle child a turn. Returns false if the system does not let this user raise a priority. */
  async takeTurn(): Promise<boolean> {
    if (!this.#idle) return true;
    if (!(await chrt('--other', this.#pid)) || !renice(this.#pid, NICE_IN_TURN)) return false;
    this.#idle = false;
    return true;
  }
}

/** Of all threads of a process: on Linux each has its own. */
function renice(pid: number, nice: number): boolean {
  try {
    for (const thread of threadsOf(pid)) setPriority(thread, nice);
    return true;
  } catch {
    // Not allowed; or the process is gone again, which its parent hears of.
    return false;
  }
}

function threadsOf(pid: number): readonly number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch {
    return [pid];
  }
}

/** Of all threads of a process; those that come later have the policy of the threads that make them. */
function chrt(policy: '--idle' | '--other', pid: number): Promise<boolean> {
  return new Promise((resolve) => {
    execFile('chrt', ['--all-tasks', policy, '--pid', '0', String(pid)], (error) => resolve(error === null));
  });
}
