import type { Network } from '#base/bitcoin/address';
import type { Clock } from '#base/domain/ports';
import type { FindMiner } from '../miners.ts';
import type { PayTerms } from '../pay-terms.ts';
import type { ApiSources } from '../sources.ts';
import type { Books } from './books.ts';
import type { History } from './history.ts';

/** What the endpoints get their answers from. */
export interface Context extends Pick<ApiSources, 'pool' | 'ready' | 'job' | 'health'> {
  readonly clock: Clock;
  readonly network: Network;
  readonly terms: PayTerms;
  /** Looked up once for all who ask within a second. */
  readonly find: FindMiner;
  /** Whom a text in a path means; undefined if nobody can be paid there. */
  readonly accountOf: (text: string) => string | undefined;
  readonly history: Pick<History, 'ask'>;
  readonly books: Books;
}
