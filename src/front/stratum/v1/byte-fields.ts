/** Reads the fields of a submit in place in a line. Each `…End` returns the end of a well-formed field, or -1. */

const ZERO = 0x30;
const NINE = 0x39;
/** Digits of an id that a double holds whatever they are. */
const ID_DIGITS_MAX = 15;
const U32_DIGITS_MAX = 8;

/** Value of a hex digit by character code; -1 for everything else. The canonical digits are the lower-case ones. */
const nibbles = new Int8Array(256).fill(-1);
const canonicalNibbles = new Int8Array(256).fill(-1);
for (let value = 0; value < 16; value += 1) {
  const digit = value.toString(16);
  nibbles[digit.charCodeAt(0)] = value;
  nibbles[digit.toUpperCase().charCodeAt(0)] = value;
  canonicalNibbles[digit.charCodeAt(0)] = value;
}

/** A whole number without sign, as JSON has it: no leading zeros. What may follow it is the caller's to say. */
export function idEnd(bytes: Uint8Array, from: number): number {
  let at = from;
  for (; at - from <= ID_DIGITS_MAX; at += 1) {
    const code = bytes[at] ?? 0;
    if (code < ZERO || code > NINE) break;
  }
  const digits = at - from;
  return digits === 0 || digits > ID_DIGITS_MAX || (digits > 1 && bytes[from] === ZERO) ? -1 : at;
}

export function idValue(bytes: Uint8Array, from: number, end: number): number {
  let value = 0;
  for (let at = from; at < end; at += 1) value = value * 10 + ((bytes[at] ?? ZERO) - ZERO);
  return value;
}

/** One to eight hex digits. */
export function u32End(bytes: Uint8Array, from: number): number {
  let at = from;
  while (at - from <= U32_DIGITS_MAX && (nibbles[bytes[at] ?? 0] ?? -1) >= 0) at += 1;
  return at === from || at - from > U32_DIGITS_MAX ? -1 : at;
}

export function u32Value(bytes: Uint8Array, from: number, end: number): number {
  let value = 0;
  for (let at = from; at < end; at += 1) value = value * 16 + (nibbles[bytes[at] ?? 0] ?? 0);
  return value;
}

/** What whole bytes of hex digits say. */
export function hexBytes(bytes: Uint8Array, from: number, end: number): Uint8Array {
  const value = new Uint8Array((end - from) >>> 1);
  for (let index = 0, at = from; index < value.length; index += 1, at += 2) {
    value[index] = ((nibbles[bytes[at] ?? 0] ?? 0) << 4) | (nibbles[bytes[at + 1] ?? 0] ?? 0);
  }
  return value;
}

/** Whether there is nothing but lower-case hex digits. */
export function isCanonicalHex(bytes: Uint8Array, from: number, end: number): boolean {
  for (let at = from; at < end; at += 1) if ((canonicalNibbles[bytes[at] ?? 0] ?? -1) < 0) return false;
  return true;
}
