import { z } from 'zod';
import { limits } from '#base/limits';
import { type BlockSummary, blocksBefore } from '#books/ledger/read/block-questions';
import { blockPosition, positionOf } from './blocks.ts';
import type { Context } from './context.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import { sqlTime } from './history.ts';
import { count, hash, iso, limit, noParams, time, work } from './shapes.ts';

const PAGE_MAX = 50;
/** Shorter rounds are summed from the shares themselves; longer ones from the rollup of minutes. */
const SHARES_RANGE_MS_MAX = 6 * 3_600_000;

const roundShape = z.strictObject({
  height: count.nullable().meta({ description: 'Null: the round has not ended' }),
  hash: hash.nullable(),
  begin: time.nullable().meta({ description: 'When the block before was found; null of the first round' }),
  end: time.nullable(),
  work: work.nullable(),
  effort: z.number().nonnegative().nullable().meta({
    description: 'The work as a part of what a block takes on average; null if the block’s difficulty is not known',
  }),
  probability: z
    .number()
    .min(0)
    .max(1)
    .nullable()
    .meta({ description: 'That a round takes at least that much work: exp(-effort)' }),
});

/** From one block of the pool to the next, whatever becomes of them. */
export function rounds({ books, history, clock, pool }: Context): readonly Endpoint[] {
  const list = endpoint({
    path: '/api/v1/rounds',
    group: 'blocks',
    summary: 'Rounds: the work from one block to the next, and how lucky it was',
    description:
      'Newest first; on the first page the round that goes on now stands before the others. Rounds over more than six hours are summed by whole minutes. Ask ?before= with `next` for more.',
    params: noParams,
    query: z.strictObject({ before: blockPosition, limit: limit(PAGE_MAX, 20) }),
    response: z.strictObject({
      rounds: z.array(roundShape),
      next: z.string().nullable(),
    }),
    cost: limits.apiHistoryCost,
    freshSeconds: 5,
    async answer({ query }) {
      // One more tells where the last round of the page begins.
      const page = { before: query.before, count: query.limit + 1 };
      const found = await books.ask(['rounds', page], (database) => blocksBefore(database, page));
      const nowMs = Math.ceil(clock.nowMs() / 5_000) * 5_000;
      const ends = [...(query.before === undefined ? [nowMs] : []), ...found.map(({ foundMs }) => foundMs)];
      const works = await worksBetween(history, ends, found.length <= query.limit);
      const shown = found.slice(0, query.limit);
      const ended = shown.map((block, at) =>
        roundOf(block, found[at + 1], works[at + (query.before === undefined ? 1 : 0)]),
      );
      const last = shown.at(-1);
      return {
        rounds: query.before === undefined ? [await current(found[0], works[0], pool), ...ended] : ended,
        next: found.length > query.limit && last !== undefined ? positionOf(last) : null,
      };
    },
  });
  return [list];
}

async function current(before: BlockSummary | undefined, done: bigint | undefined, pool: Context['pool']) {
  const { job } = await pool();
  const needed = job === null ? undefined : BigInt(Math.max(1, Math.round(job.networkDifficulty * 2 ** 32)));
  const begin = before === undefined ? null : iso(before.foundMs);
  return { height: null, hash: null, begin, end: null, ...effortOf(done, needed) };
}

function roundOf(block: BlockSummary, before: BlockSummary | undefined, done: bigint | undefined) {
  const { height, hash: of, foundMs, networkWork } = block;
  const begin = before === undefined ? null : iso(before.foundMs);
  return { height, hash: of, begin, end: iso(foundMs), ...effortOf(done, networkWork) };
}

function effortOf(done: bigint | undefined, needed: bigint | undefined) {
  const shown = done === undefined ? null : String(done);
  if (done === undefined || needed === undefined) return { work: shown, effort: null, probability: null };
  const effort = Number(done) / Number(needed);
  return { work: shown, effort, probability: Math.exp(-effort) };
}

/**
 * The accepted work before each of the times and after the next one, newest first. Before the last one there is no other: its work
 * is all that was before, if `fromBeginning`, and else zero.
 */
async function worksBetween(
  history: Context['history'],
  endsMs: readonly number[],
  fromBeginning: boolean,
): Promise<readonly bigint[]> {
  const [newest] = endsMs;
  if (newest === undefined) return [];
  const bounds = [...endsMs].reverse();
  const oldest = bounds[0] ?? newest;
  const isShort = newest - oldest <= SHARES_RANGE_MS_MAX;
  const recent = isShort ? fromShares(bounds) : fromMinutes(bounds);
  const rows = await history.ask(recent, 5_000);
  const [first] = fromBeginning ? await history.ask(fromTheBeginning(oldest), 5_000) : [];
  const works = new Map(rows.map((row) => [Number(row['place']), BigInt(String(row['done']))]));
  return bounds
    .map((_, place) => (place === 0 ? BigInt(String(first?.['done'] ?? '0')) : (works.get(place) ?? 0n)))
    .reverse();
}

function fromShares(bounds: readonly number[]): string {
  // A block's own share belongs to the round that it ends.
  return `SELECT arrayCount(bound -> bound < toUnixTimestamp64Milli(time), [${bounds.join(', ')}]) AS place,
      toString(sum(work)) AS done FROM shares
    WHERE verdict = 'accepted' AND ${between(bounds)} GROUP BY place`;
}

function fromTheBeginning(endMs: number): string {
  const hourMs = Math.floor(endMs / 3_600_000) * 3_600_000;
  return `SELECT toString(
    (SELECT sum(work) FROM hashrate_1h WHERE time < ${sqlTime(hourMs)})
    + (SELECT sum(work) FROM shares WHERE verdict = 'accepted' AND time >= ${sqlTime(hourMs)} AND time <= ${sqlTime(endMs)})
    ) AS done`;
}

function fromMinutes(bounds: readonly number[]): string {
  return `SELECT arrayCount(bound -> bound < toUnixTimestamp(time) * 1000, [${bounds.join(', ')}]) AS place,
      toString(sum(work)) AS done FROM hashrate_1m WHERE ${between(bounds)} GROUP BY place`;
}

function between(bounds: readonly number[]): string {
  return `time > ${sqlTime(bounds[0] ?? 0)} AND time <= ${sqlTime(bounds.at(-1) ?? 0)}`;
}
