import type { Clock, Logger } from '#base/domain/ports';
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
  readonly logger: Logger;
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
    const { wallet, database, store, clock, logger } = this.#modules;
    const coins = await wallet.coins();
    if (!coins.ok) return coins;
    const baton = this.#baton(coins.value);
    if (!baton.ok) return baton;
    const inputs = baton.value === undefined ? [] : [baton.value];
    const usable = coins.value.filter((coin) => !coin.locked || coin === baton.value);
    const enough = enoughFor(planned, usable);
    if (enough !== undefined) return { ok: false, fault: 'poor', reason: enough };
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
    for (const { item, reason } of poison) logger.error({ account: item.account, reason }, 'an account is set aside');
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

  /**
   * The coin that this batch must spend: the last batch's change, or the oldest coin if there is none. It may be locked: then
   * another payer is about to spend it, and only one of the two transactions can be mined. A change that is gone was spent by
   * somebody else, which stops payouts unless the operator has answered for it.
   */
  #baton(coins: readonly WalletCoin[]): WalletAnswer<WalletCoin | undefined> {
    const { store } = this.#modules;
    const last = store.lastWon();
    const change = last && changeOf(last);
    const carried = coins.find((coin) => change?.includes(outpointText(coin)) === true);
    if (carried !== undefined) return { ok: true, value: carried };
    if (change !== undefined && change.length > 0 && store.allOutsiders().length === 0) {
      const reason = `the change of payout ${last?.id ?? ''} (${change[0] ?? ''}) is spent, and no payout of this ledger has spent it`;
      return { ok: false, fault: 'refused', reason };
    }
    const oldest = [...coins].sort(
      (a, b) => b.confirmations - a.confirmations || (outpointText(a) < outpointText(b) ? -1 : 1),
    );
    return { ok: true, value: oldest[0] };
  }
}

/** The outputs of a batch that came back to the wallet: its change, or what a child has made of the change. */
function changeOf(batch: Batch): string[] {
  const won = batch.variants.find(({ txid }) => txid === batch.winner);
  if (won === undefined) return [];
  if (won.kind === 'withdraw') return [outpointText({ txid: won.txid, vout: 0 })];
  const children = batch.variants.filter(({ kind }) => kind === 'child');
  const own = won.changeIndex === undefined ? [] : [{ txid: won.txid, vout: won.changeIndex }];
  return [...own, ...children.map(({ txid }) => ({ txid, vout: 0 }))].map(outpointText);
}

/** Why the wallet's coins do not suffice for all of a batch; undefined if they do, but for the fee. */
function enoughFor(items: readonly Item[], coins: readonly WalletCoin[]): string | undefined {
  const [has, needs] = [coins.reduce((sum, { sats }) => sum + sats, 0n), outputsOf(items)];
  return has >= needs ? undefined : `the wallet has ${has} sats in confirmed coins, and the payout needs ${needs}`;
}
