import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { parseRange } from '#base/domain/ip';
import type { Ban } from '#base/domain/ports';
import { replaceFile } from '#base/std/atomic-file';

export const BAN_FILE = 'bans.json';
const FORMAT = 1;
/** Bans converted to text in one step, which takes about a millisecond. */
const SLICE = 512;

const timeMs = z.number().nonnegative();
const ban = z.object({
  address: z.string().refine((address) => parseRange(address) !== undefined),
  reason: z.string(),
  sinceMs: timeMs,
  untilMs: timeMs,
  times: z.int().min(1),
});
const file = z.object({ format: z.literal(FORMAT), bans: z.array(ban) });

/** The file of bans can not be used; the message says what to do. */
export class BanFileError extends Error {
  override readonly name = 'BanFileError';
}

/** Reads the bans of a data folder; none if there is no file. Throws BanFileError if it is damaged. */
export function readBanFile(folder: string): Ban[] {
  const path = join(folder, BAN_FILE);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw new BanFileError(`${path} can not be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  const bans = decode(text);
  if (typeof bans !== 'string') return bans;
  throw new BanFileError(`${path} is damaged (${bans}): repair it, or remove it to start without bans`);
}

/** Writes all or nothing: a crash leaves the old file or the new one. */
export function writeBanFile(folder: string, bans: readonly Ban[]): Promise<void> {
  return replaceFile(join(folder, BAN_FILE), encode(bans));
}

/** One line per ban, made in slices, because the text of 65,536 bans would block the event loop that serves shares. */
function* encode(bans: readonly Ban[]): Generator<string> {
  yield `{"format":${FORMAT},"bans":[\n`;
  for (let at = 0; at < bans.length; at += SLICE) {
    const slice = bans.slice(at, at + SLICE).map((ban) => JSON.stringify(ban));
    yield `${slice.join(',\n')}${at + SLICE < bans.length ? ',' : ''}\n`;
  }
  yield ']}\n';
}

/** The bans, or what is wrong. */
function decode(text: string): Ban[] | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'it is no JSON';
  }
  const read = file.safeParse(value);
  if (read.success) return read.data.bans;
  const [list, index] = read.error.issues[0]?.path ?? [];
  return list === 'bans' && typeof index === 'number'
    ? `its entry ${index + 1} is no ban`
    : `it is no list of bans of format ${FORMAT}`;
}
