/**
 * Targets, compact bits and difficulties. A target is a 256-bit number: a bigint for arithmetic, 32 little-endian bytes for
 * comparing with hashes.
 */

const TARGET_MAX = (1n << 256n) - 1n;
/** The target of difficulty 1 (mainnet's proof-of-work limit as compact bits hold it: 0x1d00ffff). */
export const DIFFICULTY_1_TARGET = 0xffffn << 208n;

/** Compact bits taken apart as Bitcoin Core's arith_uint256::SetCompact does. */
export interface CompactTarget {
  /** Reduced to 256 bits if it overflows. */
  readonly target: bigint;
  readonly negative: boolean;
  readonly overflow: boolean;
}

export function decodeCompact(bits: number): CompactTarget {
  const size = bits >>> 24;
  const digits = bits & 0x007f_ffff;
  const word = size <= 3 ? digits >>> (8 * (3 - size)) : digits;
  const target = size <= 3 ? BigInt(word) : (BigInt(word) << BigInt(8 * (size - 3))) & TARGET_MAX;
  return {
    target,
    negative: word !== 0 && (bits & 0x0080_0000) !== 0,
    overflow: word !== 0 && (size > 34 || (word > 0xff && size > 33) || (word > 0xffff && size > 32)),
  };
}

/** The target that proof of work is checked against (Core's DeriveTarget); undefined for negative, zero or overflow. */
export function targetOfBits(bits: number): bigint | undefined {
  const { target, negative, overflow } = decodeCompact(bits);
  return negative || overflow || target === 0n ? undefined : target;
}

/** Compact bits of a target, rounded down to 23 bits of digits (Core's arith_uint256::GetCompact). u32. */
export function bitsOfTarget(target: bigint): number {
  if (target < 0n || target > TARGET_MAX) throw new RangeError('bitsOfTarget: not a 256-bit number');
  let size = Math.ceil(target.toString(2).length / 8);
  if (target === 0n) size = 0;
  let word = Number(size <= 3 ? target << BigInt(8 * (3 - size)) : target >> BigInt(8 * (size - 3)));
  // The digits are signed: a set top bit moves them down by a byte.
  if ((word & 0x0080_0000) !== 0) {
    word >>>= 8;
    size += 1;
  }
  return ((size << 24) | word) >>> 0;
}

/** 32 bytes, little-endian, as a header hash stands: the two compare as integers. */
export function targetToBytes(target: bigint): Uint8Array {
  if (target < 0n || target > TARGET_MAX) throw new RangeError('targetToBytes: not a 256-bit number');
  const bytes = new Uint8Array(32);
  const view = new DataView(bytes.buffer);
  for (let word = 0; word < 4; word += 1)
    view.setBigUint64(word * 8, (target >> BigInt(64 * word)) & (2n ** 64n - 1n), true);
  return bytes;
}

/** The value of 32 little-endian bytes (a target or a hash). */
export function bytesToTarget(bytes: Uint8Array): bigint {
  if (bytes.length !== 32) throw new RangeError('bytesToTarget: not 32 bytes');
  const view = new DataView(bytes.buffer, bytes.byteOffset, 32);
  let target = 0n;
  for (let word = 3; word >= 0; word -= 1) target = (target << 64n) | view.getBigUint64(word * 8, true);
  return target;
}

/** True if the hash, as an integer, is at or below the target. Both 32 bytes little-endian. */
export function meetsTarget(hash: Uint8Array, target: Uint8Array): boolean {
  for (let index = 31; index >= 0; index -= 1) {
    const difference = (hash[index] ?? 0) - (target[index] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return true;
}

/** A positive finite double as the fraction it is. */
function exactFraction(value: number): { numerator: bigint; denominator: bigint } {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const exponent = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & ((1n << 52n) - 1n);
  const mantissa = exponent === 0 ? fraction : fraction | (1n << 52n);
  const power = Math.max(exponent, 1) - 1075;
  return power >= 0
    ? { numerator: mantissa << BigInt(power), denominator: 1n }
    : { numerator: mantissa, denominator: 1n << BigInt(-power) };
}

/**
 * floor(difficulty-1 target / difficulty), the double taken exactly, capped at 2^256 - 1. Throws a RangeError unless the
 * difficulty is positive and finite.
 */
export function targetOfDifficulty(difficulty: number): bigint {
  if (!(difficulty > 0 && difficulty < Number.POSITIVE_INFINITY)) {
    throw new RangeError(`difficulty ${difficulty} is not a positive finite number`);
  }
  const { numerator, denominator } = exactFraction(difficulty);
  const target = (DIFFICULTY_1_TARGET * denominator) / numerator;
  return target < TARGET_MAX ? target : TARGET_MAX;
}

/** Expected hashes until one is at or below the target (Core's GetBlockProof): floor(2^256 / (target + 1)), at least 1. */
export function workOfTarget(target: bigint): bigint {
  return (TARGET_MAX + 1n) / (target + 1n);
}

/** Expected hashes of one share at this difficulty, at least 1. */
export function workOf(difficulty: number): bigint {
  return workOfTarget(targetOfDifficulty(difficulty));
}

/** 65535 · 2^(208 - 32 · (word - 2)): the difficulty-1 target, scaled for each place of a hash's top word. */
const scaleOfTopWord = Float64Array.from({ length: 8 }, (_, word) => 0xffff * 2 ** (208 - 32 * (word - 2)));

/** The u32 at byte `offset`, little-endian; 0 before the start. */
function wordAt(hash: Uint8Array, offset: number): number {
  if (offset < 0) return 0;
  const [a = 0, b = 0, c = 0, d = 0] = [hash[offset], hash[offset + 1], hash[offset + 2], hash[offset + 3]];
  return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;
}

/**
 * The difficulty that a hash (32 bytes little-endian) reached: difficulty-1 target / hash, to double precision. Runs for
 * every share, so without bigints: the hash's top non-zero word and the two below it hold at least 65 significant bits.
 * A hash of zero counts as 1, so the result is always finite.
 */
export function difficultyOfHash(hash: Uint8Array): number {
  for (let word = 7; word >= 0; word -= 1) {
    const top = wordAt(hash, word * 4);
    if (top === 0) continue;
    const rest = wordAt(hash, word * 4 - 4) * 2 ** 32 + wordAt(hash, word * 4 - 8);
    return (scaleOfTopWord[word] ?? 0) / (top * 2 ** 64 + rest);
  }
  return 0xffff * 2 ** 208;
}

/** The difficulty of a target, as getdifficulty shows it. */
export function difficultyOfTarget(target: bigint): number {
  return difficultyOfHash(targetToBytes(target));
}
