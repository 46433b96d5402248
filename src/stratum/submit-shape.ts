/** The parts of a submit that differ from one to the next: the id, extranonce2, and the u32 fields. */
export type VaryingField = 'id' | 'extranonce2' | 'ntime' | 'nonce' | 'version';

/** Where a varying field stands in a line. */
export interface FieldPlace {
  readonly field: VaryingField;
  readonly begin: number;
  readonly end: number;
}

const ZERO = 0x30;
const NINE = 0x39;
/** Digits of an id that a double holds whatever they are. */
const ID_DIGITS_MAX = 15;
const U32_DIGITS_MAX = 8;

/** Value of a hex digit by character code; -1 for everything else, capitals for `lowerNibbles` among it. */
export const nibbles = new Int8Array(256).fill(-1);
const lowerNibbles = new Int8Array(256).fill(-1);
for (let value = 0; value < 16; value += 1) {
  nibbles[value.toString(16).charCodeAt(0)] = value;
  lowerNibbles[value.toString(16).charCodeAt(0)] = value;
  nibbles[value.toString(16).toUpperCase().charCodeAt(0)] = value;
}

/**
 * A submit that was read once, as a pattern for the next: a client's lines are alike to the byte but for five or six
 * fields, so most of a line is compared, four bytes at a time, and never parsed. A line that does not fit says nothing.
 */
export class SubmitShape {
  readonly #fields: readonly VaryingField[];
  /** Between the fields, and at both ends. */
  readonly #fixed: readonly Uint8Array[];
  readonly #words: readonly Int32Array[];
  readonly #extranonce2Digits: number;
  id = 0;
  ntime = 0;
  nonce = 0;
  /** Undefined where the lines of this shape have none. */
  version: number | undefined;
  /** Where extranonce2 begins, whole bytes in lower-case hex. */
  extranonce2Begin = 0;
  extranonce2End = 0;

  /** `places`: of all varying fields, in their order; the field of each must be well-formed. */
  constructor(line: Uint8Array, places: readonly FieldPlace[]) {
    const begins = [0, ...places.map(({ end }) => end)];
    const ends = [...places.map(({ begin }) => begin), line.length];
    this.#fields = places.map(({ field }) => field);
    this.#fixed = begins.map((begin, index) => line.slice(begin, ends[index]));
    this.#words = this.#fixed.map(wordsOf);
    const extranonce2 = places.find(({ field }) => field === 'extranonce2');
    this.#extranonce2Digits = extranonce2 ? extranonce2.end - extranonce2.begin : 0;
  }

  /** Whether bytes[begin…end) fit; the fields are then what stands there. `view` is of the same bytes. */
  fits(bytes: Uint8Array, view: DataView, begin: number, end: number): boolean {
    const fields = this.#fields;
    let at = begin;
    for (let index = 0; ; index += 1) {
      at = this.#skipFixed(index, bytes, view, at, end);
      if (at < 0) return false;
      const field = fields[index];
      if (field === undefined) return at === end;
      const next =
        field === 'id'
          ? this.#takeId(bytes, at)
          : field === 'extranonce2'
            ? this.#takeExtranonce2(bytes, at, end)
            : this.#takeU32(field, bytes, at);
      if (next < 0) return false;
      at = next;
    }
  }

  #skipFixed(index: number, bytes: Uint8Array, view: DataView, from: number, end: number): number {
    const fixed = this.#fixed[index];
    const words = this.#words[index];
    if (fixed === undefined || words === undefined || from + fixed.length > end) return -1;
    let at = from;
    for (let word = 0; word < words.length; word += 1, at += 4) {
      if (view.getInt32(at, true) !== words[word]) return -1;
    }
    for (let rest = words.length * 4; rest < fixed.length; rest += 1, at += 1) if (bytes[at] !== fixed[rest]) return -1;
    return at;
  }

  /** A whole number without sign; JSON has no leading zeros. What follows it is the shape's to check. */
  #takeId(bytes: Uint8Array, from: number): number {
    let value = 0;
    let at = from;
    for (; at - from <= ID_DIGITS_MAX; at += 1) {
      const code = bytes[at] ?? 0;
      if (code < ZERO || code > NINE) break;
      value = value * 10 + (code - ZERO);
    }
    const digits = at - from;
    if (digits === 0 || digits > ID_DIGITS_MAX || (digits > 1 && bytes[from] === ZERO)) return -1;
    this.id = value;
    return at;
  }

  #takeExtranonce2(bytes: Uint8Array, from: number, end: number): number {
    const to = from + this.#extranonce2Digits;
    if (to > end) return -1;
    for (let at = from; at < to; at += 1) if ((lowerNibbles[bytes[at] ?? 0] ?? -1) < 0) return -1;
    this.extranonce2Begin = from;
    this.extranonce2End = to;
    return to;
  }

  #takeU32(field: 'ntime' | 'nonce' | 'version', bytes: Uint8Array, from: number): number {
    let value = 0;
    let at = from;
    for (; at - from <= U32_DIGITS_MAX; at += 1) {
      const nibble = nibbles[bytes[at] ?? 0] ?? -1;
      if (nibble < 0) break;
      value = value * 16 + nibble;
    }
    if (at === from || at - from > U32_DIGITS_MAX) return -1;
    if (field === 'ntime') this.ntime = value;
    else if (field === 'nonce') this.nonce = value;
    else this.version = value;
    return at;
  }
}

function wordsOf(bytes: Uint8Array): Int32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Int32Array.from({ length: bytes.length >>> 2 }, (_, word) => view.getInt32(4 * word, true));
}
