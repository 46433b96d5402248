import type { Clock } from '#base/domain/ports';
import type { Outpoint, Wallet, WalletAnswer, WalletCoin } from '#base/domain/wallet';
import { payableOf } from '../entries/accounts.ts';
import type { EntryBook } from '../entries/book.ts';
import type { LedgerDatabase } from '../ledger-db.ts';
import { type Batch, type Item, type NewVariant, outpointText, outputsOf } from './batch.ts';
import { type Funding, payeesOf } from './funding.ts';
import { isolate } from './isolate.ts';
import { openedPosting } from './postings.ts';
import type { PayoutRules } from './rules.ts';
import type { PayoutStore } from './store.ts';

export interface NextBatchModules {
  readonly database: LedgerDatabase;
  readonly store: PayoutStore;
  readonly book: EntryBook;
  readonly wallet: Wallet;
  readonly funding: Funding;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** A batch's id: never used twice, also by a copy of this folder. */
  readonly newId: () => string;
}

/**
 * Makes a batch of what is planned: chooses its coins, finds the accounts that can not be paid, and records the intent. Each
 * batch spends the change of the one before it, so two payers on copies of one folder can not both be mined: their
 * transactions conflict.
 */
export class NextBatch {
  readonly #rules: PayoutRules;
  readonly #modules: NextBatchModules;

  constructor(rules: PayoutRules, modules: NextBatchModules) {
    this.#rules = rules;
    this.#modules = modules;
  }

  /** The recorded batch; undefined if the accounts are owed less than was planned by now. */
  async make(planned: readonly Item[], feeRate: bigint): Promise<WalletAnswer<Batch | undefined>> {
    const { wallet, database, store, clock } = this.#modules;
    const coins = await wallet.coins();
    if (!coins.ok) return coins;
    const enough = enoughFor(planned, coins.value);
    if (enough !== undefined) return { ok: false, fault: 'poor', reason: enough };
    const baton = this.#baton(coins.value);
    const inputs = baton === undefined ? [] : [baton];
    const found = await isolate(planned, (items) => this.#attempt(items, inputs, feeRate));
    if (!found.ok) return found;
    const { items, result, poison } = found.value;
    const batch = database
      .transaction(() => {
        const atMs = clock.nowMs();
        for (const { item, reason } of poison) store.setAside(item.account, reason, atMs);
        return this.#record(items, result);
      })
      .immediate();
    return { ok: true, value: batch };
  }

  /** Tries everything that can be tried without a trace: a wallet that signs must be able to, and the node must want it. */
  async #attempt(
    items: readonly Item[],
    inputs: readonly Outpoint[],
    feeRate: bigint,
  ): Promise<WalletAnswer<NewVariant>> {
    const { funding } = this.#modules;
    const made = await funding.make({ kind: 'pay', payees: payeesOf(items), inputs, addInputs: true, feeRate });
    if (!made.ok || this.#rules.method === 'psbt') return made;
    const signed = await funding.sign(made.value.psbt);
    return signed.ok ? made : signed;
  }

  #record(items: readonly Item[], first: NewVariant): Batch | undefined {
    const { store, book, clock, newId } = this.#modules;
    // While the wallet was asked, a reorg may have taken back what an account was owed.
    if (items.some(({ account, sats }) => -book.balance(payableOf(account)) < sats)) return undefined;
    const atMs = clock.nowMs();
    const batch = store.add({ id: newId(), method: this.#rules.method, items }, first, atMs);
    book.post(openedPosting(batch, atMs));
    return batch;
  }

  /** The coin that this batch must spend: the last batch's change, or else the oldest coin. */
  #baton(coins: readonly WalletCoin[]): WalletCoin | undefined {
    const last = this.#modules.store.lastWon();
    const won = last?.variants.find(({ txid }) => txid === last.winner);
    const child = last?.variants.find(({ kind }) => kind === 'child');
    const wanted = [
      won && { txid: won.txid, vout: won.kind === 'withdraw' ? 0 : (won.changeIndex ?? -1) },
      child && { txid: child.txid, vout: 0 },
    ].flatMap((one) => (one === undefined ? [] : [outpointText(one)]));
    const carried = coins.find((coin) => wanted.includes(outpointText(coin)));
    if (carried !== undefined) return carried;
    return [...coins].sort(
      (a, b) => b.confirmations - a.confirmations || (outpointText(a) < outpointText(b) ? -1 : 1),
    )[0];
  }
}

/** Why the wallet's coins do not suffice for all of a batch; undefined if they do, but for the fee. */
function enoughFor(items: readonly Item[], coins: readonly WalletCoin[]): string | undefined {
  const [has, needs] = [coins.reduce((sum, { sats }) => sum + sats, 0n), outputsOf(items)];
  return has >= needs ? undefined : `the wallet has ${has} sats in confirmed coins, and the payout needs ${needs}`;
}
