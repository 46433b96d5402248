import type { Clock, Logger } from '#base/domain/ports';
import type { Wallet, WalletAnswer } from '#base/domain/wallet';
import { minerBalances } from '../entries/accounts.ts';
import { EntryBook } from '../entries/book.ts';
import type { LedgerDatabase } from '../ledger-db.ts';
import { readAdoptable } from './adoption.ts';
import { Advance, payerOf } from './advance.ts';
import type { Batch, BatchState } from './batch.ts';
import { Funding } from './funding.ts';
import { NextBatch } from './next-batch.ts';
import { Outsiders } from './outsiders.ts';
import { type Plan, planPayouts } from './plan.ts';
import { outsidePosting } from './postings.ts';
import { Replacements } from './replacements.ts';
import type { PayoutRules } from './rules.ts';
import { type FactName, PayoutStore } from './store.ts';
import { Turn } from './turn.ts';

export interface PayoutModules {
  /** Opened by the one writer of the ledger. */
  readonly database: LedgerDatabase;
  readonly wallet: Wallet;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly logger: Logger;
  readonly newId: () => string;
  /** Why the books forbid payouts, such as another chain under this data folder; undefined if they do not. */
  readonly halted: () => string | undefined;
}

/** Blocks within which a payout should be confirmed. */
const TARGET_BLOCKS = 6;

/** What is being paid, or why nothing is. */
export interface RunResult {
  /** The batch that this run has made. */
  readonly batch: Batch | undefined;
  /** Why not, or why it does not go on; undefined if all is well. */
  readonly reason: string | undefined;
  /** Batches of the plan that wait until this one is in a block. */
  readonly batchesLeft: number;
  readonly left: Plan['left'];
}

export type Refused = { readonly error: string };

/** States in which the next batch has to wait: it spends this one's change. */
const busy: ReadonlySet<BatchState> = new Set(['funded', 'exported', 'signed', 'sent', 'seen']);

/** Pays what the books owe. Its methods wait for each other, so that nothing is decided on what is changing. */
export class Payouts {
  readonly store: PayoutStore;
  readonly #rules: PayoutRules;
  readonly #modules: PayoutModules;
  readonly #book: EntryBook;
  readonly #funding: Funding;
  readonly #outsiders: Outsiders;
  readonly #next: NextBatch;
  readonly #advance: Advance;
  readonly #replacements: Replacements;
  readonly #turn = new Turn();

  constructor(rules: PayoutRules, modules: PayoutModules) {
    this.#rules = rules;
    this.#modules = modules;
    this.#book = new EntryBook(modules.database);
    this.store = new PayoutStore(modules.database);
    const shared = { ...modules, store: this.store, book: this.#book };
    this.#funding = new Funding(rules, modules.wallet);
    this.#outsiders = new Outsiders(shared);
    this.#next = new NextBatch(rules, { ...shared, funding: this.#funding });
    this.#replacements = new Replacements(rules, { ...shared, funding: this.#funding });
    this.#advance = new Advance(rules, {
      ...{ ...shared, funding: this.#funding, outsiders: this.#outsiders, replacements: this.#replacements },
      forbidden: () => this.#forbidden(),
    });
  }

  /**
   * Looks at every batch that the chain may still change, and at what has left the wallet: a ledger must know that before it owes
   * anything.
   */
  tick(): Promise<void> {
    return this.#turn.take(async () => {
      await this.#outsiders.look();
      for (const { number } of this.store.watched()) await this.#advance.run(number);
    });
  }

  /** Who would be paid now, and why others would not. Changes nothing, and asks the wallet for its fee rate alone. */
  async plan(): Promise<Plan> {
    return this.#plan(await this.#feeRate());
  }

  /** Pays one batch of what is planned, if no other is under way. */
  run(): Promise<RunResult> {
    return this.#turn.take(() => this.#run());
  }

  /** A watch-only wallet's batch for whoever has the keys: from now on it may be signed and sent by anybody. */
  exportPsbt(id: string): Promise<{ readonly psbt: string; readonly txid: string } | Refused> {
    return this.#turn.take(async () => {
      const batch = this.store.find(id);
      if (batch === undefined) return { error: `there is no payout ${id}` };
      const variant = payerOf(batch);
      const isOpen =
        busy.has(batch.state) && (['funded', 'exported'].includes(batch.state) || variant.raw === undefined);
      if (batch.method !== 'psbt' || !isOpen) return { error: `payout ${id} is ${batch.state}: it needs no signature` };
      const reason = await this.#forbidden();
      if (!reason.ok || reason.value !== undefined) return { error: reasonOf(reason) };
      if (batch.state === 'funded') {
        const locked = await this.#modules.wallet.lock(variant.inputs, true);
        if (!locked.ok) return { error: locked.reason };
        this.#record(() => this.store.setState(batch.number, 'exported', this.#modules.clock.nowMs()));
      }
      return { psbt: variant.psbt, txid: variant.txid };
    });
  }

  /** A transaction that was signed elsewhere: a PSBT in base64 with its signatures, or the transaction itself in hex. */
  importSigned(signed: string): Promise<{ readonly id: string; readonly txid: string } | Refused> {
    return this.#turn.take(async () => {
      const text = signed.trim();
      let raw = text;
      if (!/^[0-9a-f]+$/i.test(text)) {
        const finalized = await this.#modules.wallet.sign(text);
        if (!finalized.ok) return { error: finalized.reason };
        if (finalized.value.raw === undefined) return { error: 'signatures are missing' };
        raw = finalized.value.raw;
      }
      const reasons: string[] = [];
      for (const batch of this.store.watched()) {
        for (const variant of batch.variants) {
          if (variant.raw !== undefined) continue;
          const judged = await this.#funding.judge(variant.psbt, raw);
          if (!judged.ok) reasons.push(judged.reason);
          else {
            this.#advance.imported(batch, variant, judged.value.raw, judged.value.txid);
            await this.#advance.run(batch.number);
            return { id: batch.id, txid: judged.value.txid };
          }
        }
      }
      return { error: reasons[0] ?? 'no payout waits for a signature' };
    });
  }

  /**
   * Gives a batch up. One that nobody can have signed ends at once. Any other gets a transaction that spends its coins back to
   * the wallet, and ends when that is buried; if it is mined before that, it is paid.
   */
  cancel(id: string): Promise<{ readonly state: BatchState; readonly note: string } | Refused> {
    return this.#turn.take(async () => {
      const batch = this.store.find(id);
      if (batch === undefined) return { error: `there is no payout ${id}` };
      if (batch.state === 'funded') {
        const place = await this.#modules.wallet.place(payerOf(batch).txid);
        if (!place.ok) return { error: place.reason };
        if (place.value.at !== 'none')
          return { error: `payout ${id} was sent by another payer on a copy of this folder` };
        this.#advance.cancel(batch, 'cancelled by hand');
        await this.#modules.wallet.lock(payerOf(batch).inputs, false);
        return { state: 'cancelled', note: 'the accounts are owed again' };
      }
      if (!busy.has(batch.state)) return { error: `payout ${id} is ${batch.state}: it can not be cancelled` };
      const payer = payerOf(batch);
      if (payer.kind === 'withdraw') return { error: `payout ${id} is being cancelled` };
      const rate = this.#replacements.rateAbove(batch, await this.#feeRate());
      if (rate === undefined) return { error: 'no higher fee rate is allowed: raise payout.fee-rate-max' };
      const made = await this.#replacements.withdraw(batch, payer, rate);
      if (!made.ok) return { error: made.reason };
      await this.#advance.run(batch.number);
      const note = `it may have left, so its coins go back to the wallet: it ends unpaid when that is ${this.#rules.buryDepth} deep`;
      return { state: this.store.get(batch.number).state, note };
    });
  }

  /** The operator answers for a transaction that has spent the wallet's coins: it is booked as withdrawn. */
  accept(txid: string): Promise<{ readonly sats: bigint } | Refused> {
    return this.#turn.take(async () => {
      const outsider = this.store.outsiders().find((one) => one.txid === txid);
      if (outsider === undefined) return { error: `${txid} is no transaction that payouts have stopped for` };
      const raw = await this.#modules.wallet.transaction(txid);
      if (!raw.ok) return { error: raw.reason };
      this.#record(() => {
        this.store.accept(txid);
        this.#book.post(outsidePosting(txid, outsider.sats, this.#modules.clock.nowMs()));
      });
      return { sats: outsider.sats };
    });
  }

  /**
   * Takes over a transaction that has left the wallet without this ledger and paid miners: a payout that was made after the copy
   * that this ledger is. It becomes a payout like any other, and who got what is debited. The network's fee is the pool's.
   */
  adopt(txid: string): Promise<{ readonly batch: Batch } | Refused> {
    return this.#turn.take(async () => {
      const outsider = this.store.outsiders().find((one) => one.txid === txid);
      if (outsider === undefined) return { error: `${txid} is no transaction that payouts have stopped for` };
      const balances = minerBalances(this.#book.balances());
      const found = await readAdoptable(outsider, this.#modules.wallet, {
        ...{ rules: this.#rules, watched: this.store.watched(), balances },
      });
      if (!found.ok) return { error: found.reason };
      const number = this.#advance.adopt(found.value, this.#rules.method, this.#modules.newId());
      await this.#advance.run(number);
      return { batch: this.store.get(number) };
    });
  }

  /** Lets an account that was set aside be paid again. */
  retry(account: string): boolean {
    let wasAside = false;
    this.#record(() => {
      wasAside = this.store.takeBack(account);
    });
    return wasAside;
  }

  /** True while a payout is on its way into a block: the next one waits for it. */
  get isBusy(): boolean {
    return this.store.watched().some(({ state }) => busy.has(state));
  }

  /** Keeps a fact over restarts, or forgets it. */
  remember(name: FactName, value: string | undefined): void {
    this.#record(() => this.store.setFact(name, value));
  }

  /** Why payouts have stopped, as far as is known without asking; undefined if they have not. */
  get alarm(): string | undefined {
    return this.#modules.halted() ?? this.#outsiders.alarm;
  }

  async #run(): Promise<RunResult> {
    for (const { number } of this.store.watched()) await this.#advance.run(number);
    const plan = this.#plan(await this.#feeRate());
    const [items, ...others] = plan.batches;
    const result = (reason: string | undefined, batch?: Batch, batchesLeft = plan.batches.length): RunResult => ({
      ...{ batch, reason, batchesLeft, left: plan.left },
    });
    const forbidden = await this.#forbidden();
    if (!forbidden.ok || forbidden.value !== undefined) return result(reasonOf(forbidden));
    const open = this.store.watched().find(({ state }) => busy.has(state));
    if (open !== undefined)
      return result(`payout ${open.id} is ${open.state}: the next one waits until it is in a block`);
    if (items === undefined) return result(undefined);
    const status = await this.#modules.wallet.status();
    if (!status.ok) return result(status.reason);
    if (this.#rules.method === 'wallet' && status.value.locked) {
      return result(`the wallet ${status.value.name} is locked: unlock it with walletpassphrase`);
    }
    const made = await this.#next.make(items, plan.feeRate);
    if (!made.ok) return result(made.reason);
    if (made.value === undefined) return result('the books have changed meanwhile');
    await this.#advance.run(made.value.number);
    const batch = this.store.get(made.value.number);
    return result(batch.trouble, batch, others.length);
  }

  #plan(feeRate: bigint): Plan {
    const balances = minerBalances(this.#book.balances());
    return planPayouts({ rules: this.#rules, balances, aside: this.store.aside(), feeRate });
  }

  /** The node's estimate within the bounds; the floor if it has none. */
  async #feeRate(): Promise<bigint> {
    const answer = await this.#modules.wallet.feeRate(TARGET_BLOCKS);
    const { feeRateMin, feeRateMax } = this.#rules;
    const estimate = (answer.ok ? answer.value : undefined) ?? feeRateMin;
    if (estimate <= feeRateMin) return feeRateMin;
    if (estimate >= feeRateMax) return feeRateMax;
    return estimate;
  }

  async #forbidden(): Promise<WalletAnswer<string | undefined>> {
    const reason = this.#modules.halted();
    return reason === undefined ? this.#outsiders.look() : { ok: true, value: reason };
  }

  #record(change: () => void): void {
    this.#modules.database.transaction(change).immediate();
  }
}

function reasonOf(answer: WalletAnswer<string | undefined>): string {
  return answer.ok ? (answer.value ?? '') : answer.reason;
}
