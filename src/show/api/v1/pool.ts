import { z } from 'zod';
import { rejectReasons } from '#base/domain/verdict';
import type { Context } from './context.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import { count, difficulty, noParams, noQuery, rate } from './shapes.ts';

export const hashrates = z.strictObject({ '1m': rate, '10m': rate, '1h': rate });
export const rejected = z.record(z.enum(rejectReasons as [string, ...string[]]), count);
const counts = z.record(z.string(), z.union([count, z.record(z.string(), count)]));

/** The pool as it is now. */
export function pool({ pool: status, health: parts }: Context): readonly Endpoint[] {
  const now = endpoint({
    path: '/api/v1/pool',
    group: 'pool',
    summary: 'The pool as it is now',
    description:
      'Counts are since the start of the pool. `hashrate` is null while what was before the start is not read back; `hashrateReason` says why.',
    params: noParams,
    query: z.object({}),
    response: z.strictObject({
      name: z.string(),
      version: z.string(),
      network: z.string(),
      uptimeSeconds: count,
      connections: z.record(z.string(), count),
      sessions: count,
      workers: count,
      hashrate: hashrates.nullable(),
      hashrateReason: z.string().optional(),
      job: z
        .strictObject({
          id: z.string(),
          height: count,
          networkDifficulty: difficulty,
          transactions: count,
          ageSeconds: z.number(),
        })
        .nullable(),
      shares: z.strictObject({ accepted: count, rejected }),
      blocks: z.record(z.string(), count),
      stratum: counts,
    }),
    cost: 1,
    freshSeconds: 0,
    answer: async () => status(),
  });
  const health = endpoint({
    path: '/api/v1/health',
    group: 'pool',
    summary: 'How each part of the pool is',
    description:
      '`ok`: the part does its work. `degraded`: miners can be served, and an operator should see to it. `down`: miners should not be sent here.',
    params: noParams,
    query: noQuery,
    response: z.strictObject({
      status: z.enum(['ok', 'degraded', 'down']),
      parts: z.record(
        z.string(),
        z.strictObject({
          status: z.enum(['ok', 'degraded', 'down']),
          reason: z.string().nullable(),
          figures: z.record(z.string(), z.number()),
        }),
      ),
    }),
    cost: 1,
    freshSeconds: 1,
    answer: async () => parts(),
  });
  return [now, health];
}
