import { script, Transaction } from 'bitcoinjs-lib';
import { concatBytes } from './bytes.ts';

export interface CoinbaseOutput {
  /** scriptPubKey. */
  readonly script: Uint8Array;
  readonly sats: bigint;
}

/** What goes into a pool's coinbase transaction. */
export interface CoinbaseParts {
  /** Of the block, for BIP34. */
  readonly height: number;
  /** Below 2^40 and never used twice by a pool: no two of its jobs, of whatever boot, can ever come to the same header. */
  readonly serial: number;
  /** Random bytes of the pool, at most 70: no two pools with one payout address make the same coinbase. */
  readonly identity: Uint8Array;
  /** Size of the hole that extranonce1 and extranonce2 fill, 1 … 75 bytes. */
  readonly extranonceBytes: number;
  /** Shown by block explorers, e.g. `/Sluice/`; UTF-8. */
  readonly tag: string;
  /** The outputs in order, at least one. Their sum is the block's whole reward. */
  readonly outputs: readonly CoinbaseOutput[];
  /** scriptPubKey of the witness commitment (BIP141), if the block needs one. */
  readonly witnessCommitment: Uint8Array | undefined;
}

/** The serialisation without witness, cut at the extranonce hole. */
export interface CoinbaseHalves {
  readonly coinb1: Uint8Array;
  readonly coinb2: Uint8Array;
  /** Where in `coinb2` the outputs begin: with their number. */
  readonly outputsAt: number;
}

/** Consensus: the coinbase's scriptSig is 2 to 100 bytes long (Bitcoin Core, consensus/tx_check.cpp). */
export const COINBASE_SCRIPT_BYTES_MAX = 100;
/** Bytes that one direct push opcode can carry. */
const PUSH_BYTES_MAX = 75;
const HEIGHT_MAX = 0x7fff_ffff;
export const SERIAL_BYTES = 5;
const SERIAL_END = 2 ** (8 * SERIAL_BYTES);
/** Bitcoin Core, consensus/amount.h. */
const MONEY_SATS_MAX = 21_000_000n * 100_000_000n;
/** Version, input count, outpoint, and the scriptSig's length in one byte. */
const BEFORE_SCRIPT_BYTES = 4 + 1 + 36 + 1;
const SEQUENCE_BYTES = 4;

/**
 * Builds the coinbase around an extranonce-shaped hole. The scriptSig is four pushes: height, serial with identity,
 * extranonce and tag. Pushed bytes count no signature operations, whatever miners put into them. Throws a RangeError for anything too large.
 */
export function buildCoinbase(parts: CoinbaseParts): CoinbaseHalves {
  const { height, serial, extranonceBytes, tag } = parts;
  if (!Number.isInteger(height) || height < 0 || height > HEIGHT_MAX)
    throw new RangeError(`coinbase: height ${height}`);
  if (!Number.isInteger(serial) || serial < 0 || serial >= SERIAL_END)
    throw new RangeError(`coinbase: serial ${serial}`);
  if (!Number.isInteger(extranonceBytes) || extranonceBytes < 1 || extranonceBytes > PUSH_BYTES_MAX) {
    throw new RangeError(`coinbase: extranonce of ${extranonceBytes} bytes`);
  }
  const valueSats = parts.outputs.reduce((sum, { sats }) => sum + sats, 0n);
  if (parts.outputs.some(({ sats }) => sats < 0n) || valueSats > MONEY_SATS_MAX)
    throw new RangeError(`coinbase: ${valueSats} sats`);
  const head = [script.number.encode(height), concatBytes([serialBytes(serial), parts.identity])];
  const pushes = [...head, new Uint8Array(extranonceBytes)];
  const scriptSig = script.compile(tag === '' ? pushes : [...pushes, new TextEncoder().encode(tag)]);
  if (scriptSig.length > COINBASE_SCRIPT_BYTES_MAX) {
    throw new RangeError(
      `coinbase: tag ${JSON.stringify(tag)} makes the script longer than ${COINBASE_SCRIPT_BYTES_MAX} bytes`,
    );
  }
  const transaction = new Transaction();
  transaction.version = 2;
  transaction.addInput(new Uint8Array(32), 0xffff_ffff, 0xffff_ffff, scriptSig);
  for (const output of parts.outputs) transaction.addOutput(output.script, output.sats);
  if (parts.witnessCommitment) transaction.addOutput(parts.witnessCommitment, 0n);
  const bytes = transaction.toBuffer();
  // One opcode stands between the head and the hole: the push of up to 75 bytes is its length.
  const hole = BEFORE_SCRIPT_BYTES + script.compile(head).length + 1;
  const outputs = BEFORE_SCRIPT_BYTES + scriptSig.length + SEQUENCE_BYTES;
  const coinb2At = hole + extranonceBytes;
  return { coinb1: bytes.slice(0, hole), coinb2: bytes.slice(coinb2At), outputsAt: outputs - coinb2At };
}

/** The height as BIP34 wants it at the start of the scriptSig. */
export function heightPush(height: number): Uint8Array {
  return script.compile([script.number.encode(height)]);
}

/** Five bytes, little-endian. */
function serialBytes(serial: number): Uint8Array {
  return Uint8Array.from({ length: SERIAL_BYTES }, (_, index) => Math.floor(serial / 2 ** (8 * index)) & 0xff);
}
