import type { BlockPlace, ChainTip, ChainView } from '#base/domain/chain';
import { limits } from '#base/limits';
import type { BlockBook, Followed, SliceSource } from './block-book.ts';
import type { BlockState } from './block-store.ts';
import type { ChainGuard, ChainVerdict } from './chain-guard.ts';
import type { Discovery, Reconciler } from './reconciler.ts';

export interface ChainFollowerModules {
  readonly book: BlockBook;
  readonly guard: Pick<ChainGuard, 'check' | 'advance'>;
  readonly reconciler: Pick<Reconciler, 'walk'>;
  readonly slices: Pick<SliceSource, 'isSealed'>;
  readonly view: ChainView;
}

/** What one look at the chain has come to. */
export interface LookReport {
  readonly tip: ChainTip | undefined;
  readonly verdict: ChainVerdict;
  /** Blocks whose place no node decided. */
  readonly undecided: number;
  /** Blocks that are deep enough and not booked yet. */
  readonly waiting: number;
  readonly discoveries: readonly Discovery[];
}

interface Placed {
  readonly block: BlockState;
  /** Undefined if no node decides. */
  readonly place: BlockPlace | undefined;
}

/** Brings the books up to the chain: one look at a time. */
export class ChainFollower {
  readonly #modules: ChainFollowerModules;

  constructor(modules: ChainFollowerModules) {
    this.#modules = modules;
  }

  /**
   * Looks where the blocks stand, and books what follows from it. To be called at each new tip and now and then, never twice at
   * the same time. Changes nothing unless the nodes' chain is the one of the books, before and after the questions.
   */
  async look(): Promise<LookReport> {
    const { guard, reconciler, view } = this.#modules;
    const tip = await view.tip();
    const verdict: ChainVerdict = tip === undefined ? { chain: 'unknown' } : await guard.check(view, tip);
    const nothing = { tip, verdict, undecided: 0, waiting: 0, discoveries: [] };
    if (tip === undefined || verdict.chain !== 'same') return nothing;
    const discoveries = await reconciler.walk(view, tip);
    const blocks = this.#modules.book.store.unsettledAbove(verdict.checkpointHeight);
    const placed = await this.#places(blocks);
    const again = await guard.check(view, tip);
    if (again.chain !== 'same') return { ...nothing, verdict: again, undecided: blocks.length };
    const waiting = await this.#follow(placed, tip);
    const undecided = placed.filter(({ place }) => place === undefined).length;
    if (undecided === 0) await guard.advance(view, tip);
    return { tip, verdict, undecided, waiting, discoveries };
  }

  async #places(blocks: readonly BlockState[]): Promise<Placed[]> {
    const placed: Placed[] = [];
    for (let from = 0; from < blocks.length; from += limits.chainQuestionsMax) {
      const some = blocks.slice(from, from + limits.chainQuestionsMax);
      const places = await Promise.all(some.map(({ hash }) => this.#modules.view.place(hash)));
      for (const [index, block] of some.entries()) {
        placed.push({ block, place: places[index] });
      }
    }
    return placed;
  }

  /** First what left the chain, from the top down; then the others from the bottom up. Returns how many wait to be booked. */
  async #follow(placed: readonly Placed[], tip: ChainTip): Promise<number> {
    const { book } = this.#modules;
    for (const { block, place } of placed.toReversed()) {
      if (place !== undefined && place.at !== 'chain') book.follow(block.hash, place, tip.height, undefined);
    }
    let waiting = 0;
    let undecided = 0;
    for (const { block, place } of placed) {
      if (place === undefined) undecided += 1;
      if (place?.at !== 'chain') continue;
      // A block is not booked before it is known what becomes of those below it, because a round may end with them.
      const coinbase = waiting + undecided === 0 ? await this.#coinbase(block, place) : undefined;
      const followed: Followed = book.follow(block.hash, place, tip.height, coinbase);
      if (followed.state === 'waiting') waiting += 1;
    }
    return waiting;
  }

  async #coinbase(block: BlockState, place: BlockPlace): Promise<Uint8Array | undefined> {
    const { book, slices, view } = this.#modules;
    if (!book.wantsCoinbase(block, place) || !slices.isSealed(block.jobId)) return undefined;
    return view.coinbase(block.hash);
  }
}
