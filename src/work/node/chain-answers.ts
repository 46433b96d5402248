import { Transaction } from 'bitcoinjs-lib';
import { equalBytes, fromDisplayHash, fromHex, toDisplayHash } from '#base/bitcoin/bytes';
import { decodeHeader, HEADER_BYTES, headerHash } from '#base/bitcoin/header';
import { merkleRoot } from '#base/bitcoin/merkle';
import type { BlockPlace } from '#base/domain/chain';
import type { RpcAnswer } from './rpc.ts';
import { readStanding } from './standings.ts';

/** What getblockchaininfo says of a node's chain. */
export interface ChainInfo {
  readonly height: number;
  /** Of the best block, display order. */
  readonly hash: string;
  /** Of the best chain, 64 hex digits, so that two of them compare as text. */
  readonly chainwork: string;
  /** False while the node downloads blocks, or knows headers beyond its best block. */
  readonly synced: boolean;
}

const HEIGHT_MAX = 0x7fff_ffff;
const HASH = /^[0-9a-f]{64}$/;

/** Undefined for an answer that can not be right, and for one of a chain with another name. */
export function readChainInfo(answer: RpcAnswer, chain: string): ChainInfo | undefined {
  const fields = fieldsOf(answer);
  const { blocks: height, headers, bestblockhash: hash, chainwork, initialblockdownload } = fields;
  if (fields['chain'] !== chain || !isHeight(height) || !isHeight(headers)) return undefined;
  if (!isHash(hash) || !isHash(chainwork) || typeof initialblockdownload !== 'boolean') return undefined;
  return { height, hash, chainwork, synced: !initialblockdownload && headers <= height };
}

/** What getblockheader says of a block's place in the node's chain; undefined if it says nothing. */
export function readPlace(answer: RpcAnswer, hash: string): BlockPlace | undefined {
  const standing = readStanding(answer, hash);
  if (standing.at === 'unknown') return undefined;
  if (standing.at !== 'chain') return { at: standing.at };
  const { height } = fieldsOf(answer);
  return isHeight(height) ? { at: 'chain', height, confirmations: standing.confirmations } : undefined;
}

export function readHash(answer: RpcAnswer): string | undefined {
  return answer.ok && isHash(answer.result) ? answer.result : undefined;
}

/**
 * The ids of a block's transactions, in order, if they are the block's: `header` (hex of 80 bytes) has the hash, and its merkle
 * root is that of the ids in getblock's answer.
 */
export function readTxids(header: RpcAnswer, block: RpcAnswer, hash: string): readonly string[] | undefined {
  const bytes = header.ok && typeof header.result === 'string' ? fromHex(header.result, HEADER_BYTES) : undefined;
  const decoded = bytes && decodeHeader(bytes);
  if (bytes === undefined || decoded === undefined || toDisplayHash(headerHash(bytes)) !== hash) return undefined;
  const { tx } = fieldsOf(block);
  if (!Array.isArray(tx) || tx.length === 0 || !tx.every(isHash)) return undefined;
  const leaves = tx.map((txid) => fromDisplayHash(txid) ?? new Uint8Array(32));
  return equalBytes(merkleRoot(leaves), decoded.merkleRoot) ? tx : undefined;
}

/** The coinbase in getrawtransaction's answer; undefined if it is none, or has another id. */
export function readCoinbase(answer: RpcAnswer, txid: string): Uint8Array | undefined {
  const bytes = answer.ok && typeof answer.result === 'string' ? fromHex(answer.result) : undefined;
  if (bytes === undefined) return undefined;
  try {
    const transaction = Transaction.fromBuffer(bytes);
    return transaction.isCoinbase() && transaction.getId() === txid ? bytes : undefined;
  } catch {
    return undefined;
  }
}

function fieldsOf(answer: RpcAnswer): Readonly<Record<string, unknown>> {
  const result = answer.ok ? answer.result : undefined;
  return typeof result === 'object' && result !== null ? (result as Readonly<Record<string, unknown>>) : {};
}

function isHeight(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= HEIGHT_MAX;
}

function isHash(value: unknown): value is string {
  return typeof value === 'string' && HASH.test(value);
}
