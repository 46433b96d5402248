import { Block, type Transaction } from 'bitcoinjs-lib';
import { equalBytes, toHex } from '#base/bitcoin/bytes';
import { COINBASE_SCRIPT_BYTES_MAX, heightPush } from '#base/bitcoin/coinbase';
import { decodeHeader, HEADER_BYTES, type Header, headerHash } from '#base/bitcoin/header';
import { isMutated, merkleRoot } from '#base/bitcoin/merkle';
import { sha256d } from '#base/bitcoin/sha256d';
import { meetsTarget, targetOfBits, targetToBytes } from '#base/bitcoin/target';
import type { SimulatedTransaction } from './simulated-transaction.ts';

/** A block whose bytes could be read. */
export interface DecodedBlock {
  readonly header: Header;
  readonly headerBytes: Uint8Array;
  /** 32 bytes, internal order. */
  readonly hash: Uint8Array;
  readonly transactions: readonly Transaction[];
  /** Of the transactions, in order; 32 bytes each, internal order. */
  readonly txids: readonly Uint8Array[];
  readonly weight: number;
  readonly strippedBytes: number;
}

/** Requirements for the next block on the tip. */
export interface NextBlockRules {
  readonly height: number;
  readonly bits: number;
  /** Median time of the last 11 blocks, UNIX seconds. */
  readonly medianTime: number;
  readonly nowSeconds: number;
  readonly subsidySats: bigint;
  /** A transaction that is valid now; undefined for any other. */
  find(txid: Uint8Array): SimulatedTransaction | undefined;
}

export const WEIGHT_MAX = 4_000_000;
const FUTURE_SECONDS_MAX = 2 * 60 * 60;
const SATS_MAX = 21_000_000n * 100_000_000n;
const VERSION_MIN = 4;
const SEQUENCE_FINAL = 0xffff_ffff;
/** Below it a lock time is a height, from it on UNIX seconds. */
const LOCKTIME_THRESHOLD = 500_000_000;
const COMMITMENT_PREFIX = '6a24aa21a9ed';
const COMMITMENT_BYTES_MIN = 38;

/** Reads a block; undefined unless the bytes are exactly the canonical serialisation of one. */
export function decodeBlock(bytes: Uint8Array): DecodedBlock | undefined {
  const header = decodeHeader(bytes);
  // More bytes than weight can not be a block, and bitcoinjs-lib would take a header alone for one.
  if (header === undefined || bytes.length === HEADER_BYTES || bytes.length > WEIGHT_MAX) return undefined;
  try {
    const block = Block.fromBuffer(bytes);
    const transactions = block.transactions ?? [];
    if (!equalBytes(block.toBuffer(false), bytes)) return undefined;
    const headerBytes = bytes.slice(0, HEADER_BYTES);
    return {
      header,
      headerBytes,
      hash: headerHash(headerBytes),
      transactions,
      txids: transactions.map((transaction) => transaction.getHash()),
      weight: block.weight(),
      strippedBytes: block.byteLength(false, false),
    };
  } catch {
    return undefined;
  }
}

/**
 * What is wrong with a block whatever it builds on (Bitcoin Core's CheckBlock), as its reject reason; undefined if
 * nothing is. `bits` is the easiest target of the chain.
 */
export function checkContextFree(block: DecodedBlock, bits: number): string | undefined {
  const [coinbase, ...others] = block.transactions;
  const [limit, target] = [targetOfBits(bits), targetOfBits(block.header.bits)];
  if (limit === undefined || target === undefined || target > limit) return 'high-hash';
  if (!meetsTarget(block.hash, targetToBytes(target))) return 'high-hash';
  if (coinbase === undefined) return 'bad-blk-length';
  if (!equalBytes(merkleRoot(block.txids), block.header.merkleRoot)) return 'bad-txnmrklroot';
  if (isMutated(block.txids)) return 'bad-txns-duplicate';
  if (block.strippedBytes * 4 > WEIGHT_MAX) return 'bad-blk-length';
  if (!coinbase.isCoinbase() || coinbase.ins[0]?.index !== 0xffff_ffff) return 'bad-cb-missing';
  if (others.some((transaction) => transaction.isCoinbase())) return 'bad-cb-multiple';
  const scriptBytes = coinbase.ins[0].script.length;
  if (scriptBytes < 2 || scriptBytes > COINBASE_SCRIPT_BYTES_MAX) return 'bad-cb-length';
  if (coinbase.outs.length === 0) return 'bad-txns-vout-empty';
  if (coinbase.outs.some((output) => output.value < 0n)) return 'bad-txns-vout-negative';
  if (coinbase.outs.some((output) => output.value > SATS_MAX)) return 'bad-txns-vout-toolarge';
  return undefined;
}

/**
 * What is wrong with it as the next block on the tip (ContextualCheckBlockHeader, ContextualCheckBlock, ConnectBlock),
 * in Core's order; undefined if nothing is. To be called after `checkContextFree`.
 */
export function checkNextBlock(block: DecodedBlock, rules: NextBlockRules): string | undefined {
  return checkHeader(block, rules) ?? checkBody(block, rules) ?? checkSpending(block, rules);
}

function checkHeader({ header }: DecodedBlock, rules: NextBlockRules): string | undefined {
  if (header.bits !== rules.bits) return 'bad-diffbits';
  if (header.time <= rules.medianTime) return 'time-too-old';
  if (header.time > rules.nowSeconds + FUTURE_SECONDS_MAX) return 'time-too-new';
  // The version is a signed number to Core.
  if ((header.version | 0) < VERSION_MIN) return `bad-version(0x${header.version.toString(16).padStart(8, '0')})`;
  return undefined;
}

function checkBody(block: DecodedBlock, rules: NextBlockRules): string | undefined {
  const { transactions, weight } = block;
  const input = transactions[0]?.ins[0];
  if (transactions.some((transaction) => !isFinal(transaction, rules))) return 'bad-txns-nonfinal';
  const push = heightPush(rules.height);
  if (input === undefined || !equalBytes(input.script.subarray(0, push.length), push)) return 'bad-cb-height';
  const commitment = findCommitment(block);
  if (commitment === undefined) {
    if (transactions.some((transaction) => transaction.hasWitnesses())) return 'unexpected-witness';
  } else {
    const [reserved, ...more] = input.witness;
    if (reserved?.length !== 32 || more.length > 0) return 'bad-witness-nonce-size';
    const root = merkleRoot(transactions.map((transaction) => transaction.getHash(true)));
    if (!equalBytes(sha256d(root, reserved), commitment)) return 'bad-witness-merkle-match';
  }
  return weight > WEIGHT_MAX ? 'bad-blk-weight' : undefined;
}

/** Each transaction must be one that is valid now, after those that it spends from, and the coinbase takes no more than its due. */
function checkSpending(block: DecodedBlock, rules: NextBlockRules): string | undefined {
  const [coinbase, ...others] = block.transactions;
  const spent = new Set<string>();
  const confirmed = new Set<string>();
  let dueSats = rules.subsidySats;
  for (const [index, transaction] of others.entries()) {
    const txid = block.txids[index + 1] ?? new Uint8Array();
    const known = rules.find(txid);
    if (known === undefined) return 'bad-txns-inputs-missingorspent';
    for (const coin of known.spends) {
      const outpoint = `${toHex(coin.txid)}:${coin.index}`;
      const isUnconfirmed = rules.find(coin.txid) !== undefined && !confirmed.has(toHex(coin.txid));
      if (spent.has(outpoint) || isUnconfirmed) return 'bad-txns-inputs-missingorspent';
      spent.add(outpoint);
    }
    if (!equalBytes(known.wtxid, transaction.getHash(true))) return 'block-script-verify-flag-failed';
    confirmed.add(toHex(txid));
    dueSats += known.feeSats;
  }
  const takenSats = coinbase?.outs.reduce((sum, output) => sum + output.value, 0n) ?? 0n;
  return takenSats > dueSats ? 'bad-cb-amount' : undefined;
}

/** Core's IsFinalTx, with the median time as BIP113 wants it. */
function isFinal(transaction: Transaction, rules: NextBlockRules): boolean {
  const { locktime, ins } = transaction;
  if (locktime < (locktime < LOCKTIME_THRESHOLD ? rules.height : rules.medianTime)) return true;
  return ins.every((input) => input.sequence === SEQUENCE_FINAL);
}

/** The last output that looks like a commitment counts (BIP141). */
function findCommitment(block: DecodedBlock): Uint8Array | undefined {
  const output = block.transactions[0]?.outs.findLast(
    ({ script }) => script.length >= COMMITMENT_BYTES_MIN && toHex(script.subarray(0, 6)) === COMMITMENT_PREFIX,
  );
  return output?.script.subarray(6, COMMITMENT_BYTES_MIN);
}
