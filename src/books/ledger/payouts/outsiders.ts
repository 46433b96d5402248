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

const NOT_RECONCILED =
  'this ledger was restored from a backup, and the node does not have the whole chain yet: payouts go on when it has, and ' +
  'what has left the wallet since the backup is known';

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
    const behind = await this.#behind();
    if (!behind.ok || behind.value !== undefined) return behind;
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
        if (store.fact('restored') !== undefined) store.setFact('reconciled', '1');
      })
      .immediate();
    return { ok: true, value: this.alarm };
  }

  get alarm(): string | undefined {
    const { store } = this.#modules;
    const [first, ...others] = store.outsiders();
    if (first === undefined) return this.#isUnknown ? NOT_RECONCILED : undefined;
    const more = others.length === 0 ? '' : ` and ${others.length} more`;
    const restored = store.fact('restored');
    const why =
      restored === undefined
        ? 'does another pool pay from a copy of this folder?'
        : `this ledger was restored from a backup of ${new Date(Number(restored)).toISOString()}, which does not know what was paid since.`;
    return (
      `transaction ${first.txid}${more} spends this wallet's coins and is in no payout of this ledger: ${why} ` +
      'If it paid miners: sluice payout adopt TXID. If it was you, for something else: sluice payout accept TXID'
    );
  }

  /** This ledger was put back, and nobody has looked since at what had left the wallet meanwhile. */
  get #isUnknown(): boolean {
    const { store } = this.#modules;
    return store.fact('restored') !== undefined && store.fact('reconciled') === undefined;
  }

  /** Why what left the wallet since a backup can not be known yet: a node that lacks blocks does not know the payouts in them. */
  async #behind(): Promise<WalletAnswer<string | undefined>> {
    if (!this.#isUnknown) return { ok: true, value: undefined };
    const synced = await this.#modules.wallet.synced();
    return synced.ok ? { ok: true, value: synced.value ? undefined : NOT_RECONCILED } : synced;
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
