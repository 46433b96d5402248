import { readFileSync } from 'node:fs';

/** Files that a process has open beside its connections. */
const OTHER_FILES = 150;

/** How many connections one process may hold here, of those that are wanted: each is an open file, at both ends. */
export function connectionsPossible(wanted: number): number {
  const allowed = Number(/^Max open files +[0-9]+ +([0-9]+)/m.exec(limits())?.[1] ?? Number.POSITIVE_INFINITY);
  return Math.max(1, Math.min(wanted, allowed - OTHER_FILES));
}

function limits(): string {
  try {
    return readFileSync('/proc/self/limits', 'latin1');
  } catch {
    return '';
  }
}
