import type { Network } from '#base/bitcoin/address';
import { fromDisplayHash, fromHex, toHex } from '#base/bitcoin/bytes';
import { bytesToTarget, targetOfBits } from '#base/bitcoin/target';
import type { BlockTemplate, TemplateTransaction } from '#base/domain/template';
import { readAnswer } from './rpc-answer.ts';

/** Transactions by their `hash` field, the wtxid as the node prints it. */
export type TransactionsByHash = ReadonlyMap<string, TemplateTransaction>;

/** A template as the node gives it: it does not know when it was asked. */
export type TemplateAnswer = Omit<BlockTemplate, 'askedMs'>;

export type DecodedTemplate =
  | { readonly ok: true; readonly template: TemplateAnswer; readonly transactions: TransactionsByHash }
  /** `fatal`: waiting does not mend it. */
  | { readonly ok: false; readonly reason: string; readonly fatal: boolean };

/** Consensus bound of a block's serialisation (Bitcoin Core, MAX_BLOCK_SERIALIZED_SIZE). */
const BLOCK_BYTES_MAX = 4_000_000;
/** A transaction has at least 60 bytes. */
const TRANSACTIONS_MAX = Math.floor(BLOCK_BYTES_MAX / 60);
const SATS_MAX = 21_000_000 * 100_000_000;
const U32_MAX = 0xffff_ffff;
/** BIP141: OP_RETURN, a push of 36 bytes, and the commitment's four header bytes. */
const COMMITMENT_PREFIX = '6a24aa21a9ed';
/** BIP9: a rule with a leading `!` must be understood by whoever builds the block. */
const KNOWN_RULES = new Set(['csv', 'segwit', 'taproot', 'signet', 'testdummy']);

/** A field that is not what BIP22/23/145 say; its message names it. */
class FieldError extends Error {}
/** A chain on which this pool can make no blocks at all. */
class ChainError extends FieldError {}

/** Reads the body of a node's answer to getblocktemplate, which came with HTTP 200. */
export function decodeTemplateBody(body: Uint8Array, network: Network, known?: TransactionsByHash): DecodedTemplate {
  const answer = readAnswer(
    'getblocktemplate',
    200,
    Buffer.from(body.buffer, body.byteOffset, body.length).toString('utf8'),
  );
  if (!answer.ok) return { ok: false, reason: answer.failure.message, fatal: false };
  return decodeTemplate(answer.result, network, known);
}

/**
 * Reads the answer to getblocktemplate. Every field that a job needs is checked; an error names the bad field. `known` has the
 * transactions of the template before. They are not decoded again, and jobs share their bytes, which saves a few megabytes per
 * template.
 */
export function decodeTemplate(
  answer: unknown,
  network: Network,
  known: TransactionsByHash = new Map(),
): DecodedTemplate {
  try {
    const transactions = new Map<string, TemplateTransaction>();
    return { ok: true, template: readTemplate(answer, network, { known, transactions }), transactions };
  } catch (error) {
    if (!(error instanceof FieldError)) throw error;
    return { ok: false, reason: `getblocktemplate: ${error.message}`, fatal: error instanceof ChainError };
  }
}

interface Transactions {
  readonly known: TransactionsByHash;
  readonly transactions: Map<string, TemplateTransaction>;
}

function readTemplate(answer: unknown, network: Network, cache: Transactions): TemplateAnswer {
  const fields = object(answer, 'the answer');
  checkRules(fields['rules']);
  if (network === 'signet') checkSignet(fields['signet_challenge']);
  const bits = readBits(fields['bits'], fields['target']);
  const minTime = integer(fields['mintime'], 'mintime', 1, U32_MAX);
  const curTime = integer(fields['curtime'], 'curtime', 1, U32_MAX);
  if (curTime < minTime) throw new FieldError('curtime is before mintime');
  return {
    height: integer(fields['height'], 'height', 1, 0x7fff_ffff),
    // Core prints the version as a signed number.
    version: integer(fields['version'], 'version', -0x8000_0000, U32_MAX) >>> 0,
    previousHash: hash(fields['previousblockhash'], 'previousblockhash'),
    bits,
    minTime,
    curTime,
    coinbaseValueSats: BigInt(integer(fields['coinbasevalue'], 'coinbasevalue', 0, SATS_MAX)),
    transactions: readTransactions(fields['transactions'], cache),
    witnessCommitment: readCommitment(fields['default_witness_commitment']),
  };
}

function checkRules(value: unknown): void {
  if (value === undefined) return;
  if (!Array.isArray(value)) throw new FieldError('rules is no list');
  for (const rule of value as unknown[]) {
    if (typeof rule !== 'string') throw new FieldError('rules holds something that is no name');
    if (rule.startsWith('!') && !KNOWN_RULES.has(rule.slice(1))) {
      throw new FieldError(`rules wants "${rule.slice(1, 41)}", which this pool does not know`);
    }
  }
}

/** BIP325: a block needs the signature that the challenge asks for, unless the challenge is OP_TRUE. */
function checkSignet(challenge: unknown): void {
  if (challenge !== undefined && challenge !== '51') {
    throw new ChainError('signet_challenge asks for signed blocks, which this pool can not make');
  }
}

function readBits(bits: unknown, target: unknown): number {
  if (typeof bits !== 'string' || !/^[0-9a-f]{8}$/i.test(bits)) throw new FieldError('bits is no 8 hex digits');
  const value = Number.parseInt(bits, 16);
  const ofBits = targetOfBits(value);
  if (ofBits === undefined) throw new FieldError(`bits ${bits} has no target`);
  if (target !== undefined && bytesToTarget(hash(target, 'target')) !== ofBits) {
    throw new FieldError('target is not the one of bits');
  }
  return value;
}

function readTransactions(value: unknown, { known, transactions }: Transactions): TemplateTransaction[] {
  if (!Array.isArray(value)) throw new FieldError('transactions is no list');
  if (value.length > TRANSACTIONS_MAX) throw new FieldError(`transactions has ${value.length} entries`);
  let bytes = 0;
  return (value as unknown[]).map((entry, index) => {
    const fields = object(entry, `transactions[${index}]`);
    const wtxid = typeof fields['hash'] === 'string' ? fields['hash'] : undefined;
    const transaction = (wtxid === undefined ? undefined : known.get(wtxid)) ?? readTransaction(fields, index);
    bytes += transaction.data.length;
    if (bytes > BLOCK_BYTES_MAX) throw new FieldError('transactions is larger than a block');
    if (wtxid !== undefined) transactions.set(wtxid, transaction);
    return transaction;
  });
}

function readTransaction(fields: Record<string, unknown>, index: number): TemplateTransaction {
  const text = fields['data'];
  const data = typeof text === 'string' ? fromHex(text) : undefined;
  if (data === undefined || data.length === 0) throw new FieldError(`transactions[${index}].data is no hex`);
  return { data, txid: hash(fields['txid'], `transactions[${index}].txid`) };
}

function readCommitment(value: unknown): Uint8Array | undefined {
  if (value === undefined) return undefined;
  const script = typeof value === 'string' ? fromHex(value) : undefined;
  if (
    script === undefined ||
    script.length < 38 ||
    script.length > 83 ||
    !toHex(script).startsWith(COMMITMENT_PREFIX)
  ) {
    throw new FieldError('default_witness_commitment is no commitment');
  }
  return script;
}

function object(value: unknown, name: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new FieldError(`${name} is no object`);
  return value as Record<string, unknown>;
}

function integer(value: unknown, name: string, min: number, max: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value)) throw new FieldError(`${name} is no integer`);
  if (value < min || value > max) throw new FieldError(`${name} is ${value}, not in ${min} … ${max}`);
  return value;
}

function hash(value: unknown, name: string): Uint8Array {
  const bytes = typeof value === 'string' ? fromDisplayHash(value) : undefined;
  if (bytes === undefined) throw new FieldError(`${name} is no 64 hex digits`);
  return bytes;
}
