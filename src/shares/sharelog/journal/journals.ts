import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { IDENTITY_FILE } from './identity.ts';

/**
 * The share log of a data folder is one journal or more, each a folder that one process at a time appends to: the pool's
 * own, and one for each place of a gateway that is a process of its own.
 */
export const POOL_JOURNAL = 'sharelog';
const NAME = /^sharelog(?:-[1-9][0-9]*)?$/;

/** The journal of the gateway in a place, from 0. */
export function gatewayJournal(slot: number): string {
  return `${POOL_JOURNAL}-${slot + 1}`;
}

/** Path of what is locked while a process appends to a journal. */
export function journalLock(folder: string, journal: string): string {
  return join(folder, `${journal}.lock`);
}

/** The journals that are there, the pool's own first. */
export function listJournals(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => NAME.test(name) && existsSync(join(folder, name, IDENTITY_FILE)))
    .sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
}
