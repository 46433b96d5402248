import { readdirSync, readFileSync } from 'node:fs';

/** A child that wants the processor and has had less than this share of one, over so many looks in a row, is starved. */
const SHARE_MIN = 0.1;
const LOOKS = 3;
/** It is given a turn for at least so many looks, and for as long as it wants the processor. */
const TURN_LOOKS = 10;
/** USER_HZ of Linux's `/proc` on every architecture that Node.js runs on. */
const TICKS_PER_SECOND = 100;

/** What is seen of the child at one look. */
export interface Look {
  /** Of processor time, all its threads together, since its start; undefined if the system does not tell. */
  readonly cpuMs: number | undefined;
  /** Since the look before, by a monotonic clock. */
  readonly passedMs: number;
  /** Work waits: a query, a shipment, or a report that is overdue. */
  readonly wants: boolean;
  /** A thread of it waits for the processor, and not for a disk or a peer. Asked only if all else says that it is starved. */
  readonly runnable: () => boolean;
}

/**
 * Decides when a process under the idle policy gets a turn: the policy gives it a processor only if nothing else wants one,
 * which beside a miner on the same core is never.
 */
export class Starvation {
  #cpuMs: number | undefined;
  #hungry = 0;
  #turn = 0;

  /** Returns true for as long as the process is to have a turn. Looks come once a second. */
  look({ cpuMs, passedMs, wants, runnable }: Look): boolean {
    const had = cpuMs === undefined || this.#cpuMs === undefined ? Number.POSITIVE_INFINITY : cpuMs - this.#cpuMs;
    this.#cpuMs = cpuMs;
    this.#hungry = wants && had < SHARE_MIN * passedMs && runnable() ? this.#hungry + 1 : 0;
    if (this.#hungry >= LOOKS || (this.#turn > 0 && wants)) this.#turn = TURN_LOOKS;
    else if (this.#turn > 0) this.#turn -= 1;
    return this.#turn > 0;
  }
}

/** The processor time of a process, all threads together; undefined if the system does not tell. */
export function cpuMsOf(pid: number): number | undefined {
  const fields = statOf(`/proc/${pid}/stat`);
  const ticks = Number(fields[UTIME]) + Number(fields[STIME]);
  return Number.isNaN(ticks) ? undefined : (ticks * 1000) / TICKS_PER_SECOND;
}

/** Whether a thread of the process runs or waits for a processor. */
export function isRunnable(pid: number): boolean {
  try {
    return readdirSync(`/proc/${pid}/task`).some((thread) => statOf(`/proc/${pid}/task/${thread}/stat`)[STATE] === 'R');
  } catch {
    return false;
  }
}

/** Where fields of proc(5)'s `stat` are, counted from the one behind the name, which may hold anything. */
const STATE = 0;
const UTIME = 11;
const STIME = 12;

/** Empty if there is no such file. */
function statOf(path: string): readonly string[] {
  try {
    return readFileSync(path, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  } catch {
    return [];
  }
}
