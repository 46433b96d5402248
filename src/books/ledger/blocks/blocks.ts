import { addressOf, type Network } from '#base/bitcoin/address';
import { equalBytes } from '#base/bitcoin/bytes';
import type { ChainView } from '#base/domain/chain';
import { serialOfRow } from '#base/domain/ids';
import { own } from '../entries/accounts.ts';
import type { LedgerDatabase } from '../ledger-db.ts';
import { divideBlock } from '../rewards/divide-block.ts';
import type { PoolTerms } from '../rewards/pool-terms.ts';
import { writeTerms } from '../rewards/terms-text.ts';
import type { TermsBook } from '../terms/terms-book.ts';
import type { Depths } from './block.ts';
import { BlockBook, type BlockBookModules, type DivideReward } from './block-book.ts';
import { ChainFollower } from './chain-follower.ts';
import { ChainGuard } from './chain-guard.ts';
import { soloFinder, windowPaid } from './own-coinbases.ts';
import { type CoinbaseRules, Reconciler } from './reconciler.ts';

/** The pool looks at the candidates of earlier starts in the second in which its node is ready. */
const ROW_MS_MAX = 60_000;

/** The terms are those of jobs that are made now. */
export interface BlocksOptions extends Depths, PoolTerms {
  /** scriptPubKeys that the pool's coinbases pay, now and before. */
  readonly scripts: readonly Uint8Array[];
  /** pplns: coinbases pay accounts by the window that ends with the newest sealed slice. */
  readonly pinsWindow?: boolean;
  /** Accounts are addresses of it. */
  readonly network: Network;
}

export interface BlocksModules extends Omit<BlockBookModules, 'divide'> {
  readonly view: ChainView;
  /** The terms of each job. Default: those of the options. */
  readonly terms?: Pick<TermsBook, 'at'>;
}

/** The pool's blocks in the books: `book` hears of blocks, `follower` brings them up to the chain. */
export interface Blocks {
  readonly book: BlockBook;
  readonly follower: ChainFollower;
}

export function openBlocks(database: LedgerDatabase, options: BlocksOptions, modules: BlocksModules): Blocks {
  const { view, slices, clock, terms = { at: () => options } } = modules;
  const { scripts, network } = options;
  const accountOf = accountsOf(scripts, network);
  // By the terms of its job: those of today are not what its miners were promised.
  const termsOf = (jobId: string): PoolTerms => terms.at(serialOfRow(jobId) ?? 0);
  const divide: DivideReward = (block, open) => divisionOf(termsOf(block.jobId))(block, open);
  const rulesOf = (jobId: string): CoinbaseRules => {
    const of = termsOf(jobId);
    return {
      finderOf: of.scheme === 'solo' ? soloFinder(of, accountOf) : undefined,
      paysWindow: of.scheme === 'pplns' ? windowPaid({ slices, divide, accountOf }) : undefined,
    };
  };
  const book = new BlockBook(database, options, { ...modules, accountOf, divide });
  const reconciler = new Reconciler({ scripts, rulesOf, patienceMs: ROW_MS_MAX }, { book, slices, clock });
  const guard = new ChainGuard(database);
  return { book, follower: new ChainFollower({ book, guard, reconciler, slices, view }) };
}

/** The account whose address an output pays, unless it is the pool's. */
function accountsOf(scripts: readonly Uint8Array[], network: Network): (script: Uint8Array) => string | undefined {
  return (script) => (scripts.some((own) => equalBytes(own, script)) ? undefined : addressOf(script, network));
}

/** How a block's reward is divided under each scheme. */
export function divisionOf({ scheme, fees, donationAccount, window }: PoolTerms): DivideReward {
  const kept = { credits: [], feeSats: 0n, donationSats: 0n, roundingSats: 0n };
  if (scheme === 'operator') {
    return ({ rewardSats }) => ({
      distribution: { ...kept, feeSats: rewardSats },
      donationAccount: undefined,
      rest: own.rounding,
    });
  }
  // Slices are paid for out of the reserve, whether or not there are blocks.
  if (scheme === 'pps' || scheme === 'fpps') {
    return ({ rewardSats }) => ({
      distribution: { ...kept, roundingSats: rewardSats },
      donationAccount: undefined,
      rest: own.ppsReserve,
    });
  }
  return ({ rewardSats, finder, previousJobId, previousPropJobId }, slices) => {
    const afterSerial = serialOfRow(previousJobId ?? '');
    const afterPropSerial = scheme === 'pplns' ? serialOfRow(previousPropJobId ?? '') : undefined;
    const terms = { scheme, fees, window, afterSerial, afterPropSerial, finder };
    const distribution = divideBlock(rewardSats, slices, terms);
    const text = writeTerms({ ...terms, donationAccount });
    return { distribution, donationAccount, rest: own.rounding, terms: text };
  };
}
