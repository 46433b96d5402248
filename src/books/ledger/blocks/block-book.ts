import { toHex } from '#base/bitcoin/bytes';
import { readCoinbase } from '#base/bitcoin/coinbase-reader';
import type { BlockPlace } from '#base/domain/chain';
import { EntryBook } from '../entries/book.ts';
import type { LedgerDatabase } from '../ledger-db.ts';
import type { Slice } from '../rewards/scheme.ts';
import { asMined } from './as-mined.ts';
import { type BlockStep, type Depths, nextStep, statusAfter } from './block.ts';
import { type BlockBooking, type BlockState, BlockStore, type FoundBlock, type LedgerBlock } from './block-store.ts';
import {
  type BlockEvent,
  type BlockReward,
  blockPosting,
  bookingLines,
  type CoinbaseValue,
  coinbaseValue,
} from './postings.ts';

/** Slices as far as blocks need them; implemented by slices/. */
export interface SliceSource {
  /** Whether no share can come any more to this job and those before it. False for a job that the ledger does not know. */
  isSealed(jobId: string): boolean;
  /** The job whose slice is the newest that counts for a block of this job: the job itself, unless its coinbase was made of earlier ones. */
  divisionFrom(jobId: string): string;
  /** The slices of a sealed job and of those before it, newest first. */
  slicesBack(jobId: string): Iterable<Slice>;
}

/** A block that is about to be booked. */
export interface RewardedBlock {
  readonly hash: string;
  readonly jobId: string;
  readonly finder: string;
  readonly rewardSats: bigint;
  /** The job of the pool's block before this one in the same chain; undefined for the first. */
  readonly previousJobId: string | undefined;
  /** The same, of those blocks whose job was made under PROP. */
  readonly previousPropJobId: string | undefined;
}

/** Divides the reward of a block; `slices` comes newest first and begins with the newest that counts (`divisionFrom`). */
export type DivideReward = (block: RewardedBlock, slices: Iterable<Slice>) => BlockReward;

export interface BlockBookModules {
  readonly clock: { nowMs(): number };
  readonly slices: SliceSource;
  readonly divide: DivideReward;
  /** The account whose address an output pays; undefined for outputs of the pool, and of scripts that are no address. */
  readonly accountOf?: (script: Uint8Array) => string | undefined;
  /** Called after each step, when it is on the disk. */
  readonly stepped?: (block: BlockState, step: BlockStep) => void;
}

/** What became of an attempt to bring a block up to date. `waiting`: it is to be booked as soon as that is there. */
export type Followed = { readonly state: 'settled' } | { readonly state: 'waiting'; readonly for: 'seal' | 'coinbase' };

const entriesOf: Readonly<Record<BlockStep, (wasMature: boolean) => readonly BlockEvent[]>> = {
  book: () => ['booked'],
  mature: () => ['matured'],
  // The opposite entries, the last one first.
  reverse: (wasMature) => (wasMature ? ['unmatured', 'reversed'] : ['reversed']),
  leave: () => [],
  revive: () => [],
};

/**
 * The pool's blocks in the books. Each step of a block is one transaction: its status with the entries that the step posts. A
 * block that was reversed is booked again with the very lines of its first booking, since neither its coinbase nor its sealed
 * slices can have changed.
 */
export class BlockBook {
  readonly store: BlockStore;
  readonly #database: LedgerDatabase;
  readonly #entries: EntryBook;
  readonly #depths: Depths;
  readonly #modules: BlockBookModules;

  constructor(database: LedgerDatabase, depths: Depths, modules: BlockBookModules) {
    this.#database = database;
    this.#depths = depths;
    this.#modules = modules;
    this.store = new BlockStore(database);
    this.#entries = new EntryBook(database);
  }

  /** Takes note of a block that the pool found; false if it is known. May be called in a transaction. */
  found(block: FoundBlock): boolean {
    return this.store.add(block);
  }

  /**
   * Does every step that a block's place calls for. `coinbase` is the block's coinbase transaction; it is needed for the first
   * booking. Throws for an unknown block, and if the coinbase is none or its reward is not divided to the satoshi.
   */
  follow(hash: string, place: BlockPlace, tipHeight: number, coinbase: Uint8Array | undefined): Followed {
    for (;;) {
      const block = known(this.store.state(hash), hash);
      const step = nextStep(block, place, tipHeight, this.#depths);
      if (step === undefined) {
        this.store.setConfirmations(hash, place.at === 'chain' ? place.confirmations : 0);
        return { state: 'settled' };
      }
      if (step === 'book' && !block.isDivided) {
        if (!this.#modules.slices.isSealed(block.jobId)) return { state: 'waiting', for: 'seal' };
        if (coinbase === undefined) return { state: 'waiting', for: 'coinbase' };
      }
      this.#take(known(this.store.find(hash), hash), step, coinbase);
      this.#modules.stepped?.(known(this.store.state(hash), hash), step);
    }
  }

  /** Whether the next booking of this block needs its coinbase. */
  wantsCoinbase(block: Pick<BlockState, 'isDivided'>, place: BlockPlace): boolean {
    return !block.isDivided && place.at === 'chain' && place.confirmations >= this.#depths.confirmations;
  }

  #take(block: LedgerBlock, step: BlockStep, coinbase: Uint8Array | undefined): void {
    const atMs = this.#modules.clock.nowMs();
    const { hash, height } = block;
    // Computed before the transaction: a window of slices may take a while.
    const booking = block.booking ?? (step === 'book' ? this.#bookingOf(block, coinbase) : undefined);
    const post = this.#database.transaction(() => {
      if (step === 'book') {
        if (block.booking === undefined && booking !== undefined) this.store.setBooking(hash, booking);
        this.store.countBooking(hash);
      }
      const number = block.bookings + (step === 'book' ? 1 : 0);
      for (const event of entriesOf[step](block.status === 'mature')) {
        const lines = booking?.lines ?? [];
        this.#entries.post(blockPosting({ hash, height, booking: number, lines }, event, atMs));
      }
      this.store.setStatus(hash, statusAfter[step]);
    });
    post.immediate();
  }

  #bookingOf(block: LedgerBlock, coinbase: Uint8Array | undefined): BlockBooking {
    const read = coinbase && readCoinbase(coinbase);
    if (coinbase === undefined || read === undefined) throw new Error(`ledger: no coinbase of block ${block.hash}`);
    const { slices, divide, accountOf } = this.#modules;
    const { hash, jobId, finder } = block;
    // Blocks are booked from the lowest up, so one below that is not booked is not in this block's chain.
    const previousJobId = this.store.bookedJobBelow(block.height);
    const previousPropJobId = this.store.bookedPropJobBelow(block.height);
    const divided = divide(
      { hash, jobId, finder, rewardSats: read.totalSats, previousJobId, previousPropJobId },
      slices.slicesBack(slices.divisionFrom(jobId)),
    );
    // What a coinbase pays to anybody else was nobody's credit.
    const credited = new Set(divided.distribution.credits.map(({ account }) => account));
    const value = coinbaseValue(read.outputs, (script) => {
      const account = accountOf?.(script);
      return account !== undefined && credited.has(account) ? account : undefined;
    });
    const reward = asMined(value, divided);
    const lines = bookingLines(value, reward);
    return { coinbase: toHex(coinbase), lines, terms: reward.terms, ...amounts(value, reward) };
  }
}

function known<T>(block: T | undefined, hash: string): T {
  if (block === undefined) throw new Error(`ledger: the block ${hash} is unknown`);
  return block;
}

function amounts(
  value: CoinbaseValue,
  { distribution }: BlockReward,
): Omit<BlockBooking, 'coinbase' | 'lines' | 'terms'> {
  const { credits, feeSats, donationSats, roundingSats } = distribution;
  const byAccount = new Map(credits.map((credit) => [credit.account, credit]));
  // The coinbase may pay an account that has no credit.
  const accounts = new Set([...byAccount.keys(), ...value.direct.keys()]);
  return {
    rewardSats: value.totalSats,
    ownSats: value.ownSats,
    feeSats,
    donationSats,
    restSats: roundingSats,
    credits: [...accounts].map((account) => {
      const { sats = 0n, weight = 0n, work = 0n } = byAccount.get(account) ?? {};
      return { account, sats, directSats: value.direct.get(account) ?? 0n, weight, work };
    }),
  };
}
