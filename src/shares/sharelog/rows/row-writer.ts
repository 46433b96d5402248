import type { BufferPool } from '../segments/buffer-pool.ts';

/** Rows of one kind that stand one after another in one buffer. */
export interface Segment {
  readonly buffer: ArrayBuffer;
  /** Bytes of `buffer` that hold rows. */
  readonly length: number;
  readonly rows: number;
}

/** The size at which the writer starts another batch. */
export interface SegmentBounds {
  readonly bytesMax: number;
  readonly rowsMax: number;
}

/** Milliseconds that DateTime64(3) can hold: from 1970 to the end of 2299. */
const TIME_MS_MAX = Date.UTC(2300, 0) - 1;
const U32 = 2 ** 32;
const U64_MAX = 2n ** 64n - 1n;
const U128_MAX = 2n ** 128n - 1n;
const encoder = new TextEncoder();

/**
 * Writes RowBinary into reused buffers. A row is `reserve(bytes)`, the values in column order, `endRow()`. Values that
 * do not fit their column are clamped, never refused: they were judged before they came here, and a row must be written.
 */
export class RowWriter {
  readonly #pool: BufferPool;
  readonly #bounds: SegmentBounds;
  #full: Segment[] = [];
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView;
  #length = 0;
  #rows = 0;
  /** Where the last whole row ends. */
  #rowEnd = 0;
  /** How far the rows are sealed: this many full segments, and this much of the next one. */
  #sealed = { full: 0, length: 0, rows: 0 };

  constructor(bounds: SegmentBounds, pool: BufferPool) {
    this.#pool = pool;
    this.#bounds = bounds;
    this.#bytes = new Uint8Array(0);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Bytes written and not yet taken. */
  get bytes(): number {
    return this.#full.reduce((sum, segment) => sum + segment.length, this.#length);
  }

  /** Rows written and not yet taken. */
  get rows(): number {
    return this.#full.reduce((sum, segment) => sum + segment.rows, this.#rows);
  }

  /** Makes room for a row of up to `bytes`. What there is of a row that was not ended is written over. */
  reserve(bytes: number): void {
    this.#length = this.#rowEnd;
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(this.#pool.take(Math.max(needed, this.#bytes.length * 2)));
    grown.set(this.#bytes.subarray(0, this.#length));
    const outgrown = this.#bytes.buffer;
    this.#use(grown);
    if (outgrown.byteLength > 0) this.#pool.give(outgrown);
  }

  endRow(): void {
    this.#rows += 1;
    this.#rowEnd = this.#length;
    if (this.#length >= this.#bounds.bytesMax || this.#rows >= this.#bounds.rowsMax) this.#rollOver();
  }

  /** Marks all rows so far as fit to be taken. */
  seal(): void {
    this.#sealed = { full: this.#full.length, length: this.#length, rows: this.#rows };
  }

  /** Hands out the sealed rows; later ones stay. The buffers go to the caller. */
  take(): Segment[] {
    const { full, length, rows } = this.#sealed;
    this.#sealed = { full: 0, length: 0, rows: 0 };
    if (full === this.#full.length && length === this.#length) {
      const taken = this.#full;
      this.#full = [];
      if (this.#rows > 0) taken.push(this.#detach());
      return taken;
    }
    const all = [...this.#full, ...(this.#rows > 0 ? [this.#detach()] : [])];
    const taken = all.slice(0, full);
    const cut = all[full];
    const rest = all.slice(full + 1);
    if (cut !== undefined && length > 0) {
      const tail = cut.buffer.slice(length, cut.length);
      taken.push({ buffer: cut.buffer, length, rows });
      if (tail.byteLength > 0) rest.unshift({ buffer: tail, length: tail.byteLength, rows: cut.rows - rows });
    } else if (cut !== undefined) rest.unshift(cut);
    this.#full = rest;
    return taken;
  }

  /** Bytes encoded before. */
  chunk(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  u8(value: number): void {
    this.#view.setUint8(this.#length, value);
    this.#length += 1;
  }

  bool(value: boolean): void {
    this.u8(value ? 1 : 0);
  }

  u32(value: number): void {
    this.#view.setUint32(this.#length, Math.min(Math.max(value, 0), U32 - 1), true);
    this.#length += 4;
  }

  u64(value: bigint): void {
    this.#view.setBigUint64(this.#length, clamp(value, U64_MAX), true);
    this.#length += 8;
  }

  u128(value: bigint): void {
    const clamped = clamp(value, U128_MAX);
    this.#view.setBigUint64(this.#length, clamped & U64_MAX, true);
    this.#view.setBigUint64(this.#length + 8, clamped >> 64n, true);
    this.#length += 16;
  }

  f64(value: number): void {
    this.#view.setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  /** DateTime64(3); a bigint-free Int64, since every share writes one. */
  timeMs(value: number): void {
    const ms = value >= TIME_MS_MAX ? TIME_MS_MAX : value > 0 ? Math.floor(value) : 0;
    this.#view.setUint32(this.#length, ms % U32, true);
    this.#view.setUint32(this.#length + 4, Math.floor(ms / U32), true);
    this.#length += 8;
  }

  /** LEB128. */
  length(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.u8((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.u8(rest);
  }

  /** Reserve `stringBytesMax(text)` for it. */
  string(text: string): void {
    if (text.length < 0x80 && this.#ascii(text)) return;
    const bytes = encoder.encode(text);
    this.length(bytes.length);
    this.chunk(bytes);
  }

  /** Lower-case hex of bytes. Reserve `2 * bytes.length + 3` for it. */
  hex(bytes: Uint8Array): void {
    this.length(bytes.length * 2);
    const into = this.#bytes;
    let at = this.#length;
    for (let index = 0; index < bytes.length; index += 1) {
      const byte = bytes[index] ?? 0;
      into[at] = HEX[byte >> 4] ?? 0;
      into[at + 1] = HEX[byte & 15] ?? 0;
      at += 2;
    }
    this.#length = at;
  }

  /** Writes a short ASCII string without the encoder. Returns false, and writes nothing, if the string is not plain ASCII. */
  #ascii(text: string): boolean {
    const bytes = this.#bytes;
    const at = this.#length + 1;
    for (let i = 0; i < text.length; i += 1) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) return false;
      bytes[at + i] = code;
    }
    bytes[this.#length] = text.length;
    this.#length = at + text.length;
    return true;
  }

  #rollOver(): void {
    this.#full.push(this.#detach());
  }

  #detach(): Segment {
    const segment = { buffer: this.#bytes.buffer, length: this.#length, rows: this.#rows };
    this.#use(new Uint8Array(0));
    this.#length = 0;
    this.#rowEnd = 0;
    this.#rows = 0;
    return segment;
  }

  #use(bytes: Uint8Array<ArrayBuffer>): void {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}

/** The character codes of the digits. */
const HEX = Uint8Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0));

/** The most that `string(text)` writes: three bytes of UTF-8 for each UTF-16 unit, and the length. */
export function stringBytesMax(text: string): number {
  return text.length * 3 + 5;
}

/** The most that `hex(bytes)` writes. */
export function hexBytesMax(bytes: Uint8Array): number {
  return bytes.length * 2 + 5;
}

function clamp(value: bigint, max: bigint): bigint {
  return value < 0n ? 0n : value > max ? max : value;
}
