import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { NotRun } from './not-run.ts';

/** Linux counts CPU time in hundredths of a second and memory in pages, whatever the kernel's own tick is. */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;

interface Stat {
  readonly pid: number;
  readonly parent: number;
  /** User and system time of all threads, and of children that have ended. */
  readonly cpuSeconds: number;
  readonly rssBytes: number;
}

/** Processes and their descendants, from /proc. */
export interface Tree {
  readonly processes: number;
  readonly cpuSeconds: number;
  /** Resident memory; pages that processes share count in each. */
  readonly rssBytes: number;
  /** CPU time by what a process runs: the name of its script without ending, else of its program. */
  readonly cpuSecondsOf: ReadonlyMap<string, number>;
}

/** Throws NotRun if there is no /proc. */
export function readTree(...roots: readonly number[]): Tree {
  const stats = readAll();
  const below = new Set(roots);
  // A child may have a smaller pid than its parent, so this goes on until nothing is found.
  for (let size = 0; size !== below.size; ) {
    size = below.size;
    for (const { pid, parent } of stats) if (below.has(parent)) below.add(pid);
  }
  const tree = stats.filter(({ pid }) => below.has(pid));
  return {
    processes: tree.length,
    cpuSeconds: tree.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
    rssBytes: tree.reduce((sum, { rssBytes }) => sum + rssBytes, 0),
    cpuSecondsOf: byProgram(tree),
  };
}

function byProgram(tree: readonly Stat[]): Map<string, number> {
  const seconds = new Map<string, number>();
  for (const { pid, cpuSeconds } of tree) {
    const name = programOf(pid);
    seconds.set(name, (seconds.get(name) ?? 0) + cpuSeconds);
  }
  return seconds;
}

function programOf(pid: number): string {
  const words = commandLineOf(pid).split('\0');
  return basename(words.find((word) => word.endsWith('.js')) ?? words[0] ?? '', '.js');
}

/** Words end with NUL; empty for a process that is gone. */
function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

/** Processes below another one whose command line has this word. */
export function findBelow(root: number, word: string): number[] {
  const stats = readAll();
  const isBelow = (pid: number): boolean => {
    const parent = stats.find((stat) => stat.pid === pid)?.parent;
    return parent === root || (parent !== undefined && parent > 1 && isBelow(parent));
  };
  return stats.map(({ pid }) => pid).filter((pid) => isBelow(pid) && commandLineOf(pid).includes(word));
}

/** User and system time of a process's threads; 0 if there is no such process. */
export function cpuSecondsOf(pid: number): number {
  return readStat(pid)?.cpuSeconds ?? 0;
}

function readAll(): Stat[] {
  let names: string[];
  try {
    names = readdirSync('/proc');
  } catch {
    throw new NotRun("this system has no /proc, where Linux tells a process's CPU time and memory");
  }
  return names.filter((name) => /^[0-9]+$/.test(name)).flatMap((name) => readStat(Number(name)) ?? []);
}

/** proc(5), stat: what follows the command's name, which may itself have blanks and brackets. */
function readStat(pid: number): Stat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  // Field 3 of the manual is the first here.
  const field = (number: number): number => Number(fields[number - 3]);
  return {
    pid,
    parent: field(4),
    cpuSeconds: (field(14) + field(15) + field(16) + field(17)) / TICKS_PER_SECOND,
    rssBytes: field(24) * PAGE_BYTES,
  };
}
