import type { ChainView } from '#base/domain/chain';
import { serialOfRow } from '#base/domain/ids';
import { own } from '../entries/accounts.ts';
import type { LedgerDatabase } from '../ledger-db.ts';
import { type BlockTerms, divideBlock } from '../rewards/divide-block.ts';
import type { Fees } from '../rewards/scheme.ts';
import { writeTerms } from '../rewards/terms-text.ts';
import type { Depths } from './block.ts';
import { BlockBook, type BlockBookModules, type DivideReward } from './block-book.ts';
import { ChainFollower } from './chain-follower.ts';
import { ChainGuard } from './chain-guard.ts';
import { Reconciler } from './reconciler.ts';

/** The pool looks at the candidates of earlier starts in the second in which its node is ready. */
const ROW_MS_MAX = 60_000;

export interface BlocksOptions extends Depths {
  /** `operator`: miners have no accounts, and the pool keeps all. */
  readonly scheme: BlockTerms['scheme'] | 'pps' | 'fpps' | 'operator';
  readonly fees: Fees;
  /** There if `fees` has a donation. */
  readonly donationAccount: string | undefined;
  /** pplns: units of 2^-64 of a block. */
  readonly window: bigint;
  /** scriptPubKeys that the pool's coinbases pay, now and before. */
  readonly scripts: readonly Uint8Array[];
}

export interface BlocksModules extends Omit<BlockBookModules, 'divide'> {
  readonly view: ChainView;
}

/** The pool's blocks in the books: `book` hears of blocks, `follower` brings them up to the chain. */
export interface Blocks {
  readonly book: BlockBook;
  readonly follower: ChainFollower;
}

export function openBlocks(database: LedgerDatabase, options: BlocksOptions, modules: BlocksModules): Blocks {
  const { view, slices, clock } = modules;
  const book = new BlockBook(database, options, { ...modules, divide: divisionOf(options) });
  const needsFinder = options.scheme === 'solo';
  const { scripts } = options;
  const reconciler = new Reconciler({ scripts, needsFinder, patienceMs: ROW_MS_MAX }, { book, slices, clock });
  const guard = new ChainGuard(database);
  return { book, follower: new ChainFollower({ book, guard, reconciler, slices, view }) };
}

/** How a block's reward is divided under each scheme. */
export function divisionOf({ scheme, fees, donationAccount, window }: BlocksOptions): DivideReward {
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
  return ({ rewardSats, finder, previousJobId }, slices) => {
    const afterSerial = previousJobId === undefined ? undefined : serialOfRow(previousJobId);
    const terms = { scheme, fees, window, afterSerial, finder };
    const distribution = divideBlock(rewardSats, slices, terms);
    return { distribution, donationAccount, rest: own.rounding, terms: writeTerms({ ...terms, donationAccount }) };
  };
}
