import { networks, Psbt, Transaction } from 'bitcoinjs-lib';
import { parseAddress } from '#base/bitcoin/address';
import { fromHex } from '#base/bitcoin/bytes';
import type {
  FundedTransaction,
  FundRequest,
  MempoolVerdict,
  OutgoingTransactions,
  Outpoint,
  TransactionPlace,
  Wallet,
  WalletAnswer,
  WalletCoin,
  WalletFault,
  WalletStatus,
} from '#base/domain/wallet';
import { type OwnCoin, SIMULATED_MATURITY, type SimulatedCoins } from './simulated-coins.ts';
import type { SimulatedKey } from './simulated-key.ts';

export interface SimulatedWalletModules {
  readonly key: SimulatedKey;
  /** As they are now. */
  readonly coins: () => SimulatedCoins;
  /** Stores the coins after a transaction came, and lets the next template have it. Throws if they can not be stored. */
  readonly changed: () => void;
}

const SEQUENCE_REPLACEABLE = 0xffff_fffd;
/** Satoshis for 1,000 virtual bytes. */
const FEE_RATE = 2000n;
/** A P2WPKH output of less is not relayed. */
const DUST_SATS = 294n;
/** Virtual bytes of a transaction with P2WPKH alone: frame, input and output, rounded up. */
const FRAME_BYTES = 11n;
const INPUT_BYTES = 68n;
const CHANGE_BYTES = 31n;

/** The embedded node's wallet: one P2WPKH key, and coins of a chain that is simulated. It answers as bitcoind's would. */
export class SimulatedWallet implements Wallet {
  readonly #modules: SimulatedWalletModules;
  readonly #locked = new Set<string>();

  constructor(modules: SimulatedWalletModules) {
    this.#modules = modules;
  }

  get address(): string {
    return this.#modules.key.address;
  }

  async status(): Promise<WalletAnswer<WalletStatus>> {
    let [spendableSats, immatureSats] = [0n, 0n];
    for (const coin of this.#coins.unspent()) {
      if (isMature(coin)) spendableSats += coin.sats;
      else immatureSats += coin.sats;
    }
    return done({ name: "the embedded node's wallet", spendableSats, immatureSats, signs: true, locked: false });
  }

  async coins(): Promise<WalletAnswer<readonly WalletCoin[]>> {
    return done(
      this.#spendable().map(({ txid, vout, sats, confirmations }) => {
        const locked = this.#locked.has(`${txid}:${vout}`);
        return { txid, vout, sats, confirmations, locked };
      }),
    );
  }

  async feeRate(): Promise<WalletAnswer<bigint | undefined>> {
    return done(FEE_RATE);
  }

  async fund(request: FundRequest): Promise<WalletAnswer<FundedTransaction>> {
    const { payees, inputs, addInputs, feeRate, feeFromPayee = false } = request;
    const outputs: { script: Uint8Array; value: bigint }[] = [];
    for (const { address, sats } of payees) {
      const read = parseAddress(address, 'regtest');
      if (!read.ok) return fault('refused', `Invalid Bitcoin address: ${address}`);
      if (sats < DUST_SATS) return fault('refused', 'Transaction amount too small');
      outputs.push({ script: read.script, value: sats });
    }
    const chosen: OwnCoin[] = [];
    for (const { txid, vout } of inputs) {
      const coin = this.#coins.coin(txid, vout);
      if (coin === undefined) return fault('refused', `not a coin of this wallet: ${txid}:${vout}`);
      chosen.push(coin);
    }
    const outputBytes = outputs.reduce((sum, { script }) => sum + 9n + BigInt(script.length), FRAME_BYTES);
    const feeOf = (bytes: bigint): bigint => (bytes * feeRate + 999n) / 1000n;
    const fee = (): bigint => feeOf(outputBytes + INPUT_BYTES * BigInt(chosen.length));
    const short = (): bigint =>
      sumOf(outputs) + (feeFromPayee ? 0n : fee()) - chosen.reduce((sum, { sats }) => sum + sats, 0n);
    const spare = addInputs ? this.#spare(chosen) : [];
    while (short() > 0n) {
      const next = spare.pop();
      if (next === undefined) return fault('poor', 'Insufficient funds');
      chosen.push(next);
    }
    const [payee] = outputs;
    if (feeFromPayee && payee !== undefined) payee.value -= fee();
    if (payee !== undefined && payee.value < DUST_SATS)
      return fault('refused', 'The transaction amount is too small to pay the fee');
    const changeSats = -short() - (feeFromPayee ? fee() : 0n) - feeOf(CHANGE_BYTES);
    const changeIndex = changeSats >= DUST_SATS ? outputs.length : undefined;
    if (changeIndex !== undefined) outputs.push({ script: this.#modules.key.script, value: changeSats });
    const psbt = this.#psbt(chosen, outputs);
    return done({ psbt, feeSats: chosen.reduce((sum, { sats }) => sum + sats, 0n) - sumOf(outputs), changeIndex });
  }

  async lock(coins: readonly Outpoint[], on: boolean): Promise<WalletAnswer<void>> {
    for (const { txid, vout } of coins) {
      if (on) this.#locked.add(`${txid}:${vout}`);
      else this.#locked.delete(`${txid}:${vout}`);
    }
    return done(undefined);
  }

  async sign(base64: string): Promise<WalletAnswer<{ psbt: string; raw: string | undefined }>> {
    const { key } = this.#modules;
    try {
      const psbt = Psbt.fromBase64(base64, { network: networks.regtest });
      psbt.signAllInputs({ publicKey: key.publicKey, sign: (hash) => key.sign(hash) });
      const signed = psbt.toBase64();
      return done({ psbt: signed, raw: psbt.finalizeAllInputs().extractTransaction(true).toHex() });
    } catch (error) {
      return fault('refused', String(error));
    }
  }

  async test(raw: string): Promise<WalletAnswer<MempoolVerdict>> {
    const transaction = readRaw(raw);
    if (transaction === undefined) return fault('refused', 'TX decode failed');
    const reason = this.#coins.faultOf(transaction);
    return done(reason === undefined ? { allowed: true } : { allowed: false, reason });
  }

  async send(raw: string): Promise<WalletAnswer<void>> {
    const transaction = readRaw(raw);
    if (transaction === undefined) return fault('refused', 'TX decode failed');
    const reason = this.#coins.faultOf(transaction);
    if (reason === 'txn-already-known') return done(undefined);
    if (reason !== undefined) return fault('refused', reason);
    this.#coins.enter(transaction);
    try {
      this.#modules.changed();
    } catch (error) {
      return fault('unclear', String(error));
    }
    return done(undefined);
  }

  async place(txid: string): Promise<WalletAnswer<TransactionPlace>> {
    return done(this.#coins.place(txid));
  }

  async synced(): Promise<WalletAnswer<boolean>> {
    return done(true);
  }

  async outgoing(): Promise<WalletAnswer<OutgoingTransactions>> {
    return done({ transactions: this.#coins.outgoing(), cursor: String(this.#coins.height) });
  }

  async transaction(txid: string): Promise<WalletAnswer<string | undefined>> {
    return done(this.#coins.raw(txid));
  }

  async newAddress(): Promise<WalletAnswer<string>> {
    return done(this.address);
  }

  get #coins(): SimulatedCoins {
    return this.#modules.coins();
  }

  #spendable() {
    return this.#coins.unspent().filter((coin) => coin.confirmations > 0 && isMature(coin));
  }

  /** Coins that may be added, the largest last. */
  #spare(chosen: readonly OwnCoin[]): OwnCoin[] {
    const taken = new Set(chosen.map(({ txid, vout }) => `${txid}:${vout}`));
    return this.#spendable()
      .filter(({ txid, vout }) => !taken.has(`${txid}:${vout}`) && !this.#locked.has(`${txid}:${vout}`))
      .sort((a, b) => (a.sats < b.sats ? -1 : a.sats > b.sats ? 1 : 0));
  }

  #psbt(inputs: readonly OwnCoin[], outputs: readonly { script: Uint8Array; value: bigint }[]): string {
    const psbt = new Psbt({ network: networks.regtest });
    psbt.setVersion(2);
    for (const { txid, vout, sats } of inputs) {
      psbt.addInput({
        ...{ hash: txid, index: vout, sequence: SEQUENCE_REPLACEABLE },
        witnessUtxo: { script: this.#modules.key.script, value: sats },
      });
    }
    for (const output of outputs) psbt.addOutput(output);
    return psbt.toBase64();
  }
}

function isMature({ isCoinbase, confirmations }: { isCoinbase: boolean; confirmations: number }): boolean {
  return !isCoinbase || confirmations >= SIMULATED_MATURITY;
}

function sumOf(outputs: readonly { value: bigint }[]): bigint {
  return outputs.reduce((sum, { value }) => sum + value, 0n);
}

function readRaw(raw: string): Transaction | undefined {
  const bytes = fromHex(raw);
  try {
    return bytes === undefined ? undefined : Transaction.fromBuffer(bytes);
  } catch {
    return undefined;
  }
}

function done<T>(value: T): WalletAnswer<T> {
  return { ok: true, value };
}

function fault<T>(kind: WalletFault, reason: string): WalletAnswer<T> {
  return { ok: false, fault: kind, reason };
}
