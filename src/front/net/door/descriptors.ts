import { readdirSync, readFileSync } from 'node:fs';
import { limits } from '#base/limits';

/** How many connections a process may have within its limit of file descriptors. */
export interface DescriptorBudget {
  /** RLIMIT_NOFILE, soft: Node raises it to the hard one as it starts. */
  readonly descriptors: number;
  /** Descriptors reserved for the log, blocks, the API, the node and other files. */
  readonly reserved: number;
  readonly connections: number;
}

/** Returns undefined if the system has no limit, or no /proc to read it from. */
export function descriptorBudget(): DescriptorBudget | undefined {
  try {
    const [, soft] = /^Max open files\s+(\d+)\s/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return soft === undefined ? undefined : budgetOf(Number(soft), readdirSync('/proc/self/fd').length);
  } catch {
    return undefined;
  }
}

/** `open`: descriptors in use before the first connection. A small limit keeps a quarter in reserve. */
export function budgetOf(descriptors: number, open: number): DescriptorBudget {
  const reserved = open + Math.min(limits.descriptorsReserved, Math.ceil(descriptors / 4));
  return { descriptors, reserved, connections: Math.max(1, descriptors - reserved) };
}
