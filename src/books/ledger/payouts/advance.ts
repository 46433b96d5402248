import { readTransaction } from '#base/bitcoin/transaction';
import type { Clock, Logger } from '#base/domain/ports';
import type { TransactionPlace, Wallet, WalletAnswer } from '#base/domain/wallet';
import type { EntryBook } from '../entries/book.ts';
import type { LedgerDatabase } from '../ledger-db.ts';
import type { Adoptable } from './adoption.ts';
import type { Batch, PayoutMethod, Variant } from './batch.ts';
import type { Funding } from './funding.ts';
import type { Outsiders } from './outsiders.ts';
import {
  childPosting,
  openedPosting,
  settledPosting,
  signedPosting,
  unpaidPosting,
  unsettledPosting,
} from './postings.ts';
import type { Replacements } from './replacements.ts';
import type { PayoutRules } from './rules.ts';
import type { PayoutStore } from './store.ts';

export interface AdvanceModules {
  readonly database: LedgerDatabase;
  readonly store: PayoutStore;
  readonly book: EntryBook;
  readonly wallet: Wallet;
  readonly funding: Funding;
  readonly outsiders: Outsiders;
  readonly replacements: Replacements;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly logger: Logger;
  /** Why nothing may be sent that was not sent yet; undefined if it may. */
  readonly forbidden: () => Promise<WalletAnswer<string | undefined>>;
}

/** A batch that was taken a step further, or waits. */
type Step = 'moved' | 'waits';

interface Placed {
  readonly variant: Variant;
  readonly place: TransactionPlace;
}

/** From one look at a batch it moves on by no more steps than this. */
const STEPS_MAX = 12;

/**
 * Takes a batch from one state to the next. Each state is on the disk before what comes next is done, so that a process that
 * dies anywhere goes on where it was; after `signed` the same bytes are sent however often that takes.
 */
export class Advance {
  readonly #rules: PayoutRules;
  readonly #modules: AdvanceModules;

  constructor(rules: PayoutRules, modules: AdvanceModules) {
    this.#rules = rules;
    this.#modules = modules;
  }

  /** Goes on until the batch waits for something. */
  async run(number: number): Promise<void> {
    for (let steps = 0; steps < STEPS_MAX; steps += 1) {
      const batch = this.#modules.store.get(number);
      if ((await this.#step(batch)) === 'waits') return;
    }
  }

  #step(batch: Batch): Promise<Step> | Step {
    switch (batch.state) {
      case 'funded':
        return this.#sign(batch);
      case 'signed':
        return this.#sendFirst(batch);
      case 'unpaid':
      case 'cancelled':
        return 'waits';
      default:
        return this.#observe(batch);
    }
  }

  async #sign(batch: Batch): Promise<Step> {
    const { wallet, funding, forbidden, store } = this.#modules;
    const variant = payerOf(batch);
    // Another payer on a copy of this folder may have made, and sent, this very transaction.
    const place = await wallet.place(variant.txid);
    if (!place.ok) return this.#trouble(batch, place.reason);
    if (place.value.at !== 'none') return this.#adopt(batch, variant);
    const locked = await wallet.lock(variant.inputs, true);
    if (!locked.ok) return this.#trouble(batch, locked.reason);
    if (batch.method === 'psbt') return this.#trouble(batch, undefined);
    const reason = await forbidden();
    if (!reason.ok || reason.value !== undefined) return this.#trouble(batch, reason.ok ? reason.value : reason.reason);
    const signed = await funding.sign(variant.psbt);
    if (!signed.ok) {
      if (signed.fault !== 'refused') return this.#trouble(batch, signed.reason);
      const after = await wallet.place(variant.txid);
      if (!after.ok || after.value.at !== 'none') return this.#trouble(batch, signed.reason);
      // What was just good is good no more: its coins are spent elsewhere, say. Nothing of it has left this process.
      this.cancel(batch, signed.reason);
      await wallet.lock(variant.inputs, false);
      return 'waits';
    }
    this.#record(() => {
      store.setRaw(batch.number, variant.number, signed.value.raw, signed.value.txid);
      this.#signed(batch);
    });
    return 'moved';
  }

  /** The first time that a batch's bytes leave: that it may have happened is recorded before. */
  async #sendFirst(batch: Batch): Promise<Step> {
    const { forbidden, store, clock } = this.#modules;
    const reason = await forbidden();
    if (!reason.ok || reason.value !== undefined) return this.#trouble(batch, reason.ok ? reason.value : reason.reason);
    this.#record(() => store.setState(batch.number, 'sent', clock.nowMs()));
    return this.#send({ ...batch, state: 'sent' });
  }

  /** Sends the newest bytes, and older ones if the node refuses these. An answer decides nothing: the chain does. */
  async #send(batch: Batch): Promise<Step> {
    const { wallet, logger } = this.#modules;
    let reason: string | undefined;
    for (const { raw, kind } of [...batch.variants].reverse()) {
      if (raw === undefined || kind === 'child') continue;
      const sent = await wallet.send(raw);
      if (sent.ok) {
        const place = await this.#placeOf(batch);
        return place?.at === 'mempool' || place?.at === 'chain' ? 'moved' : 'waits';
      }
      reason ??= sent.reason;
      if (sent.fault !== 'refused') break;
    }
    if (reason !== undefined) logger.warn({ payout: batch.id, reason }, 'a payout was not taken by the node');
    return this.#trouble(batch, reason);
  }

  async #placeOf(batch: Batch): Promise<TransactionPlace | undefined> {
    const newest = batch.variants.findLast(({ raw, kind }) => raw !== undefined && kind !== 'child');
    const place = newest && (await this.#modules.wallet.place(newest.txid));
    return place?.ok === true ? place.value : undefined;
  }

  /** Looks where the batch's transactions stand. A look that fails decides nothing. */
  async #observe(batch: Batch): Promise<Step> {
    const { wallet } = this.#modules;
    const placed: Placed[] = [];
    for (const variant of batch.variants) {
      const place = await wallet.place(variant.txid);
      if (!place.ok) return this.#trouble(batch, place.reason);
      placed.push({ variant, place: place.value });
    }
    const payers = placed.filter(({ variant }) => variant.kind !== 'child');
    const winner = payers.find(({ place }) => place.at === 'chain');
    if (batch.state === 'exported') return this.#exported(batch, payers);
    if (winner?.place.at === 'chain') return this.#won(batch, winner.variant, winner.place.confirmations, placed);
    if (batch.state === 'confirmed' || batch.state === 'settled') return this.#lost(batch);
    const conflict = await this.#conflict(batch, payers);
    if (!conflict.ok) return this.#trouble(batch, conflict.reason);
    if (conflict.value >= this.#rules.buryDepth) return this.#unpaid(batch, 0n);
    if (conflict.value > 0) return this.#trouble(batch, conflictText(conflict.value, this.#rules.buryDepth));
    if (payers.some(({ place }) => place.at === 'mempool')) return this.#seen(batch);
    return this.#send(batch);
  }

  /** Takes over a transaction of the batch that was signed and sent elsewhere. */
  async #adopt(batch: Batch, { number, txid }: Variant): Promise<Step> {
    const raw = await this.#modules.wallet.transaction(txid);
    if (!raw.ok) return this.#trouble(batch, raw.reason);
    const { value } = raw;
    if (value === undefined || readTransaction(value)?.txid !== txid) return 'waits';
    this.#record(() => {
      this.#modules.store.setRaw(batch.number, number, value, txid);
      this.#signed(batch);
    });
    return 'moved';
  }

  /** A PSBT that was exported may be broadcast by its signer. */
  async #exported(batch: Batch, payers: readonly Placed[]): Promise<Step> {
    const there = payers.find(({ place }) => place.at === 'chain' || place.at === 'mempool');
    if (there !== undefined) return this.#adopt(batch, there.variant);
    const conflict = await this.#conflict(batch, payers);
    if (!conflict.ok) return this.#trouble(batch, conflict.reason);
    if (conflict.value >= this.#rules.buryDepth) return this.#unpaid(batch, 0n);
    const { buryDepth } = this.#rules;
    return this.#trouble(batch, conflict.value > 0 ? conflictText(conflict.value, buryDepth) : undefined);
  }

  #won(batch: Batch, winner: Variant, depth: number, placed: readonly Placed[]): Promise<Step> | Step {
    const { store, clock, logger } = this.#modules;
    const atMs = clock.nowMs();
    const { settleDepth, buryDepth } = this.#rules;
    if (batch.winner !== undefined && batch.winner !== winner.txid && batch.state === 'settled') {
      return this.#lost(batch);
    }
    if (batch.state !== 'settled' && (batch.state !== 'confirmed' || batch.winner !== winner.txid)) {
      this.#record(() => store.setState(batch.number, 'confirmed', atMs, winner.txid));
      logger.info({ payout: batch.id, txid: winner.txid }, 'a payout is in a block');
      return 'moved';
    }
    if (winner.kind === 'withdraw') {
      return depth >= buryDepth ? this.#unpaid(batch, winner.feeSats) : 'waits';
    }
    if (batch.state === 'confirmed' && depth >= settleDepth) {
      this.#record(() => this.#settle(batch, winner));
      return 'moved';
    }
    if (batch.state !== 'settled') return 'waits';
    this.#record(() => {
      for (const { variant, place } of placed) {
        if (variant.kind !== 'child' || place.at !== 'chain' || place.confirmations < settleDepth) continue;
        this.#modules.book.post(childPosting(batch, variant, atMs));
      }
      if (depth >= buryDepth) store.bury(batch.number);
    });
    return 'waits';
  }

  #settle(batch: Batch, winner: Variant): void {
    const { store, book, clock, logger } = this.#modules;
    const atMs = clock.nowMs();
    const time = batch.settlements + 1;
    book.post(settledPosting(batch, winner, time, atMs));
    store.setSettlements(batch.number, time);
    store.setState(batch.number, 'settled', atMs, winner.txid);
    logger.info({ payout: batch.id, txid: winner.txid, feeSats: String(winner.feeSats) }, 'a payout is settled');
  }

  /** A reorg has taken the winner out of the chain. */
  #lost(batch: Batch): Step {
    const { store, book, clock, logger } = this.#modules;
    const atMs = clock.nowMs();
    this.#record(() => {
      const winner = batch.variants.find(({ txid }) => txid === batch.winner);
      if (batch.state === 'settled' && winner !== undefined) {
        book.post(unsettledPosting(batch, winner, batch.settlements, atMs));
      }
      store.setState(batch.number, 'sent', atMs);
    });
    logger.warn({ payout: batch.id, txid: batch.winner }, 'a reorg has taken a payout out of the chain');
    return 'moved';
  }

  #seen(batch: Batch): Promise<Step> | Step {
    const { store, clock, replacements } = this.#modules;
    if (batch.state !== 'seen') {
      this.#record(() => store.setState(batch.number, 'seen', clock.nowMs()));
      return 'moved';
    }
    return replacements.hurry(batch).then((reason) => this.#trouble(batch, reason));
  }

  /**
   * How deep in the chain every variant of a batch has a conflict: the least of them counts, since one that has none may still
   * be mined.
   */
  async #conflict(batch: Batch, payers: readonly Placed[]): Promise<WalletAnswer<number>> {
    let least = Number.POSITIVE_INFINITY;
    for (const { variant, place } of payers) {
      const told = place.at === 'conflicted' ? place.confirmations : 0;
      const found = told > 0 ? undefined : await this.#modules.outsiders.depthOfConflict(variant.inputs);
      if (found !== undefined && !found.ok) return found;
      least = Math.min(least, Math.max(told, found?.value ?? 0));
      if (least === 0) break;
    }
    return { ok: true, value: batch.variants.length === 0 ? 0 : least };
  }

  async #unpaid(batch: Batch, feeSats: bigint): Promise<Step> {
    const { store, book, clock, logger, wallet } = this.#modules;
    const atMs = clock.nowMs();
    this.#record(() => {
      book.post(unpaidPosting(batch, batch.state !== 'exported', feeSats, atMs));
      store.setState(batch.number, 'unpaid', atMs, batch.winner);
      store.bury(batch.number);
    });
    logger.error({ payout: batch.id }, 'a payout ends unpaid: a transaction that conflicts with it is buried');
    for (const { inputs } of batch.variants) await wallet.lock(inputs, false);
    return 'waits';
  }

  /** Gives up a batch that nobody can have signed; the caller has made sure of it, and unlocks its coins. */
  cancel(batch: Batch, reason: string): void {
    const { store, book, clock, logger } = this.#modules;
    const atMs = clock.nowMs();
    this.#record(() => {
      book.post(unpaidPosting(batch, false, 0n, atMs));
      store.setState(batch.number, 'cancelled', atMs);
      store.setTrouble(batch.number, reason);
      store.bury(batch.number);
    });
    logger.warn({ payout: batch.id, reason }, 'a payout was cancelled before it was signed');
  }

  /** Books a batch's first signed transaction, in the caller's transaction. */
  #signed(batch: Batch): void {
    const { store, book, clock } = this.#modules;
    book.post(signedPosting(batch, clock.nowMs()));
    store.setState(batch.number, 'signed', clock.nowMs());
  }

  /** Stores a signature that came from elsewhere. */
  imported(batch: Batch, variant: Variant, raw: string, txid: string): void {
    this.#record(() => {
      this.#modules.store.setRaw(batch.number, variant.number, raw, txid);
      if (batch.state === 'funded' || batch.state === 'exported') this.#signed(batch);
    });
  }

  /** Records a transaction that was sent without this ledger; returns the number of its batch, which may be a new one of that id. */
  adopt({ batch: owner, variant, items }: Adoptable, method: PayoutMethod, id: string): number {
    const { store, book, clock, database } = this.#modules;
    const adopt = database.transaction((): number => {
      const atMs = clock.nowMs();
      store.dropOutsider(variant.txid);
      const batch = owner ?? store.add({ id, method, items }, variant, atMs);
      if (owner === undefined) book.post(openedPosting(batch, atMs));
      else store.addVariant(owner.number, variant, atMs);
      if (batch.state === 'funded' || batch.state === 'exported') {
        this.#signed(batch);
        store.setState(batch.number, 'sent', atMs);
      }
      return batch.number;
    });
    return adopt.immediate();
  }

  #trouble(batch: Batch, reason: string | undefined): Step {
    if (batch.trouble === reason) return 'waits';
    const { store, logger } = this.#modules;
    this.#record(() => store.setTrouble(batch.number, reason));
    // The next payouts wait for this one, so it must not wait silently.
    if (reason !== undefined) logger.warn({ payout: batch.id, reason }, 'a payout does not go on');
    return 'waits';
  }

  #record(change: () => void): void {
    this.#modules.database.transaction(change).immediate();
  }
}

/** The newest variant that pays, or pays back. */
export function payerOf(batch: Batch): Variant {
  const payer = batch.variants.findLast(({ kind }) => kind !== 'child');
  if (payer === undefined) throw new Error(`payouts: batch ${batch.id} has no transaction`);
  return payer;
}

function conflictText(depth: number, buryDepth: number): string {
  return (
    `a block has another transaction that spends the same coins, ${depth} deep: the accounts are owed again ` +
    `when it is ${buryDepth} deep`
  );
}
