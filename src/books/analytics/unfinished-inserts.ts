import { appendFileSync, existsSync, readdirSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';

/** PARTITION_FIRST_LAST_LEVEL[_MUTATION]: the block numbers of the inserts whose rows a part has. */
const PART = /^(?<partition>[^_]+)_(?<first>\d+)_(?<last>\d+)_\d+(?:_\d+)?$/;
const LOG = /^deduplication_log_(?<number>\d+)\.txt$/;
/** A record of a token log is a line: what it does, the part, the token; parted by tabs. */
const ADDED = '1';
const DROPPED = '2';

interface Part {
  readonly partition: string;
  readonly first: number;
  readonly last: number;
}

/**
 * Takes back the tokens of inserts whose rows are not there. The engine writes a token into the table's log before it puts the part
 * in its place (MergeTreeSink, for tables without replicas): a kill between the two makes it drop the rows of the next try as rows
 * that it has. To be called before the engine opens its folder, each time: after that the block number is given out again.
 *
 * Tokens of rows that were removed on purpose are taken back as well; no shipment has these tokens any more.
 */
export function forgetUnfinished(engineFolder: string): void {
  const store = join(engineFolder, 'store');
  if (!existsSync(store)) return;
  for (const prefix of readdirSync(store)) {
    for (const table of readdirSync(join(store, prefix))) forgetIn(join(store, prefix, table));
  }
}

function forgetIn(table: string): void {
  const folder = join(table, 'deduplication_logs');
  const logs = tokenLogs(folder);
  const newest = logs.at(-1);
  if (newest === undefined) return;
  const path = join(folder, newest);
  cutTornLine(path);
  const parts = readdirSync(table).flatMap((name) => partOf(name) ?? []);
  const lost = [...added(logs.map((log) => join(folder, log)))].filter(([, name]) => {
    const part = partOf(name);
    return part !== undefined && !parts.some((there) => contains(there, part));
  });
  if (lost.length === 0) return;
  appendFileSync(path, lost.map(([token, part]) => `${DROPPED}\t${part}\t${token}\n`).join(''));
}

/** In the order in which they were written. */
function tokenLogs(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const numberOf = (name: string): number => Number(LOG.exec(name)?.groups?.['number']);
  return readdirSync(folder)
    .filter((name) => LOG.test(name))
    .sort((a, b) => numberOf(a) - numberOf(b));
}

/** The tokens in force, with their parts. */
function added(logs: readonly string[]): Map<string, string> {
  const tokens = new Map<string, string>();
  for (const log of logs) {
    for (const line of readFileSync(log, 'utf8').split('\n')) {
      const [operation, part, token] = line.split('\t');
      if (part === undefined || token === undefined) continue;
      if (operation === ADDED) tokens.set(token, part);
      else if (operation === DROPPED) tokens.delete(token);
    }
  }
  return tokens;
}

/** A record that a crash has cut short is of an insert that did not end. */
function cutTornLine(log: string): void {
  const bytes = readFileSync(log);
  const whole = bytes.lastIndexOf(10) + 1;
  if (whole < bytes.length) truncateSync(log, whole);
}

/** Undefined for a part that is being written or removed, and for anything else. */
function partOf(name: string): Part | undefined {
  const groups = /^(?:tmp|delete_tmp)/.test(name) ? undefined : PART.exec(name)?.groups;
  if (groups === undefined) return undefined;
  const { partition = '', first, last } = groups;
  return { partition, first: Number(first), last: Number(last) };
}

function contains(part: Part, other: Part): boolean {
  return part.partition === other.partition && part.first <= other.first && other.last <= part.last;
}
