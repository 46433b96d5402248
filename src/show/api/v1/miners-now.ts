import { z } from 'zod';
import type { Hashrates, MinerReport, MinerView, WorkerReport } from '#base/domain/miner';
import { limits } from '#base/limits';
import type { MinerAnswer } from '../miners.ts';
import { problem } from '../problem.ts';
import type { Context } from './context.ts';
import { type Endpoint, endpoint, OtherAnswer } from './endpoint.ts';
import { hashrates, rejected } from './pool.ts';
import { addressParams, count, difficulty, iso, time } from './shapes.ts';

/** Workers of one answer. */
export const WORKERS_PAGE = 1000;

const common = { since: time, lastShare: time.nullable(), hashrate: hashrates, acceptedDifficulty: difficulty };

/** Who is connected now, counted since they came (base/domain/miner.ts). */
export function minersNow({ find }: Pick<Context, 'find'>): readonly Endpoint[] {
  const miner = endpoint({
    path: '/api/v1/miners/{address}',
    group: 'miners',
    summary: 'What the connected workers of an address have done',
    description: '404 if nobody is connected who mines for it; what was before is under the paths below this one.',
    params: addressParams,
    query: z.object({}),
    response: z.strictObject({
      address: z.string(),
      workers: count,
      ...common,
      shares: z.strictObject({ accepted: count, rejected }),
    }),
    cost: 1,
    freshSeconds: 0,
    async answer({ params: { address } }) {
      const answer = await find(address, { after: undefined, workersMax: 0 });
      return answer.kind === 'found' ? minerOf(answer.view.miner) : notFound(answer);
    },
  });
  const workers = endpoint({
    path: '/api/v1/miners/{address}/workers',
    group: 'miners',
    summary: 'The connected workers of an address',
    description: `In the order of their names, ${WORKERS_PAGE} at a time. Ask ?after= with \`next\` for more.`,
    params: addressParams,
    query: z.object({ after: z.string().max(limits.apiNameCharsMax).optional() }),
    response: z.strictObject({
      address: z.string(),
      workers: z.array(
        z.strictObject({
          name: z.string(),
          connections: count,
          ...common,
          shares: z.strictObject({ accepted: count, rejected: count }),
        }),
      ),
      next: z.string().nullable(),
    }),
    cost: limits.httpWorkersPageCost,
    freshSeconds: 0,
    async answer({ params: { address }, query: { after } }) {
      // One more than is shown tells whether there are more.
      const answer = await find(address, { after, workersMax: WORKERS_PAGE + 1 });
      return answer.kind === 'found' ? pageOf(answer.view) : notFound(answer);
    },
  });
  return [miner, workers];
}

/** Why there is nothing to say of a miner. */
export function notFound(answer: Exclude<MinerAnswer, { kind: 'found' }>): OtherAnswer {
  switch (answer.kind) {
    case 'nobody':
      return new OtherAnswer(problem('404 Not Found', 'nobody is connected who mines for this address'));
    case 'no-address':
      return new OtherAnswer(problem('400 Bad Request', answer.reason));
    case 'unavailable':
      return new OtherAnswer(problem('503 Service Unavailable', answer.reason));
  }
}

/** A miner as the API shows it. */
export function minerOf(miner: MinerReport) {
  const { account, workers, acceptedShares: accepted, rejectedShares } = miner;
  return { address: account, workers, ...commonOf(miner), shares: { accepted, rejected: { ...rejectedShares } } };
}

function pageOf({ miner, workers }: MinerView) {
  const shown = workers.slice(0, WORKERS_PAGE);
  return {
    address: miner.account,
    workers: shown.map((worker) => {
      const { rig, connections, acceptedShares: accepted, rejectedShares } = worker;
      return { name: rig, connections, ...commonOf(worker), shares: { accepted, rejected: rejectedShares } };
    }),
    next: workers.length > shown.length ? (shown.at(-1)?.rig ?? null) : null,
  };
}

interface Common extends Pick<MinerReport & WorkerReport, 'sinceMs' | 'lastShareMs' | 'acceptedDifficulty'> {
  readonly hashrate: Hashrates;
}

function commonOf({ sinceMs, lastShareMs, acceptedDifficulty, hashrate }: Common) {
  return {
    since: iso(sinceMs),
    lastShare: lastShareMs === undefined ? null : iso(lastShareMs),
    hashrate: { '1m': hashrate.minute, '10m': hashrate.tenMinutes, '1h': hashrate.hour },
    acceptedDifficulty,
  };
}
