import { blocksBefore } from '#books/ledger/read/block-questions';
import { Unavailable } from '../sources.ts';
import { blockOf } from '../v1/blocks.ts';
import type { Context } from '../v1/context.ts';
import { minerOf } from '../v1/miners-now.ts';
import type { Fields } from './topic.ts';

const BLOCKS_SHOWN = 20;
const MINER = 'miner:';

/**
 * What can be watched: `pool`, `blocks`, `jobs`, `events` (how each part of the pool is), and `miner:ADDRESS`. Each has the fields of
 * the API's answer, but that `jobs` has nothing decoded.
 */
export function liveTopics(context: Context): (name: string) => (() => Promise<Fields>) | undefined {
  const { pool, job, health, books, find, accountOf } = context;
  const fixed: Readonly<Record<string, () => Promise<Fields>>> = {
    async pool() {
      return { ...(await pool()) };
    },
    async jobs() {
      const current = await job();
      if (current === null) throw new Unavailable('there is no work yet');
      return { ...current };
    },
    async blocks() {
      const page = { before: undefined, count: BLOCKS_SHOWN };
      const blocks = await books.ask(['live blocks'], (database) => blocksBefore(database, page));
      return { blocks: blocks.map(blockOf) };
    },
    async events() {
      const { status, parts } = await health();
      return {
        status,
        ...Object.fromEntries(
          Object.entries(parts).map(([name, { status: of, reason }]) => [name, { status: of, reason }]),
        ),
      };
    },
  };
  return (name) => {
    if (Object.hasOwn(fixed, name)) return fixed[name];
    const account = name.startsWith(MINER) ? accountOf(name.slice(MINER.length)) : undefined;
    if (account === undefined) return undefined;
    return async () => {
      const answer = await find(account, { after: undefined, workersMax: 0 });
      if (answer.kind === 'found') return { connected: true, ...minerOf(answer.view.miner) };
      if (answer.kind === 'nobody') return { connected: false };
      throw new Unavailable(answer.reason);
    };
  };
}
