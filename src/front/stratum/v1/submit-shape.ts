import { idEnd, idValue, isCanonicalHex, u32End, u32Value } from './byte-fields.ts';

/** The parts of a submit that differ from one to the next: the id, extranonce2, and the u32 fields. */
export type VaryingField = 'id' | 'extranonce2' | 'ntime' | 'nonce' | 'version';

/** The place of a varying field in a line. */
export interface FieldPlace {
  readonly field: VaryingField;
  readonly begin: number;
  readonly end: number;
}

/** As they stand in a shape's head; 0 ends them. */
const [ID, EXTRANONCE2, NTIME, NONCE, VERSION] = [1, 2, 3, 4, 5];
const fieldCodes: Readonly<Record<VaryingField, number>> = {
  id: ID,
  extranonce2: EXTRANONCE2,
  ntime: NTIME,
  nonce: NONCE,
  version: VERSION,
};
/** A shape's head: the lengths of its fixed parts, the codes of its fields, the digits of extranonce2. */
const CODES_AT = 8;
const DIGITS_AT = 15;
const HEAD_BYTES = 16;
const FIXED_BYTES_MAX = 255;

/**
 * A submit that was read once, as a pattern for the next: a client's lines are alike to the byte but for five or six
 * fields, so most of a line is compared, four bytes at a time, and never parsed. A line that does not fit says nothing.
 *
 * All of a shape is in one piece of memory, since with thousands of connections each is cold when its line comes: a head,
 * and behind it the fixed parts between the fields, each on a multiple of four bytes.
 */
export class SubmitShape {
  readonly #bytes: Uint8Array;
  readonly #words: Int32Array;
  id = 0;
  ntime = 0;
  nonce = 0;
  /** Undefined if the lines of this shape have none. */
  version: number | undefined;
  /** Where extranonce2 begins, whole bytes in lower-case hex. */
  extranonce2Begin = 0;
  extranonce2End = 0;

  private constructor(parts: readonly Uint8Array[], codes: readonly number[], extranonce2Digits: number) {
    const bytes = parts.reduce((sum, part) => sum + aligned(part.length), HEAD_BYTES);
    this.#bytes = new Uint8Array(bytes);
    this.#words = new Int32Array(this.#bytes.buffer);
    this.#bytes.set(
      parts.map((part) => part.length),
      0,
    );
    this.#bytes.set(codes, CODES_AT);
    this.#bytes[DIGITS_AT] = extranonce2Digits;
    let at = HEAD_BYTES;
    for (const part of parts) {
      this.#bytes.set(part, at);
      at += aligned(part.length);
    }
  }

  /**
   * `places`: of all varying fields, in their order; the field of each must be well-formed. Undefined for a line that is
   * longer than the usual ones.
   */
  static of(line: Uint8Array, places: readonly FieldPlace[]): SubmitShape | undefined {
    const begins = [0, ...places.map(({ end }) => end)];
    const ends = [...places.map(({ begin }) => begin), line.length];
    const parts = begins.map((begin, index) => line.subarray(begin, ends[index]));
    if (parts.some((part) => part.length > FIXED_BYTES_MAX)) return undefined;
    const extranonce2 = places.find(({ field }) => field === 'extranonce2');
    return new SubmitShape(
      parts,
      places.map(({ field }) => fieldCodes[field]),
      extranonce2 ? extranonce2.end - extranonce2.begin : 0,
    );
  }

  /** Whether bytes[begin…end) fit; the fields are then what stands there. `view` is of the same bytes. */
  fits(bytes: Uint8Array, view: DataView, begin: number, end: number): boolean {
    const shape = this.#bytes;
    const words = this.#words;
    let at = begin;
    let store = HEAD_BYTES;
    for (let index = 0; ; index += 1) {
      const length = shape[index] ?? 0;
      if (at + length > end) return false;
      const wordsEnd = store + (length & ~3);
      for (; store < wordsEnd; store += 4, at += 4) if (view.getInt32(at, true) !== words[store >>> 2]) return false;
      const restEnd = store + (length & 3);
      for (; store < restEnd; store += 1, at += 1) if (bytes[at] !== shape[store]) return false;
      store = aligned(store);
      const code = shape[CODES_AT + index] ?? 0;
      if (code === 0) return at === end;
      at =
        code === ID
          ? this.#takeId(bytes, at)
          : code === EXTRANONCE2
            ? this.#takeExtranonce2(bytes, at)
            : this.#takeU32(code, bytes, at);
      if (at < 0) return false;
    }
  }

  #takeId(bytes: Uint8Array, from: number): number {
    const end = idEnd(bytes, from);
    if (end > 0) this.id = idValue(bytes, from, end);
    return end;
  }

  #takeExtranonce2(bytes: Uint8Array, from: number): number {
    const end = from + (this.#bytes[DIGITS_AT] ?? 0);
    this.extranonce2Begin = from;
    this.extranonce2End = end;
    return isCanonicalHex(bytes, from, end) ? end : -1;
  }

  #takeU32(code: number, bytes: Uint8Array, from: number): number {
    const end = u32End(bytes, from);
    if (end < 0) return -1;
    const value = u32Value(bytes, from, end);
    if (code === NTIME) this.ntime = value;
    else if (code === NONCE) this.nonce = value;
    else this.version = value;
    return end;
  }
}

function aligned(length: number): number {
  return (length + 3) & ~3;
}
