import { createHash } from 'node:crypto';
import { limits } from '#base/limits';
import { compareBytes } from './accounts.ts';

/** What an entry does to one account; the signs are in accounts.ts. */
export interface Line {
  readonly account: string;
  readonly sats: bigint;
}

/** Something to be booked. */
export interface Posting {
  /** What happened, such as `block-confirmed`. */
  readonly kind: string;
  /** Unique in the book: what may be retried is booked once. */
  readonly reference: string;
  /** Wall clock, ms. */
  readonly atMs: number;
  /** Sum to zero. Several lines of one account are booked as their sum. */
  readonly lines: readonly Line[];
  readonly note?: string | undefined;
}

/** A posting in the book. Its lines are in byte order of their accounts, one an account, none zero. */
export interface Entry extends Posting {
  /** 1 for the first, without gaps. */
  readonly id: number;
  /** SHA-256 over this entry and the hash of the one before, 64 hex digits. */
  readonly hash: string;
}

/** Half of a character, which has no bytes in UTF-8. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** What the first entry is chained to. */
export const GENESIS_HASH = '0'.repeat(64);

/**
 * The hash of an entry: SHA-256 over the hash before (64 hex digits), a line feed, and the JSON text of
 * `[id, kind, reference, at_ms, note or null, [[account, sats as a decimal string], …]]`, without blanks, in UTF-8.
 */
export function entryHash(previous: string, entry: Omit<Entry, 'hash'>): string {
  const { id, kind, reference, atMs, note, lines } = entry;
  const fields = [id, kind, reference, atMs, note ?? null, lines.map(({ account, sats }) => [account, String(sats)])];
  return createHash('sha256')
    .update(`${previous}\n${JSON.stringify(fields)}`)
    .digest('hex');
}

/** The lines as they are booked. */
export function normalizeLines(lines: readonly Line[]): Line[] {
  const sums = new Map<string, bigint>();
  for (const { account, sats } of lines) sums.set(account, (sums.get(account) ?? 0n) + sats);
  return [...sums]
    .filter(([, sats]) => sats !== 0n)
    .map(([account, sats]) => ({ account, sats }))
    .sort((a, b) => compareBytes(a.account, b.account));
}

export function sumOf(lines: readonly Line[]): bigint {
  return lines.reduce((sum, { sats }) => sum + sats, 0n);
}

/** Lines that undo these exactly. */
export function opposite(lines: readonly Line[]): Line[] {
  return lines.map(({ account, sats }) => ({ account, sats: -sats }));
}

/** Throws for what can not be booked: that is a fault of the program. */
export function assertPosting({ kind, reference, atMs, lines, note }: Posting): void {
  for (const text of [kind, reference, ...lines.map(({ account }) => account)]) {
    if (text === '' || text.length > limits.ledgerTextCharsMax || LONE_SURROGATE.test(text)) {
      throw new RangeError(`ledger: ${JSON.stringify(text)} is no name`);
    }
  }
  if (note !== undefined && LONE_SURROGATE.test(note))
    throw new RangeError(`ledger: the note of ${reference} is no text`);
  if (!Number.isSafeInteger(atMs)) throw new RangeError(`ledger: ${reference} is at ${atMs} ms`);
  const sum = sumOf(lines);
  if (sum !== 0n) throw new RangeError(`ledger: the lines of ${reference} come to ${sum} sats, not to zero`);
}
