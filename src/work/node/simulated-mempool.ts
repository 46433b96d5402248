import { toHex } from '#base/bitcoin/bytes';
import {
  type Coin,
  makeTransaction,
  outsideCoin,
  pick,
  type Random,
  type SimulatedTransaction,
} from './simulated-transaction.ts';

export interface MempoolOptions {
  /** How many transactions come in a second on average; their arrivals are exponential. */
  readonly transactionsPerSecond: number;
  /** How many come in at once at the beginning, and on average with each block, so that templates differ in size. */
  readonly transactionsPerBlock: number;
  /** Full at so many: later ones do not come. */
  readonly transactionsMax: number;
}

/** Outputs of ours that wait to be spent by later transactions. */
const COINS_MAX = 500;
const INPUTS_MAX = 4;
/** How often an input is an output of an earlier transaction, which may still be unconfirmed. */
const OWN_COIN_CHANCE = 0.3;

/** Transactions that wait for a block, in an order in which each comes after those that it spends from. */
export class SimulatedMempool {
  readonly #options: MempoolOptions;
  readonly #random: Random;
  /** By txid, hex. */
  readonly #transactions = new Map<string, SimulatedTransaction>();
  readonly #coins: Coin[] = [];
  #nextAtMs: number | undefined;

  constructor(options: MempoolOptions, modules: { readonly random: Random }) {
    this.#options = options;
    this.#random = modules.random;
  }

  get size(): number {
    return this.#transactions.size;
  }

  /** Adds transactions that have arrived by now. */
  advance(nowMs: number): void {
    if (this.#nextAtMs === undefined) {
      this.#burst(this.#options.transactionsPerBlock);
      this.#nextAtMs = nowMs + this.#gapMs();
    }
    while (this.#nextAtMs <= nowMs) {
      if (this.size >= this.#options.transactionsMax) {
        this.#nextAtMs = nowMs + this.#gapMs();
        return;
      }
      this.#arrive();
      this.#nextAtMs += this.#gapMs();
    }
  }

  /** For a block of at most that weight: the oldest first. */
  select(weightMax: number): SimulatedTransaction[] {
    const selected: SimulatedTransaction[] = [];
    let weight = 0;
    for (const transaction of this.#transactions.values()) {
      weight += transaction.weight;
      if (weight > weightMax) break;
      selected.push(transaction);
    }
    return selected;
  }

  find(txid: Uint8Array): SimulatedTransaction | undefined {
    return this.#transactions.get(toHex(txid));
  }

  /** Removes transactions confirmed by a block, and adds new arrivals. */
  confirm(txids: readonly Uint8Array[]): void {
    for (const txid of txids) this.#transactions.delete(toHex(txid));
    this.#burst(pick(this.#random, 0, 2 * this.#options.transactionsPerBlock));
  }

  #burst(transactions: number): void {
    for (let index = 0; index < transactions && this.size < this.#options.transactionsMax; index += 1) this.#arrive();
  }

  #gapMs(): number {
    return (-Math.log(1 - this.#random()) * 1000) / this.#options.transactionsPerSecond;
  }

  #arrive(): void {
    const coins = Array.from({ length: pick(this.#random, 1, INPUTS_MAX) }, () => this.#takeCoin());
    const transaction = makeTransaction(coins, this.#random);
    this.#transactions.set(toHex(transaction.txid), transaction);
    this.#coins.push(...transaction.creates);
    if (this.#coins.length > COINS_MAX) this.#coins.splice(0, this.#coins.length - COINS_MAX);
  }

  /** A coin that no later transaction spends. */
  #takeCoin(): Coin {
    if (this.#coins.length > 0 && this.#random() < OWN_COIN_CHANCE) {
      const [coin] = this.#coins.splice(pick(this.#random, 0, this.#coins.length - 1), 1);
      if (coin) return coin;
    }
    return outsideCoin(this.#random);
  }
}
