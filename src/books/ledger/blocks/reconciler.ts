import { equalBytes, toHex } from '#base/bitcoin/bytes';
import { type ReadCoinbase, readCoinbase } from '#base/bitcoin/coinbase-reader';
import type { ChainTip, ChainView } from '#base/domain/chain';
import { jobRowId } from '#base/domain/ids';
import { limits } from '#base/limits';
import type { BlockBook, SliceSource } from './block-book.ts';
import type { FoundBlock } from './block-store.ts';

/** What a job's coinbase may pay, by the scheme that the job was made under. */
export interface CoinbaseRules {
  /**
   * There if the scheme pays the finder: who that is by the block's coinbase, undefined if the coinbase does not say. A block whose
   * finder is unknown can not be booked.
   */
  readonly finderOf?: ((coinbase: ReadCoinbase) => string | undefined) | undefined;
  /** Whether a coinbase pays accounts exactly what its job's window credits them with. Default: no coinbase does. */
  readonly paysWindow?: ((jobId: string, coinbase: ReadCoinbase) => boolean) | undefined;
}

export interface ReconcilerOptions {
  /** scriptPubKeys of the pool. */
  readonly scripts: readonly Uint8Array[];
  /** What a coinbase of this job may pay, beside the pool. Default: nothing. */
  readonly rulesOf?: (jobId: string) => CoinbaseRules;
  /** How long the share log has to bring the row of a block that is seen in the chain, ms. Default: 0. */
  readonly patienceMs?: number;
  /** Blocks below the tip that are searched. */
  readonly depth?: number;
}

export interface ReconcilerModules {
  readonly book: BlockBook;
  readonly slices: Pick<SliceSource, 'isSealed'>;
  readonly clock: { nowMs(): number };
}

/** Something that the walk along the chain has found for the first time. */
export type Discovery =
  /** A block of a job of the ledger: it is booked like any other from now on. */
  | { readonly kind: 'adopted'; readonly hash: string; readonly height: number }
  /** A block that pays the pool, and why it is not booked. */
  | {
      readonly kind: 'foreign';
      readonly hash: string;
      readonly height: number;
      readonly sats: bigint;
      readonly reason: string;
    };

/** Confirmations of a block that the share log has had time to report. */
const SETTLED_CONFIRMATIONS = 7;

/**
 * Walks along the end of the chain and finds blocks that pay the pool and that the ledger has not: a crash may have taken the
 * block's row, though not the block.
 */
export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #modules: ReconcilerModules;
  /** Blocks that were looked at, by height. */
  readonly #seen = new Map<number, string>();
  /** Blocks of the pool whose row may still come: when each was seen first, ms. */
  readonly #awaitedMs = new Map<string, number>();

  constructor(options: ReconcilerOptions, modules: ReconcilerModules) {
    this.#options = options;
    this.#modules = modules;
  }

  async walk(view: ChainView, tip: ChainTip): Promise<Discovery[]> {
    const lowest = Math.max(1, tip.height - (this.#options.depth ?? limits.reconcileDepth) + 1);
    for (const height of this.#seen.keys()) if (height < lowest || height > tip.height) this.#seen.delete(height);
    const found: Discovery[] = [];
    for (let height = lowest; height <= tip.height; height += 1) {
      const hash = await view.hashAt(height);
      // The node is gone, or its chain got shorter: the next walk goes on.
      if (hash === undefined) break;
      if (this.#seen.get(height) === hash) continue;
      const discovery = await this.#look(view, hash, height, tip.height - height + 1);
      if (discovery === 'later') continue;
      this.#seen.set(height, hash);
      this.#awaitedMs.delete(hash);
      if (discovery !== undefined) found.push(discovery);
    }
    return found;
  }

  /** `later`: it can not be said yet. */
  async #look(
    view: ChainView,
    hash: string,
    height: number,
    confirmations: number,
  ): Promise<Discovery | undefined | 'later'> {
    const { book, clock } = this.#modules;
    if (book.store.find(hash) !== undefined) return undefined;
    const bytes = await view.coinbase(hash);
    const coinbase = bytes && readCoinbase(bytes);
    if (coinbase === undefined) return 'later';
    const isOwn = (script: Uint8Array): boolean => this.#options.scripts.some((own) => equalBytes(own, script));
    const sats = coinbase.outputs.reduce((sum, output) => sum + (isOwn(output.script) ? output.sats : 0n), 0n);
    if (sats === 0n) return undefined;
    const { job } = coinbase;
    const jobId = job && jobRowId(job.serial, toHex(job.identity));
    const { finderOf, paysWindow } = this.#rulesOf(jobId);
    const finder = finderOf?.(coinbase);
    const paysOthers = sats !== coinbase.totalSats && finder === undefined;
    // Any miner can copy the number of a job into its own coinbase. What such a block pays to others is not the pool's.
    if (paysOthers && paysWindow === undefined)
      return this.#foreign(hash, height, sats, 'its coinbase pays others as well');
    if (jobId === undefined) return this.#foreign(hash, height, sats, 'its coinbase names no job');
    // The row of the block may be on its way through the share log.
    if (confirmations < SETTLED_CONFIRMATIONS || this.#isAwaited(hash)) return 'later';
    if (paysOthers && !(this.#modules.slices.isSealed(jobId) && paysWindow?.(jobId, coinbase) === true))
      return this.#foreign(hash, height, sats, 'its coinbase pays others as well');
    return this.#ofJob(
      { hash, height, jobId, finder: finder ?? '', foundMs: clock.nowMs(), claimedSats: coinbase.totalSats },
      sats,
    );
  }

  #rulesOf(jobId: string | undefined): CoinbaseRules {
    return (jobId !== undefined && this.#options.rulesOf?.(jobId)) || {};
  }

  /** A start may find a block in the chain before the pool has looked at the candidates that an earlier start has left. */
  #isAwaited(hash: string): boolean {
    const nowMs = this.#modules.clock.nowMs();
    const sinceMs = this.#awaitedMs.get(hash) ?? nowMs;
    this.#awaitedMs.set(hash, sinceMs);
    return nowMs - sinceMs < (this.#options.patienceMs ?? 0);
  }

  #ofJob(block: FoundBlock, sats: bigint): Discovery | undefined {
    const { book, slices } = this.#modules;
    const { hash, height, jobId } = block;
    if (!slices.isSealed(jobId)) return this.#foreign(hash, height, sats, `the ledger does not have its job ${jobId}`);
    if (this.#rulesOf(jobId).finderOf !== undefined && block.finder === '')
      return this.#foreign(hash, height, sats, 'the account that found it is unknown');
    return book.found(block) ? { kind: 'adopted', hash, height } : undefined;
  }

  #foreign(hash: string, height: number, sats: bigint, reason: string): Discovery | undefined {
    const { book, clock } = this.#modules;
    const added = book.store.addForeign({ hash, height, sats, seenMs: clock.nowMs(), reason });
    return added ? { kind: 'foreign', hash, height, sats, reason } : undefined;
  }
}
