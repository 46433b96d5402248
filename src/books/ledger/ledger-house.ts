import { setImmediate } from 'node:timers/promises';
import { type ChainView, chainMethods } from '#base/domain/chain';
import type { Clock, Logger } from '#base/domain/ports';
import type { Wallet } from '#base/domain/wallet';
import { LogReaders } from '#shares/sharelog/consumers/log-readers';
import { BlockStore } from './blocks/block-store.ts';
import type { BlocksOptions } from './blocks/blocks.ts';
import { BlocksPart } from './blocks/blocks-part.ts';
import { chainMismatch } from './blocks/chain-guard.ts';
import { slicesNeededFrom } from './blocks/needed-slices.ts';
import { BooksGuard } from './books-guard.ts';
import { type OpenedLedger, openLedger } from './ledger-db.ts';
import type { HouseStatus, LedgerChildOptions } from './messages.ts';
import { Parts } from './parts.ts';
import { SlicePayments } from './pay-per-share/slice-payments.ts';
import { newPayoutId } from './payouts/new-id.ts';
import { PayoutPart } from './payouts/part.ts';
import { remoteWallet, WALLET_METHODS } from './payouts/remote-wallet.ts';
import { type Questions, remotePort } from './questions.ts';
import { pruneSlices } from './slices/prune.ts';
import { SealedSlices } from './slices/sealed-slices.ts';
import { SliceStore } from './slices/slice-store.ts';
import { type Lag, Taker } from './slices/taker.ts';
import { TermsBook } from './terms/terms-book.ts';
import { type PinnedWindow, WindowPart } from './window-part.ts';

export interface HouseModules {
  readonly clock: Clock;
  readonly logger: Logger;
  /** All batches of a journal up to and including `seq` are in the ledger. */
  readonly delivered: (journal: string, seq: number) => void;
  /** What only the pool can answer: `remotePort` makes ports of it. */
  readonly questions: Questions;
  /** Told of the newest window of sealed slices, if coinbases pay by it. */
  readonly window: (window: PinnedWindow) => void;
}

const PRUNE_EVERY_MS = 3_600_000;
/** A share costs least if some ten thousand are taken at once, so a turn that took fewer, but some, is followed by a longer rest. */
const FEW_SHARES = 100;
const MANY_SHARES = 20_000;
const REST_MS = 1_000;
const LONG_REST_MS = 3_000;

/**
 * The ledger's process put together: the parts that work on one database, each in its turns. They are synchronous on the
 * database, so that no two transactions mix.
 */
export class LedgerHouse {
  readonly #clock: Clock;
  readonly #ledger: OpenedLedger;
  readonly #readers: LogReaders;
  readonly #store: SliceStore;
  readonly #slices: SealedSlices;
  readonly #taker: Taker;
  readonly #terms: BlocksOptions;
  readonly #blocks: BlocksPart;
  readonly #payouts: PayoutPart;
  readonly #payments: SlicePayments;
  readonly #guard: BooksGuard;
  /** Undefined if coinbases pay the pool, or the finder. */
  readonly #window: WindowPart | undefined;
  readonly #parts: Parts;
  /** Accepted shares that the last turn took. */
  #turnShares = 0;
  /** Monotonic, ms. */
  #prunedMs = Number.NEGATIVE_INFINITY;
  #stopping = false;

  /** Throws a LedgerError if the ledger can not be opened for writing. */
  constructor(options: LedgerChildOptions, { clock, logger, delivered, questions, window }: HouseModules) {
    const { folder, network, orphans, blocks, firstSerial, payouts } = options;
    this.#clock = clock;
    this.#ledger = openLedger(folder);
    this.#readers = new LogReaders(folder);
    this.#store = new SliceStore(this.#ledger.database);
    this.#slices = new SealedSlices(this.#ledger.database);
    this.#taker = new Taker({ network }, { readers: this.#readers, store: this.#store, delivered, orphans });
    this.#terms = blocks;
    const view = remotePort<ChainView>(questions, 'chain', chainMethods);
    const { database } = this.#ledger;
    const guard = new BooksGuard({ database, clock });
    this.#guard = guard;
    const terms = new TermsBook(database);
    terms.begin(firstSerial, blocks);
    this.#blocks = new BlocksPart(database, blocks, { clock, logger, slices: this.#slices, view, terms });
    this.#payouts = new PayoutPart(folder, payouts, {
      ...{ database, clock, logger, newId: newPayoutId },
      halted: () => chainMismatch(database) ?? guard.alarm,
      wallet: remoteWallet(remotePort<Wallet>(questions, 'wallet', WALLET_METHODS)),
    });
    const store = new BlockStore(database);
    const afterProp = (): string | undefined => store.bookedPropJobBelow(Number.MAX_SAFE_INTEGER);
    this.#window =
      blocks.pinsWindow === true
        ? new WindowPart(blocks, { slices: this.#slices, afterProp, tell: window, logger })
        : undefined;
    this.#payments = new SlicePayments(database, terms.reigns, { clock, slices: this.#slices });
    this.#parts = new Parts(logger);
  }

  start(): void {
    // First, so that payouts begin with books that were checked.
    this.#parts.start([
      this.#guard,
      {
        name: 'slices',
        tick: () => this.#take(),
        restMs: () => (this.#turnShares >= FEW_SHARES && this.#turnShares < MANY_SHARES ? LONG_REST_MS : REST_MS),
      },
      ...(this.#window === undefined ? [] : [this.#window]),
      { name: 'slice-payments', tick: () => this.#pay() },
      this.#blocks,
      this.#payouts,
      { name: 'pruning', tick: () => this.#prune() },
    ]);
  }

  /** Throws if the log or the ledger can not be read. */
  status(): HouseStatus {
    const { rows, sinceMs }: Lag = this.#taker.lag();
    return {
      lagRows: rows,
      lagMs: sinceMs === undefined ? 0 : Math.max(0, this.#clock.nowMs() - sinceMs),
      takenShares: this.#store.taken().shares,
      sealedSerial: this.#slices.sealedUpTo(),
      faults: this.#guard.faults,
      directRatio: this.#blocks.directRatio,
      problems: this.#parts.problems,
    };
  }

  /** Lets each part end what it has under way, takes what is in the log, and closes the ledger. */
  async close(): Promise<void> {
    this.#stopping = true;
    this.#guard.close();
    this.#payouts.close();
    await this.#parts.stop();
    try {
      while (this.#taker.step());
    } catch {
      // The part has said why, or the next start will.
    }
    this.#readers.close();
    this.#ledger.close();
  }

  /** Nothing is dropped before something says which slices it has no need of: the blocks that are to be booked. */
  #prune(): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#prunedMs < PRUNE_EVERY_MS) return;
    this.#prunedMs = nowMs;
    const { database } = this.#ledger;
    const { scheme, window } = this.#terms;
    pruneSlices(database, { windowBlocks: Number(window) / 2 ** 64, neededFrom: slicesNeededFrom(database, scheme) });
  }

  /** Takes until nothing is left, a transaction at a time, and lets messages through in between. */
  async #take(): Promise<void> {
    const before = this.#store.taken().shares;
    while (this.#taker.step() && !this.#stopping) await setImmediate();
    this.#turnShares = this.#store.taken().shares - before;
  }

  async #pay(): Promise<void> {
    while (this.#payments.step() && !this.#stopping) await setImmediate();
  }
}
