import { Transaction } from 'bitcoinjs-lib';
import { compactSize, concatBytes } from '#base/bitcoin/bytes';
import { buildCoinbase } from '#base/bitcoin/coinbase';
import { encodeHeader, type Header, headerHash } from '#base/bitcoin/header';
import { merkleRoot } from '#base/bitcoin/merkle';
import { sha256d } from '#base/bitcoin/sha256d';
import { meetsTarget, targetOfBits, targetToBytes } from '#base/bitcoin/target';
import type { BlockTemplate } from '#base/domain/template';

/** What is done to an otherwise good block. */
export interface Fault {
  /** Changes the coinbase before the witness commitment is made. */
  readonly coinbase?: (coinbase: Transaction, template: BlockTemplate) => void;
  /** Changes it afterwards. */
  readonly committed?: (coinbase: Transaction) => void;
  /** The transactions after the coinbase; the template's by default. */
  readonly others?: (template: BlockTemplate) => Transaction[];
  readonly header?: (template: BlockTemplate) => Partial<Header>;
  /** Mines a hash that misses the target. */
  readonly misses?: boolean;
  /** Changes the finished bytes. */
  readonly bytes?: (block: Uint8Array) => Uint8Array;
}

const COMMITMENT = [0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed];

/**
 * Builds and mines a block on the template by bitcoinjs-lib's transactions, apart from the pool's own way of assembling
 * one, so that each rule of a node can be broken alone.
 */
export function buildBlock(template: BlockTemplate, fault: Fault = {}): Uint8Array {
  const coinbase = coinbaseOf(template);
  fault.coinbase?.(coinbase, template);
  const others = fault.others?.(template) ?? template.transactions.map(({ data }) => Transaction.fromBuffer(data));
  const commitment = coinbase.outs.at(-1);
  if (commitment !== undefined && template.witnessCommitment !== undefined) {
    const root = merkleRoot([new Uint8Array(32), ...others.map((other) => other.getHash(true))]);
    commitment.script = Uint8Array.from([...COMMITMENT, ...sha256d(root, new Uint8Array(32))]);
  }
  fault.committed?.(coinbase);
  const transactions = [coinbase, ...others];
  const header = mine(
    {
      version: template.version,
      previousHash: template.previousHash,
      merkleRoot: merkleRoot(transactions.map((transaction) => transaction.getHash())),
      time: template.curTime,
      bits: template.bits,
      nonce: 0,
      ...fault.header?.(template),
    },
    fault.misses !== true,
  );
  const parts = [
    header,
    compactSize(transactions.length),
    ...transactions.map((transaction) => transaction.toBuffer()),
  ];
  const block = concatBytes(parts);
  return fault.bytes?.(block) ?? block;
}

/** With its witness; two outputs, the payout and the commitment. */
export function coinbaseOf(template: BlockTemplate): Transaction {
  const { coinb1, coinb2 } = buildCoinbase({
    height: template.height,
    serial: 1,
    identity: new Uint8Array(),
    extranonceBytes: 12,
    tag: '/test/',
    outputs: [{ script: Uint8Array.from([0, 20, ...new Uint8Array(20)]), sats: template.coinbaseValueSats }],
    witnessCommitment: template.witnessCommitment,
  });
  const coinbase = Transaction.fromBuffer(concatBytes([coinb1, new Uint8Array(12), coinb2]));
  setWitness(coinbase, [new Uint8Array(32)]);
  return coinbase;
}

export function setWitness(transaction: Transaction, witness: Uint8Array[]): void {
  for (const input of transaction.ins) input.witness = witness;
}

/** A transaction of that size which spends nothing that exists. */
export function unknownTransaction(scriptBytes: number, witnessBytes: number): Transaction {
  const transaction = new Transaction();
  transaction.addInput(new Uint8Array(32).fill(9), 0);
  transaction.addOutput(Uint8Array.from([0x6a, ...new Uint8Array(scriptBytes)]), 0n);
  if (witnessBytes > 0) setWitness(transaction, [new Uint8Array(witnessBytes)]);
  return transaction;
}

function mine(header: Header, meets: boolean): Uint8Array {
  const target = targetToBytes(targetOfBits(header.bits) ?? 0n);
  for (let nonce = 0; ; nonce += 1) {
    const bytes = encodeHeader({ ...header, nonce });
    if (meetsTarget(headerHash(bytes), target) === meets) return bytes;
  }
}

/** Faults that every node refuses alike, by name, with the reason that Bitcoin Core gives. */
export const faults: Readonly<Record<string, readonly [Fault, string]>> = {
  'a hash above the target': [{ misses: true }, 'high-hash'],
  'an easier target than the chain allows': [{ header: () => ({ bits: 0x2100ffff }) }, 'high-hash'],
  'another target': [{ header: () => ({ bits: 0x207ffffe }) }, 'bad-diffbits'],
  'an unknown previous block': [{ header: () => ({ previousHash: new Uint8Array(32) }) }, 'prev-blk-not-found'],
  'a wrong merkle root': [{ header: () => ({ merkleRoot: new Uint8Array(32) }) }, 'bad-txnmrklroot'],
  'a time not after the median': [{ header: ({ minTime }) => ({ time: minTime - 1 }) }, 'time-too-old'],
  'a time far ahead': [{ header: ({ curTime }) => ({ time: curTime + 3 * 3600 }) }, 'time-too-new'],
  'an old version': [{ header: () => ({ version: 3 }) }, 'bad-version(0x00000003)'],
  'another height': [{ coinbase: setScript(Uint8Array.of(0x60, 0x60)) }, 'bad-cb-height'],
  'a coinbase script of one byte': [{ coinbase: setScript(Uint8Array.of(0x51)) }, 'bad-cb-length'],
  'a coinbase script of 101 bytes': [{ coinbase: setScript(new Uint8Array(101)) }, 'bad-cb-length'],
  'a second coinbase': [{ others: (template) => [coinbaseOf(template)] }, 'bad-cb-multiple'],
  'one satoshi too much': [
    { coinbase: (coinbase, { coinbaseValueSats }) => setValue(coinbase, coinbaseValueSats + 1n) },
    'bad-cb-amount',
  ],
  'more money than there is': [
    { coinbase: (coinbase) => setValue(coinbase, 2_100_000_000_000_001n) },
    'bad-txns-vout-toolarge',
  ],
  'a negative output': [{ coinbase: (coinbase) => setValue(coinbase, -1n) }, 'bad-txns-vout-negative'],
  'a lock time ahead': [
    {
      coinbase: (coinbase) => {
        coinbase.locktime = 499_999_999;
        for (const input of coinbase.ins) input.sequence = 0;
      },
    },
    'bad-txns-nonfinal',
  ],
  'a reserved value of 31 bytes': [
    { committed: (coinbase) => setWitness(coinbase, [new Uint8Array(31)]) },
    'bad-witness-nonce-size',
  ],
  'two reserved values': [
    { committed: (coinbase) => setWitness(coinbase, [new Uint8Array(32), new Uint8Array(32)]) },
    'bad-witness-nonce-size',
  ],
  'another reserved value': [
    { committed: (coinbase) => setWitness(coinbase, [new Uint8Array(32).fill(1)]) },
    'bad-witness-merkle-match',
  ],
  'a witness without a commitment': [{ committed: (coinbase) => void coinbase.outs.pop() }, 'unexpected-witness'],
  'a transaction from nowhere': [{ others: () => [unknownTransaction(10, 0)] }, 'bad-txns-inputs-missingorspent'],
  'more than a megabyte without witnesses': [{ others: () => [unknownTransaction(1_000_000, 0)] }, 'bad-blk-length'],
  'too much weight': [{ others: () => [unknownTransaction(900_000, 500_000)] }, 'bad-blk-weight'],
};

function setScript(script: Uint8Array): (coinbase: Transaction) => void {
  return (coinbase) => {
    for (const input of coinbase.ins) input.script = script;
  };
}

function setValue(coinbase: Transaction, valueSats: bigint): void {
  const [payout] = coinbase.outs;
  if (payout) payout.value = valueSats;
}
