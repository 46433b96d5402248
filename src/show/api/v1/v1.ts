import { parseAddress } from '#base/bitcoin/address';
import { limits } from '#base/limits';
import { ckpool } from '../compat/ckpool.ts';
import { miningcore } from '../compat/miningcore.ts';
import { publicPool } from '../compat/public-pool.ts';
import { Live } from '../live/live.ts';
import { liveTopics } from '../live/topics.ts';
import type { ServerStart } from '../messages.ts';
import { sharedFind } from '../shared-find.ts';
import type { ApiSources } from '../sources.ts';
import { blocks } from './blocks.ts';
import { Books } from './books.ts';
import type { Context } from './context.ts';
import { curves } from './curves.ts';
import { documents } from './documents.ts';
import type { Endpoint } from './endpoint.ts';
import { History } from './history.ts';
import { minerHistory } from './miner-history.ts';
import { minerMoney } from './miner-money.ts';
import { minersNow } from './miners-now.ts';
import { payouts } from './payouts.ts';
import { pool } from './pool.ts';
import { rejects } from './rejects.ts';
import { rounds } from './rounds.ts';
import { type Matched, Router } from './router.ts';
import { work } from './work.ts';

export type V1Options = Pick<ServerStart, 'folder' | 'network' | 'openNames' | 'terms'>;

/** Every public place of the API. */
export interface V1 {
  readonly endpoints: readonly Endpoint[];
  readonly live: Live;
  match(path: string, query: string): Matched | undefined;
  close(): void;
}

export function createV1(
  options: V1Options,
  modules: Omit<Context, 'network' | 'terms' | 'find' | 'accountOf' | 'history' | 'books'> & Pick<ApiSources, 'miner'>,
): V1 {
  const { folder, network, openNames, terms } = options;
  const { clock } = modules;
  const books = new Books({ folder }, { clock });
  const context: Context = {
    ...modules,
    network,
    terms,
    books,
    history: new History({ folder }, { clock }),
    find: sharedFind(modules.miner, () => clock.monotonicMs()),
    accountOf(text) {
      if (openNames) return text.length <= limits.apiNameCharsMax ? text : undefined;
      const parsed = parseAddress(text, network);
      return parsed.ok ? parsed.address : undefined;
    },
  };
  const endpoints = allEndpoints(context);
  const live = new Live({ clock, topic: liveTopics(context) });
  const router = new Router(endpoints);
  return {
    endpoints,
    live,
    match: (path, query) => router.match(path, query),
    close() {
      live.close();
      books.close();
    },
  };
}

/** The endpoints with what describes them. */
function allEndpoints(context: Context): readonly Endpoint[] {
  const described = [
    ...pool(context),
    ...curves(context),
    ...rejects(context),
    ...minerHistory(context),
    ...minersNow(context),
    ...minerMoney(context),
    ...blocks(context),
    ...rounds(context),
    ...payouts(context),
    ...work(context),
    ...ckpool(context),
    ...publicPool(context),
    ...miningcore(context),
  ];
  return [...described, ...documents(described)];
}
