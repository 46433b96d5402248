import { verify } from '@bitcoinerlab/secp256k1';
import { crypto, Transaction } from 'bitcoinjs-lib';
import { equalBytes, toDisplayHash, toHex } from '#base/bitcoin/bytes';
import type { TransactionPlace } from '#base/domain/wallet';
import type { SimulatedKey } from './simulated-key.ts';
import type { SimulatedTransaction } from './simulated-transaction.ts';

/** Confirmations until a coinbase may be spent; 100 on every other chain. */
export const SIMULATED_MATURITY = 10;

/** An output that pays the wallet. */
export interface OwnCoin {
  readonly txid: string;
  readonly vout: number;
  readonly sats: bigint;
  readonly isCoinbase: boolean;
}

/** A transaction that spends the wallet's coins. */
interface OwnTransaction {
  readonly raw: string;
  readonly feeSats: bigint;
  readonly transaction: Transaction;
  /** Undefined while no block has it. */
  height: number | undefined;
  /** True if it waits for a block. */
  isWaiting: boolean;
}

/** The stored form: JSON. */
export interface StoredCoins {
  /** Coinbase outputs: txid, index, satoshis, height. */
  readonly coinbases: readonly (readonly [string, number, string, number])[];
  /** Transactions in the order in which they came: hex, height or null, whether they wait. */
  readonly transactions: readonly (readonly [string, number | null, boolean])[];
}

/** Blocks for which a spent coin is remembered. */
const KEPT_BLOCKS = 288;
/** BIP125 rule 4: what a replacement pays more for each virtual byte, satoshis. */
const INCREMENT_SATS = 1n;
const SIGHASH_ALL = 1;

const outpoint = (txid: string, vout: number): string => `${txid}:${vout}`;

/** The coins and transactions of the simulated node's wallet, as a node would keep and check them. */
export class SimulatedCoins {
  readonly #key: SimulatedKey;
  readonly #coinbases = new Map<string, OwnCoin & { readonly height: number }>();
  readonly #transactions = new Map<string, OwnTransaction>();
  #height = 0;

  /** Throws an Error that describes what is wrong with the stored coins. */
  constructor(key: SimulatedKey, height = 0, stored?: StoredCoins) {
    this.#key = key;
    this.#height = height;
    for (const [txid, vout, sats, at] of stored?.coinbases ?? []) {
      this.#coinbases.set(outpoint(txid, vout), { txid, vout, sats: BigInt(sats), isCoinbase: true, height: at });
    }
    for (const [raw, at, isWaiting] of stored?.transactions ?? []) {
      this.#keep(Transaction.fromHex(raw), at ?? undefined, isWaiting);
    }
  }

  store(): StoredCoins {
    return {
      coinbases: [...this.#coinbases.values()].map(({ txid, vout, sats, height }) => [txid, vout, `${sats}`, height]),
      transactions: [...this.#transactions.values()].map(({ raw, height, isWaiting }) => [
        raw,
        height ?? null,
        isWaiting,
      ]),
    };
  }

  get height(): number {
    return this.#height;
  }

  /** A copy to which a block is added before the chain has it on the disk. */
  clone(): SimulatedCoins {
    return new SimulatedCoins(this.#key, this.#height, this.store());
  }

  /** A block was added to the chain: its coinbase first. */
  connect(transactions: readonly Transaction[]): void {
    this.#height += 1;
    const [coinbase, ...others] = transactions;
    for (const [vout, { script, value }] of coinbase?.outs.entries() ?? []) {
      if (!equalBytes(script, this.#key.script) || coinbase === undefined) continue;
      const coin = { txid: coinbase.getId(), vout, sats: value, isCoinbase: true, height: this.#height };
      this.#coinbases.set(outpoint(coin.txid, vout), coin);
    }
    for (const transaction of others) {
      const own = this.#transactions.get(transaction.getId());
      if (own === undefined) continue;
      own.height = this.#height;
      own.isWaiting = false;
      // What else would spend the same coins waits no longer.
      for (const other of this.#conflictsOf(own.transaction)) this.#drop(other);
    }
    this.#forget();
  }

  /** Drops coins spent long ago, because the file with all coins is written for each block. */
  #forget(): void {
    const isOld = (height: number | undefined): boolean => height !== undefined && this.#height - height > KEPT_BLOCKS;
    const spent = this.#spent(({ height }) => isOld(height));
    for (const key of spent) this.#coinbases.delete(key);
    for (const [txid, { transaction, height }] of this.#transactions) {
      const isSpent = ({ script }: { script: Uint8Array }, vout: number): boolean =>
        !equalBytes(script, this.#key.script) || spent.has(outpoint(txid, vout));
      if (isOld(height) && transaction.outs.every(isSpent)) this.#transactions.delete(txid);
    }
  }

  /** Coins that no transaction in a block or in the mempool spends; 0 confirmations for change that waits. */
  unspent(): (OwnCoin & { readonly confirmations: number })[] {
    const spent = this.#spent(({ height, isWaiting }) => height !== undefined || isWaiting);
    const found: (OwnCoin & { readonly confirmations: number })[] = [];
    for (const coin of this.#coinbases.values()) {
      if (!spent.has(outpoint(coin.txid, coin.vout))) {
        found.push({ ...coin, confirmations: this.#height - coin.height + 1 });
      }
    }
    for (const [txid, { transaction, height, isWaiting }] of this.#transactions) {
      if (height === undefined && !isWaiting) continue;
      for (const [vout, { script, value }] of transaction.outs.entries()) {
        if (!equalBytes(script, this.#key.script) || spent.has(outpoint(txid, vout))) continue;
        const confirmations = height === undefined ? 0 : this.#height - height + 1;
        found.push({ txid, vout, sats: value, isCoinbase: false, confirmations });
      }
    }
    return found;
  }

  /** A coin of the wallet, spent or not. */
  coin(txid: string, vout: number): OwnCoin | undefined {
    const coinbase = this.#coinbases.get(outpoint(txid, vout));
    if (coinbase !== undefined) return coinbase;
    const output = this.#transactions.get(txid)?.transaction.outs[vout];
    if (output === undefined || !equalBytes(output.script, this.#key.script)) return undefined;
    return { txid, vout, sats: output.value, isCoinbase: false };
  }

  /** Why a transaction may not wait for a block now, in Bitcoin Core's words; undefined if it may. */
  faultOf(transaction: Transaction): string | undefined {
    const txid = transaction.getId();
    const known = this.#transactions.get(txid);
    if (known?.height !== undefined) return 'txn-already-known';
    if (known?.isWaiting === true) return undefined;
    const feeSats = this.#feeOf(transaction);
    if (feeSats === undefined) return 'bad-txns-inputs-missingorspent';
    if (feeSats < 0n) return 'bad-txns-in-belowout';
    const confirmed = this.#spent(({ height }) => height !== undefined);
    for (const [index, { hash, index: vout }] of transaction.ins.entries()) {
      const coin = this.coin(toDisplayHash(hash), vout);
      if (coin === undefined || confirmed.has(outpoint(coin.txid, vout))) return 'bad-txns-inputs-missingorspent';
      if (coin.isCoinbase && !this.#isMature(coin)) return 'bad-txns-premature-spend-of-coinbase';
      const parent = this.#transactions.get(coin.txid);
      if (parent !== undefined && parent.height === undefined && !parent.isWaiting) {
        return 'bad-txns-inputs-missingorspent';
      }
      if (!this.#isSigned(transaction, index, coin.sats)) return 'mandatory-script-verify-flag-failed';
    }
    const bytes = BigInt(transaction.virtualSize());
    if (feeSats < bytes) return 'min relay fee not met';
    const replaced = this.#conflictsOf(transaction);
    const paid = replaced.reduce((sum, other) => sum + (this.#transactions.get(other)?.feeSats ?? 0n), 0n);
    return replaced.length > 0 && feeSats < paid + bytes * INCREMENT_SATS
      ? 'insufficient fee, rejecting replacement'
      : undefined;
  }

  /** Lets a transaction wait that `faultOf` finds nothing wrong with; those that it replaces wait no longer. */
  enter(transaction: Transaction): void {
    for (const other of this.#conflictsOf(transaction)) this.#drop(other);
    this.#keep(transaction, undefined, true);
  }

  /** Those that wait, each after those that it spends from. */
  waiting(): SimulatedTransaction[] {
    return this.#list(({ isWaiting }) => isWaiting);
  }

  /** What a block may have: what waits, and what was replaced while that block was being mined. */
  minable(): SimulatedTransaction[] {
    const spent = this.#spent(({ height }) => height !== undefined);
    const isFree = ({ ins }: Transaction): boolean =>
      ins.every(({ hash, index }) => !spent.has(outpoint(toDisplayHash(hash), index)));
    return this.#list(({ height, transaction }) => height === undefined && isFree(transaction));
  }

  #list(wanted: (transaction: OwnTransaction) => boolean): SimulatedTransaction[] {
    const found = [...this.#transactions.values()].filter(wanted);
    return found.map(({ transaction, feeSats }) => ({
      data: transaction.toBuffer(),
      txid: Uint8Array.from(transaction.getHash()),
      wtxid: Uint8Array.from(transaction.getHash(true)),
      weight: transaction.weight(),
      feeSats,
      spends: transaction.ins.map(({ hash, index }) => ({ txid: hash, index, valueSats: 0n })),
      creates: [],
    }));
  }

  place(txid: string): TransactionPlace {
    const own = this.#transactions.get(txid);
    if (own === undefined) return { at: 'none' };
    if (own.height !== undefined) return { at: 'chain', confirmations: this.#height - own.height + 1 };
    if (own.isWaiting) return { at: 'mempool' };
    const spenders = [...this.#transactions.values()].filter(({ height }) => height !== undefined);
    for (const { transaction, height = 0 } of spenders) {
      if (shareInput(transaction, own.transaction)) {
        return { at: 'conflicted', confirmations: this.#height - height + 1 };
      }
    }
    return { at: 'known' };
  }

  raw(txid: string): string | undefined {
    return this.#transactions.get(txid)?.raw;
  }

  /** Every transaction that spends a coin of the wallet, and what leaves by it. */
  outgoing(): { readonly txid: string; readonly sats: bigint }[] {
    return [...this.#transactions].map(([txid, { transaction, feeSats }]) => ({
      txid,
      sats: transaction.outs
        .filter(({ script }) => !equalBytes(script, this.#key.script))
        .reduce((sum, { value }) => sum + value, feeSats),
    }));
  }

  #isMature({ txid, vout }: OwnCoin): boolean {
    const coinbase = this.#coinbases.get(outpoint(txid, vout));
    return coinbase === undefined || this.#height - coinbase.height + 1 >= SIMULATED_MATURITY;
  }

  #keep(transaction: Transaction, height: number | undefined, isWaiting: boolean): void {
    const feeSats = this.#feeOf(transaction) ?? 0n;
    this.#transactions.delete(transaction.getId());
    this.#transactions.set(transaction.getId(), { raw: transaction.toHex(), transaction, feeSats, height, isWaiting });
  }

  /** With those that spend from it. */
  #drop(txid: string): void {
    const own = this.#transactions.get(txid);
    if (own === undefined || own.height !== undefined) return;
    own.isWaiting = false;
    for (const [child, { transaction, isWaiting }] of this.#transactions) {
      if (isWaiting && transaction.ins.some(({ hash }) => toDisplayHash(hash) === txid)) this.#drop(child);
    }
  }

  /** Waiting transactions that spend a coin that this one spends. */
  #conflictsOf(transaction: Transaction): string[] {
    const txid = transaction.getId();
    return [...this.#transactions]
      .filter(([other, one]) => other !== txid && one.isWaiting && shareInput(one.transaction, transaction))
      .map(([other]) => other);
  }

  #spent(counts: (transaction: OwnTransaction) => boolean): ReadonlySet<string> {
    const spent = new Set<string>();
    for (const own of this.#transactions.values()) {
      if (!counts(own)) continue;
      for (const { hash, index } of own.transaction.ins) spent.add(outpoint(toDisplayHash(hash), index));
    }
    return spent;
  }

  #feeOf({ ins, outs }: Transaction): bigint | undefined {
    let feeSats = -outs.reduce((sum, { value }) => sum + value, 0n);
    for (const { hash, index } of ins) {
      const coin = this.coin(toDisplayHash(hash), index);
      if (coin === undefined) return undefined;
      feeSats += coin.sats;
    }
    return feeSats;
  }

  /** P2WPKH (BIP141, BIP143): the witness is a signature and the key whose hash is in the script. */
  #isSigned(transaction: Transaction, index: number, sats: bigint): boolean {
    const [signature, publicKey] = transaction.ins[index]?.witness ?? [];
    if (signature === undefined || publicKey === undefined || signature.at(-1) !== SIGHASH_ALL) return false;
    const keyHash = crypto.hash160(publicKey);
    if (toHex(this.#key.script) !== `0014${toHex(keyHash)}`) return false;
    const scriptCode = Uint8Array.from([0x76, 0xa9, 0x14, ...keyHash, 0x88, 0xac]);
    const hash = transaction.hashForWitnessV0(index, scriptCode, sats, SIGHASH_ALL);
    const compact = compactSignature(signature);
    return compact !== undefined && verify(hash, publicKey, compact);
  }
}

function shareInput(a: Transaction, b: Transaction): boolean {
  const spent = new Set(a.ins.map(({ hash, index }) => outpoint(toHex(hash), index)));
  return b.ins.some(({ hash, index }) => spent.has(outpoint(toHex(hash), index)));
}

/** DER (BIP66) and the sighash byte → r and s, 64 bytes. */
function compactSignature(der: Uint8Array): Uint8Array | undefined {
  const rBytes = der[3] ?? 0;
  const r = der.subarray(4, 4 + rBytes);
  const s = der.subarray(6 + rBytes, 6 + rBytes + (der[5 + rBytes] ?? 0));
  const fixed = [r, s].map((part) => Buffer.from(part).toString('hex').replace(/^0+/, '').padStart(64, '0'));
  const compact = Uint8Array.from(Buffer.from(fixed.join(''), 'hex'));
  return compact.length === 64 ? compact : undefined;
}
