/** Takes one line; false stops the framer for good (the connection is done with). */
export type LineSink = (line: Uint8Array) => boolean;

const NEWLINE = 0x0a;
const RETURN = 0x0d;
/** What a JSON object begins with; blanks may stand before it. */
const BRACE = 0x7b;
const BLANK_MAX = 0x20;
/** First size of the buffer for a line that goes over chunks; it doubles from there. */
const PARTIAL_BYTES_MIN = 256;

/**
 * Cuts a stream of bytes into lines that end in \n or \r\n; empty lines are skipped. A line within one chunk is handed
 * out as a view of it; only a line that goes over chunks is copied, into a buffer that never holds more than the cap.
 * What comes out depends on the bytes alone, not on how they were cut into chunks.
 */
export class LineFramer {
  readonly #lineBytesMax: number;
  readonly #sink: LineSink;
  #partial: Uint8Array | undefined;
  #partialBytes = 0;
  #stopped = false;

  /** `lineBytesMax` counts a line without its ending. */
  constructor(lineBytesMax: number, sink: LineSink) {
    this.#lineBytesMax = lineBytesMax;
    this.#sink = sink;
  }

  /**
   * Feeds bytes, which are only looked at during the call. `overlong`: a line is longer than the cap; the lines before
   * it have been handed out, and nothing will be from now on.
   */
  push(chunk: Uint8Array): 'ok' | 'overlong' {
    let start = 0;
    while (!this.#stopped) {
      const end = chunk.indexOf(NEWLINE, start);
      if (end === -1) return start < chunk.length ? this.#keep(chunk.subarray(start)) : 'ok';
      const piece = chunk.subarray(start, end);
      start = end + 1;
      if (this.#partialBytes === 0) {
        if (!this.#emit(piece)) return 'overlong';
      } else {
        if (this.#keep(piece) === 'overlong') return 'overlong';
        const line = this.#partial?.subarray(0, this.#partialBytes) ?? piece;
        // Let go of it: most connections are idle most of the time, between two lines.
        this.#partial = undefined;
        this.#partialBytes = 0;
        if (!this.#emit(line)) return 'overlong';
      }
    }
    return 'ok';
  }

  /** Hands out a line that may still end in \r. False where it is too long. */
  #emit(raw: Uint8Array): boolean {
    const line = raw[raw.length - 1] === RETURN ? raw.subarray(0, -1) : raw;
    if (line.length > this.#lineBytesMax) {
      this.#stopped = true;
      return false;
    }
    if (line.length > 0 && !this.#sink(line)) this.#stopped = true;
    return true;
  }

  #keep(piece: Uint8Array): 'ok' | 'overlong' {
    const bytes = this.#partialBytes + piece.length;
    // One more than the cap may still be the \r of a line that just fits.
    const tooLong = bytes > this.#lineBytesMax + 1;
    const last = piece.length > 0 ? piece[piece.length - 1] : this.#partial?.[this.#partialBytes - 1];
    if (tooLong || (bytes === this.#lineBytesMax + 1 && last !== RETURN)) {
      this.#stopped = true;
      this.#partial = undefined;
      return 'overlong';
    }
    if (this.#partial === undefined || this.#partial.length < bytes) {
      let size = Math.max(PARTIAL_BYTES_MIN, this.#partial?.length ?? 0);
      while (size < bytes) size *= 2;
      const grown = new Uint8Array(Math.min(size, this.#lineBytesMax + 1));
      if (this.#partial) grown.set(this.#partial.subarray(0, this.#partialBytes));
      this.#partial = grown;
    }
    this.#partial.set(piece, this.#partialBytes);
    this.#partialBytes = bytes;
    return 'ok';
  }
}

/** False for a line that can not be a request: a session answers it with an error, and the door remembers it. */
export function looksLikeObject(line: Uint8Array): boolean {
  let at = 0;
  while (at < line.length && (line[at] ?? 0) <= BLANK_MAX) at += 1;
  return line[at] === BRACE;
}
