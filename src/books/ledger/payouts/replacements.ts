import type { Clock, Logger } from '#base/domain/ports';
import type { Wallet, WalletAnswer } from '#base/domain/wallet';
import { limits } from '#base/limits';
import type { LedgerDatabase } from '../ledger-db.ts';
import { type Batch, type NewVariant, outputsOf, type Variant } from './batch.ts';
import { type Funding, payeesOf } from './funding.ts';
import type { PayoutRules } from './rules.ts';
import type { PayoutStore } from './store.ts';

export interface ReplacementModules {
  readonly database: LedgerDatabase;
  readonly store: PayoutStore;
  readonly wallet: Wallet;
  readonly funding: Funding;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly logger: Logger;
}

/** Blocks within which a stuck payout should be confirmed. */
const URGENT_BLOCKS = 3;
/** Weight of a transaction with one P2WPKH input and one output, in virtual bytes. */
const CHILD_BYTES = 120n;

/**
 * Gives a payout that waits too long a higher fee: by a replacement that spends the same coins (BIP125), or, if none can be
 * made, by a child that spends its change (CPFP).
 */
export class Replacements {
  readonly #rules: PayoutRules;
  readonly #modules: ReplacementModules;

  constructor(rules: PayoutRules, modules: ReplacementModules) {
    this.#rules = rules;
    this.#modules = modules;
  }

  /** Does what is due for a batch in the mempool; returns what is wrong, undefined if nothing is. */
  async hurry(batch: Batch): Promise<string | undefined> {
    const { clock, wallet } = this.#modules;
    const newest = batch.variants.at(-1);
    // Of a clock that was ahead, too: what it dated would wait for that date.
    if (newest === undefined || Math.abs(clock.nowMs() - newest.madeMs) < limits.payoutStuckMs) return undefined;
    if (batch.variants.length >= limits.payoutVariantsMax) return 'stuck, and replaced often enough';
    const estimate = await wallet.feeRate(URGENT_BLOCKS);
    if (!estimate.ok) return estimate.reason;
    const payer = batch.variants.findLast(({ kind }) => kind !== 'child') ?? newest;
    const feeRate = this.#higher(newest.feeRate, estimate.value);
    if (feeRate === undefined) return `stuck at the highest fee rate that payout.fee-rate-max allows`;
    const replaced = newest.kind === 'child' ? undefined : await this.#replace(batch, payer, feeRate);
    if (replaced === undefined || replaced.ok) return undefined;
    if (batch.method === 'psbt' || !['poor', 'refused'].includes(replaced.fault)) return replaced.reason;
    const child = await this.#child(batch, payer, feeRate);
    return child.ok ? undefined : `${replaced.reason}; ${child.reason}`;
  }

  /** The next rate: the estimate, and at least a quarter and one sat/vB more, as nodes want of a replacement. */
  #higher(rate: bigint, estimate: bigint | undefined): bigint | undefined {
    const least = (rate * 5n) / 4n + 1000n;
    const wanted = estimate !== undefined && estimate > least ? estimate : least;
    const bounded = wanted < this.#rules.feeRateMax ? wanted : this.#rules.feeRateMax;
    return bounded >= least ? bounded : undefined;
  }

  async #replace(batch: Batch, payer: Variant, feeRate: bigint): Promise<WalletAnswer<void>> {
    if (payer.kind === 'withdraw') return this.withdraw(batch, payer, feeRate);
    const payees = payeesOf(batch.items);
    const { inputs } = payer;
    const made = await this.#modules.funding.make({ kind: 'replace', payees, inputs, addInputs: true, feeRate });
    return made.ok ? this.#use(batch, made.value) : made;
  }

  /** Spends a batch's coins back to the wallet, so that the batch can never be mined once that is buried. */
  async withdraw(batch: Batch, payer: Variant, feeRate: bigint): Promise<WalletAnswer<void>> {
    const { funding, wallet } = this.#modules;
    const address = await wallet.newAddress();
    if (!address.ok) return address;
    const first = batch.variants.find(({ kind }) => kind === 'pay') ?? payer;
    const sats = outputsOf(batch.items) + first.feeSats + (first.changeSats ?? 0n);
    const made = await funding.make({
      ...{ kind: 'withdraw', inputs: first.inputs, addInputs: false, feeFromPayee: true },
      feeRate: this.#beating(batch, first, feeRate),
      payees: [{ address: address.value, sats }],
    });
    return made.ok ? this.#use(batch, made.value) : made;
  }

  /** A withdrawal is smaller than what it replaces, and must pay more all the same (BIP125, rules 3 and 4). */
  #beating(batch: Batch, { inputs }: Variant, feeRate: bigint): bigint {
    const bytes = 42n + 68n * BigInt(inputs.length);
    let highest = 0n;
    for (const { feeSats } of batch.variants) if (feeSats > highest) highest = feeSats;
    const least = ((highest + 2n * bytes) * 1000n) / bytes;
    return feeRate > least ? feeRate : least;
  }

  /** A rate that nodes take for a replacement of this batch's newest transaction; undefined if no higher one is allowed. */
  rateAbove(batch: Batch, estimate: bigint | undefined): bigint | undefined {
    return this.#higher(batch.variants.at(-1)?.feeRate ?? 0n, estimate);
  }

  async #child(batch: Batch, payer: Variant, feeRate: bigint): Promise<WalletAnswer<void>> {
    const { funding, wallet } = this.#modules;
    const { changeIndex, changeSats, txid, feeSats, feeRate: parentRate } = payer;
    if (changeIndex === undefined || changeSats === undefined) {
      return { ok: false, fault: 'refused', reason: 'its transaction has no change that a child could spend' };
    }
    const address = await wallet.newAddress();
    if (!address.ok) return address;
    // The child pays for what the parent lacks: miners look at both together.
    const parentBytes = parentRate > 0n ? (feeSats * 1000n) / parentRate : 0n;
    const rate = feeRate + ((feeRate - parentRate) * parentBytes) / CHILD_BYTES;
    const made = await funding.make({
      kind: 'child',
      payees: [{ address: address.value, sats: changeSats }],
      inputs: [{ txid, vout: changeIndex }],
      addInputs: false,
      feeRate: rate,
      feeFromPayee: true,
    });
    if (!made.ok) return made;
    return this.#use(batch, { ...made.value, feeRate });
  }

  /** Signs, records, and then sends. A wallet that can not sign leaves the variant to be exported. */
  async #use(batch: Batch, variant: NewVariant): Promise<WalletAnswer<void>> {
    const { database, store, funding, wallet, clock, logger } = this.#modules;
    const add = (raw: string | undefined, txid: string): void => {
      database.transaction(() => store.addVariant(batch.number, { ...variant, raw, txid }, clock.nowMs())).immediate();
    };
    if (batch.method === 'psbt') {
      add(undefined, variant.txid);
      return { ok: true, value: undefined };
    }
    const signed = await funding.sign(variant.psbt);
    if (!signed.ok) return signed;
    add(signed.value.raw, signed.value.txid);
    logger.info(
      { payout: batch.id, txid: signed.value.txid, kind: variant.kind },
      'a payout that was stuck has a higher fee',
    );
    // Whatever the node answers: the batch is looked at again, and what is not in the mempool is sent again.
    await wallet.send(signed.value.raw);
    return { ok: true, value: undefined };
  }
}
