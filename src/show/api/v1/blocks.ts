import { z } from 'zod';
import { limits } from '#base/limits';
import {
  type BlockSummary,
  blockCounts,
  blockCredits,
  blockSummary,
  blocksBefore,
} from '#books/ledger/read/block-questions';
import { problem } from '../problem.ts';
import type { Context } from './context.ts';
import { type Endpoint, endpoint, OtherAnswer } from './endpoint.ts';
import { after, count, difficulty, hash, hashParams, iso, limit, noParams, sats, time, work } from './shapes.ts';

const PAGE_MAX = 100;
const CREDITS_PAGE_MAX = 1000;
const HASHES_PER_DIFFICULTY = 2 ** 32;

/** Where a page of blocks begins: `HEIGHT-HASH` of the last one before. */
export const blockPosition = z
  .string()
  .regex(/^\d{1,9}-[0-9a-f]{64}$/, 'must be the `next` of the page before')
  .transform((text) => ({ height: Number(text.slice(0, -65)), hash: text.slice(-64) }))
  .optional();

export const positionOf = ({ height, hash: at }: BlockSummary): string => `${height}-${at}`;

const blockShape = z.strictObject({
  hash,
  height: count,
  status: z.enum(['found', 'confirmed', 'mature', 'orphaned']),
  confirmations: count,
  found: time,
  finder: z.string().nullable().meta({ description: 'The address whose share the block is; null if that is unknown' }),
  jobId: z.string(),
  rewardSats: sats,
  feeSats: sats.nullable(),
  donationSats: sats.nullable(),
  restSats: sats.nullable(),
  networkDifficulty: difficulty.nullable(),
});

/** A block as every list shows it. What is null is not known: a block that is not booked yet, or a job that was dropped. */
export function blockOf(block: BlockSummary) {
  const text = (value: bigint | undefined): string | null => (value === undefined ? null : String(value));
  return {
    hash: block.hash,
    height: block.height,
    status: block.status,
    confirmations: block.confirmations,
    found: iso(block.foundMs),
    finder: block.finder === '' ? null : block.finder,
    jobId: block.jobId,
    rewardSats: String(block.rewardSats),
    feeSats: text(block.feeSats),
    donationSats: text(block.donationSats),
    restSats: text(block.restSats),
    networkDifficulty: block.networkWork === undefined ? null : Number(block.networkWork) / HASHES_PER_DIFFICULTY,
  };
}

/** Blocks that the pool found. */
export function blocks({ books }: Context): readonly Endpoint[] {
  const list = endpoint({
    path: '/api/v1/blocks',
    group: 'blocks',
    summary: 'Blocks that the pool found',
    description: 'Highest first, orphaned ones too. Ask ?before= with `next` for more. `counts` is over all blocks.',
    params: noParams,
    query: z.strictObject({ before: blockPosition, limit: limit(PAGE_MAX) }),
    response: z.strictObject({
      blocks: z.array(blockShape),
      counts: z.strictObject({ found: count, confirmed: count, mature: count, orphaned: count }),
      next: z.string().nullable(),
    }),
    cost: 1,
    freshSeconds: 1,
    async answer({ query }) {
      const page = { before: query.before, count: query.limit };
      const { rows, counts } = await books.ask(['blocks', page], (database) => ({
        rows: blocksBefore(database, page),
        counts: blockCounts(database),
      }));
      const last = rows.at(-1);
      return {
        blocks: rows.map(blockOf),
        counts,
        next: rows.length === query.limit && last !== undefined ? positionOf(last) : null,
      };
    },
  });
  const one = endpoint({
    path: '/api/v1/blocks/{hash}',
    group: 'blocks',
    summary: 'A block and who earned what by it',
    description:
      'Credits come in the order of their accounts; none before the block is booked. Ask ?after= with `next` for more.',
    params: hashParams,
    query: z.strictObject({ after, limit: limit(CREDITS_PAGE_MAX) }),
    response: blockShape.extend({
      credits: z.array(z.strictObject({ account: z.string(), sats, directSats: sats, work })),
      next: z.string().nullable(),
    }),
    cost: limits.apiBooksCost,
    freshSeconds: 1,
    async answer({ params, query }) {
      const found = await books.ask(['block', params.hash, query], (database) => {
        const block = blockSummary(database, params.hash);
        return block && { block, credits: blockCredits(database, params.hash, query.after ?? '', query.limit) };
      });
      if (found === undefined) return new OtherAnswer(problem('404 Not Found', 'the pool found no such block'));
      return {
        ...blockOf(found.block),
        credits: found.credits.map(({ account, sats: earned, directSats, work: done }) => ({
          ...{ account, sats: String(earned), directSats: String(directSats), work: String(done) },
        })),
        next: found.credits.length === query.limit ? (found.credits.at(-1)?.account ?? null) : null,
      };
    },
  });
  return [list, one];
}
