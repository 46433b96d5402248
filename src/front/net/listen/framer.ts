import type { MessageReader, MessageSink } from './framing.ts';

const NEWLINE = 0x0a;
const RETURN = 0x0d;
/**
 * First size of the buffer for a line that goes over chunks: enough for what miners send. One that outgrows it gets the
 * cap's size at once: growing step by step, thousands of drip feeds would leave as much garbage as they hold.
 */
const PARTIAL_BYTES_MIN = 512;
/** Any number of lines. */
const LINES_MAX = 0x7fffffff;

/**
 * Cuts a stream of bytes into lines that end in \n or \r\n; empty lines are skipped. A line within one chunk is handed
 * out where it stands (a view of each would cost as much as looking for its end); only a line that goes over chunks is copied, into a buffer that never holds more than the cap.
 * What comes out depends on the bytes alone, not on how they were cut into chunks.
 */
export class LineFramer implements MessageReader {
  readonly #lineBytesMax: number;
  readonly #sink: MessageSink;
  #partial: Uint8Array | undefined;
  #partialBytes = 0;
  #stopped = false;
  #at = 0;

  /** `lineBytesMax` counts a line without its ending. */
  constructor(lineBytesMax: number, sink: MessageSink) {
    this.#lineBytesMax = lineBytesMax;
    this.#sink = sink;
  }

  get at(): number {
    return this.#at;
  }

  get bufferBytes(): number {
    return this.#partial?.length ?? 0;
  }

  /** Empty lines count among `linesMax`. */
  push(chunk: Uint8Array, from = 0, linesMax = LINES_MAX): 'ok' | 'overlong' | 'more' {
    let start = from;
    let left = linesMax;
    while (!this.#stopped) {
      const end = chunk.indexOf(NEWLINE, start);
      if (end === -1) return start < chunk.length ? this.#keep(chunk.subarray(start)) : 'ok';
      if (left <= 0) {
        this.#at = start;
        return 'more';
      }
      left -= 1;
      const begin = start;
      start = end + 1;
      if (this.#partialBytes === 0) {
        if (!this.#emit(chunk, begin, end)) return 'overlong';
      } else {
        if (this.#keep(chunk.subarray(begin, end)) === 'overlong') return 'overlong';
        const line = this.#partial ?? chunk;
        const bytes = this.#partialBytes;
        // Let go of it: most connections are idle most of the time, between two lines.
        this.#partial = undefined;
        this.#partialBytes = 0;
        if (!this.#emit(line, 0, bytes)) return 'overlong';
      }
    }
    return 'ok';
  }

  /** Hands out a line that may still end in \r. False if it is too long. */
  #emit(bytes: Uint8Array, begin: number, rawEnd: number): boolean {
    const end = rawEnd > begin && bytes[rawEnd - 1] === RETURN ? rawEnd - 1 : rawEnd;
    if (end - begin > this.#lineBytesMax) {
      this.#stopped = true;
      return false;
    }
    if (end > begin && !this.#sink(bytes, begin, end)) this.#stopped = true;
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
      const size = bytes <= PARTIAL_BYTES_MIN ? PARTIAL_BYTES_MIN : this.#lineBytesMax + 1;
      const grown = new Uint8Array(Math.min(size, this.#lineBytesMax + 1));
      if (this.#partial) grown.set(this.#partial.subarray(0, this.#partialBytes));
      this.#partial = grown;
    }
    this.#partial.set(piece, this.#partialBytes);
    this.#partialBytes = bytes;
    return 'ok';
  }
}
