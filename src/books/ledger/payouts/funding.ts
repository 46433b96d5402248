import { type Network, parseAddress } from '#base/bitcoin/address';
import {
  readPsbt,
  readTransaction,
  SEQUENCE_FINAL_MIN,
  type SignedShape,
  sameShape,
  type TransactionShape,
} from '#base/bitcoin/transaction';
import type { Outpoint, Payee, Wallet, WalletAnswer, WalletFault } from '#base/domain/wallet';
import { limits } from '#base/limits';
import { type Item, type NewVariant, outpointText, type VariantKind } from './batch.ts';

/** What a batch's transaction pays, each address once: several accounts may share one. */
export function payeesOf(items: readonly Pick<Item, 'address' | 'sats' | 'feeSats'>[]): Payee[] {
  const sums = new Map<string, bigint>();
  for (const { address, sats, feeSats } of items) sums.set(address, (sums.get(address) ?? 0n) + sats - feeSats);
  return [...sums].map(([address, sats]) => ({ address, sats }));
}

export interface MakeRequest {
  readonly kind: VariantKind;
  readonly payees: readonly Payee[];
  /** Coins that must be spent. */
  readonly inputs: readonly Outpoint[];
  readonly addInputs: boolean;
  readonly feeRate: bigint;
  /** The first payee gets what is left after the fee; its sats are the most that it gets. */
  readonly feeFromPayee?: boolean;
}

/** Bytes of an input's signatures that an unsigned transaction lacks; P2PKH has the most of what wallets have, 107. */
const SIGNATURE_BYTES_MAX = 110;

/** Lets the wallet make transactions, and believes none of its answers: what it made must be what it was asked for. */
export class Funding {
  readonly #wallet: Wallet;
  readonly #network: Network;
  readonly #feeRateMax: bigint;

  constructor({ network, feeRateMax }: { network: Network; feeRateMax: bigint }, wallet: Wallet) {
    this.#wallet = wallet;
    this.#network = network;
    this.#feeRateMax = feeRateMax;
  }

  /** A transaction that waits for its signatures; nothing is recorded, locked or sent. */
  async make(request: MakeRequest): Promise<WalletAnswer<NewVariant>> {
    const funded = await this.#wallet.fund(request);
    if (!funded.ok) return funded;
    const { psbt, feeSats, changeIndex } = funded.value;
    const shape = readPsbt(psbt);
    if (shape === undefined) return wrong('it is no PSBT');
    const fault = this.#faultOf(shape, request, changeIndex);
    if (fault !== undefined) return wrong(fault);
    const { inputs, outputs, inputSats } = shape;
    if (inputSats === undefined) return wrong('it does not say what its inputs are worth');
    const fee = sum(inputSats) - sum(outputs.map(({ sats }) => sats));
    if (fee !== feeSats) return wrong(`its fee is ${fee} sats, and the wallet says ${feeSats}`);
    const bytes = unsignedBytes(shape) + inputs.length * SIGNATURE_BYTES_MAX;
    // A withdrawal is asked for at a rate that beats the fee of a much larger transaction.
    const beats = request.kind === 'withdraw' && request.feeRate > this.#feeRateMax;
    const feeMax = ((beats ? request.feeRate : this.#feeRateMax) * BigInt(bytes)) / 1000n + 1n;
    if (request.kind !== 'child' && fee > feeMax) return wrong(`its fee is ${fee} sats, more than ${feeMax}`);
    return {
      ok: true,
      value: {
        ...{ kind: request.kind, txid: shape.txid, psbt, raw: undefined, feeSats, feeRate: request.feeRate },
        changeIndex,
        changeSats: changeIndex === undefined ? undefined : outputs[changeIndex]?.sats,
        inputs: inputs.map(({ txid, vout }) => ({ txid, vout })),
      },
    };
  }

  /** The signed transaction, if it pays what the PSBT pays and the node would take it. Nothing is recorded or sent. */
  async sign(psbt: string): Promise<WalletAnswer<SignedShape & { readonly raw: string }>> {
    const signed = await this.#wallet.sign(psbt);
    if (!signed.ok) return signed;
    const { raw } = signed.value;
    if (raw === undefined)
      return refused('locked', 'the wallet has no key for some inputs: use payout.method = "psbt"');
    return this.judge(psbt, raw);
  }

  /** Whether a signed transaction is that of the PSBT, and whether the node would take it. */
  async judge(psbt: string, raw: string): Promise<WalletAnswer<SignedShape & { readonly raw: string }>> {
    const [expected, shape] = [readPsbt(psbt), readTransaction(raw)];
    if (expected === undefined || shape === undefined) return refused('refused', 'no transaction can be read');
    if (!sameShape(expected, shape)) {
      return refused('refused', 'the signed transaction does not spend or pay what it should');
    }
    if (shape.weight > limits.payoutWeightMax) {
      return refused('refused', `tx-size: ${shape.weight} weight units, more than ${limits.payoutWeightMax}`);
    }
    const verdict = await this.#wallet.test(raw);
    if (!verdict.ok) return verdict;
    if (!verdict.value.allowed) return refused('refused', verdict.value.reason);
    return { ok: true, value: { ...shape, raw } };
  }

  #faultOf(shape: TransactionShape, request: MakeRequest, changeIndex: number | undefined): string | undefined {
    const { payees, inputs, addInputs, feeFromPayee = false } = request;
    const spent = new Set(shape.inputs.map(outpointText));
    if (spent.size !== shape.inputs.length) return 'it spends a coin twice';
    if (!inputs.every((input) => spent.has(outpointText(input)))) return 'it does not spend the coins that it must';
    if (!addInputs && spent.size !== inputs.length) return 'it spends other coins';
    // Each input: a final one makes a transaction of several inputs replaceable all the same, but no reason for it is known.
    if (shape.inputs.some(({ sequence }) => sequence >= SEQUENCE_FINAL_MIN)) return 'it can not be replaced';
    const open = new Map(payees.map((payee) => [this.#scriptOf(payee.address), payee]));
    for (const [index, { script, sats }] of shape.outputs.entries()) {
      if (index === changeIndex) continue;
      const key = Buffer.from(script).toString('hex');
      const payee = open.get(key);
      if (payee === undefined) return `output ${index} pays somebody else`;
      const isRight = feeFromPayee ? sats <= payee.sats : sats === payee.sats;
      if (!isRight) return `output ${index} pays ${sats} sats instead of ${payee.sats}`;
      open.delete(key);
    }
    return open.size > 0 ? `${open.size} outputs are missing` : undefined;
  }

  #scriptOf(address: string): string {
    const read = parseAddress(address, this.#network);
    return read.ok ? Buffer.from(read.script).toString('hex') : '';
  }
}

function unsignedBytes({ inputs, outputs }: TransactionShape): number {
  return 12 + inputs.length * 41 + outputs.reduce((bytes, { script }) => bytes + 9 + script.length, 0);
}

function sum(values: readonly bigint[]): bigint {
  return values.reduce((total, value) => total + value, 0n);
}

function refused<T>(fault: WalletFault, reason: string): WalletAnswer<T> {
  return { ok: false, fault, reason };
}

/** A wallet that does not do what it is asked may not pay. */
function wrong<T>(what: string): WalletAnswer<T> {
  return refused('unclear', `the wallet made a transaction that was not asked for: ${what}`);
}
