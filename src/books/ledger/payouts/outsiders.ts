import { readTransaction } from '#base/bitcoin/transaction';
import type { Clock } from '#base/domain/ports';
import type { Outpoint, Wallet, WalletAnswer } from '#base/domain/wallet';
import type { LedgerDatabase } from '../ledger-db.ts';
import { outpointText } from './batch.ts';
import type { PayoutStore } from './store.ts';

export interface OutsiderModules {
  readonly database: LedgerDatabase;
  readonly store: PayoutStore;
  readonly wallet: Wallet;
  readonly clock: Pick<Clock, 'nowMs'>;
}

/**
 * Watches for a second payer: another pool on a copy of this folder, or a person, that spends the wallet's coins. What the
 * wallet has sent before the first look is the operator's; from then on each outgoing transaction must be one of the ledger's
 * own, since those are recorded before they are sent.
 */
export class Outsiders {
  readonly #modules: OutsiderModules;

  constructor(modules: OutsiderModules) {
    this.#modules = modules;
  }

  /** Looks at what has left the wallet; the answer is why nothing may be paid, undefined if all is known. */
  async look(): Promise<WalletAnswer<string | undefined>> {
    const { database, store, wallet, clock } = this.#modules;
    const known = store.fact('cursor');
    const answer = await wallet.outgoing(known);
    if (!answer.ok) return answer;
    const { transactions, cursor } = answer.value;
    database
      .transaction(() => {
        for (const transaction of transactions) {
          if (!store.isOwn(transaction.txid)) store.addOutsider(transaction, known === undefined, clock.nowMs());
        }
        store.setFact('cursor', cursor);
      })
      .immediate();
    return { ok: true, value: this.alarm };
  }

  get alarm(): string | undefined {
    const [first, ...others] = this.#modules.store.outsiders();
    if (first === undefined) return undefined;
    const more = others.length === 0 ? '' : ` and ${others.length} more`;
    return (
      `transaction ${first.txid}${more} spends this wallet's coins and is in no payout of this ledger: does another pool ` +
      'pay from a copy of this folder? If it is yours: sluice payout accept TXID'
    );
  }

  /** How deep in the chain the deepest outsider is that spends one of these coins; 0 if none does. */
  async depthOfConflict(coins: readonly Outpoint[]): Promise<WalletAnswer<number>> {
    const { store, wallet } = this.#modules;
    const wanted = new Set(coins.map(outpointText));
    let depth = 0;
    for (const txid of store.allOutsiders()) {
      const raw = await wallet.transaction(txid);
      if (!raw.ok) return raw;
      const shape = raw.value === undefined ? undefined : readTransaction(raw.value);
      if (shape === undefined || !shape.inputs.some((input) => wanted.has(outpointText(input)))) continue;
      const place = await wallet.place(txid);
      if (!place.ok) return place;
      if (place.value.at === 'chain') depth = Math.max(depth, place.value.confirmations);
    }
    return { ok: true, value: depth };
  }
}
