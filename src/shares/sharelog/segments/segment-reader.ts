import { closeSync, fdatasyncSync, openSync, readSync } from 'node:fs';
import { type BatchHead, decodeHead, frameBytes, HEAD_BYTES } from './segment.ts';
import { segmentPath } from './segment-files.ts';

const CHUNK_BYTES = 256 * 1024;
/** Bytes that are kept for `body` of what `extend` has read. */
const KEPT_BYTES_MAX = 8 * 1024 * 1024;

/** Bytes of the file from `at` on. */
interface Chunk {
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** Reads one segment from its start on, as far as it is written. */
export class SegmentReader {
  readonly firstSeq: number;
  readonly #fd: number;
  readonly #heads: BatchHead[] = [];
  /** Where the frame of each head begins. */
  readonly #offsets: number[] = [];
  #end = 0;
  /** Chunks whose whole frames `extend` has found, in their order. Their batches need not be read and checked once more. */
  #found: Chunk[] = [];
  /** Read ahead of the batch that was asked for last. */
  #ahead: Chunk = { at: 0, bytes: new Uint8Array(0) };

  /** Throws ENOENT if there is no such segment (any more). */
  constructor(folder: string, firstSeq: number) {
    this.firstSeq = firstSeq;
    this.#fd = openSync(segmentPath(folder, firstSeq), 'r');
  }

  /** The frames found so far. */
  get heads(): readonly BatchHead[] {
    return this.#heads;
  }

  /** Where the next frame will be. */
  get end(): number {
    return this.#end;
  }

  /** The first frame, without looking further. */
  first(): BatchHead | undefined {
    for (let bytes = HEAD_BYTES; ; ) {
      const start = Buffer.allocUnsafe(bytes);
      const head = decodeHead(start.subarray(0, this.#read(start, 0)), this.firstSeq);
      if (head === undefined || !('partial' in head)) return head;
      // Longer than the file.
      if (head.partial === bytes) return undefined;
      bytes = head.partial;
    }
  }

  /**
   * Looks for frames behind the known ones. They are on disk when it returns: the reader syncs, because the writer's own sync may not
   * have finished.
   */
  extend(): void {
    const known = this.#heads.length;
    const end = this.#end;
    const found: Chunk[] = [];
    let chunk: Uint8Array = Buffer.allocUnsafe(CHUNK_BYTES);
    for (;;) {
      const at = this.#end;
      const bytes = chunk.subarray(0, this.#read(chunk, at));
      const needed = this.#take(bytes);
      const whole = bytes.subarray(0, this.#end - at);
      // Few bytes must not keep a buffer of many.
      const isFull = whole.length * 2 >= chunk.length;
      if (whole.length > 0) found.push({ at, bytes: isFull ? whole : Buffer.from(whole) });
      if (isFull) chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      if (needed === 'ended') break;
      // A frame may be longer than the chunk; one that is longer than the file is none yet.
      if (needed > bytes.length) {
        if (bytes.length < chunk.length) break;
        chunk = Buffer.allocUnsafe(needed);
      }
    }
    if (this.#heads.length === known) return;
    try {
      fdatasyncSync(this.#fd);
    } catch (error) {
      this.#heads.length = known;
      this.#offsets.length = known;
      this.#end = end;
      throw error;
    }
    this.#keep(found);
  }

  /** The rows of the batch `seq`, which `heads` has. Throws if the file has been written over meanwhile. */
  body(seq: number): Uint8Array {
    const index = seq - this.firstSeq;
    const head = this.#heads[index];
    if (head === undefined) throw new RangeError(`share log: batch ${seq} is not in the segment ${this.firstSeq}`);
    const offset = this.#offsets[index] ?? 0;
    const place = this.#found.findIndex(({ at, bytes }) => offset >= at && offset < at + bytes.length);
    const found = this.#found[place];
    if (found !== undefined) {
      // Batches are asked for in their order.
      if (place > 0) this.#found.splice(0, place);
      return found.bytes.subarray(offset - found.at + HEAD_BYTES, offset - found.at + HEAD_BYTES + head.bytes);
    }
    const frame = this.#frame(offset, HEAD_BYTES + head.bytes);
    const again = decodeHead(frame, seq);
    if (again === undefined || 'partial' in again) throw new Error(`share log: batch ${seq} is damaged or gone`);
    return frame.subarray(HEAD_BYTES);
  }

  /**
   * True if the bytes behind the last frame are damage, and not the rest of a write that a crash cut short. They are damage if the first
   * frame of a later write is complete, because that write began when all earlier ones were on disk. (Damage to a frame's length or
   * number hides the frames behind it.)
   */
  damaged(): boolean {
    const epoch = this.#heads.at(-1)?.epoch ?? 0;
    let seq = this.firstSeq + this.#heads.length;
    for (let at = this.#end; ; seq += 1) {
      const start = Buffer.alloc(HEAD_BYTES);
      this.#read(start, at);
      const bytes = frameBytes(start, seq);
      if (bytes === undefined) return false;
      const frame = Buffer.alloc(bytes);
      this.#read(frame, at);
      const head = decodeHead(frame, seq);
      const whole = head !== undefined && !('partial' in head);
      if (at > this.#end && whole && head.place === 0 && head.epoch >= epoch) return true;
      at += bytes;
    }
  }

  close(): void {
    closeSync(this.#fd);
  }

  /** So many bytes of the file, fewer at its end. Batches are mostly read one after another, and many are small. */
  #frame(from: number, length: number): Uint8Array {
    const at = from - this.#ahead.at;
    if (at >= 0 && at + length <= this.#ahead.bytes.length) return this.#ahead.bytes.subarray(at, at + length);
    // A new buffer each time: what was handed out stays.
    const bytes = Buffer.allocUnsafe(Math.max(length, Math.min(CHUNK_BYTES, this.#end - from)));
    this.#ahead = { at: from, bytes: bytes.subarray(0, this.#read(bytes, from)) };
    return this.#ahead.bytes.subarray(0, length);
  }

  /** Keeps chunks for `body`, the oldest of them least. */
  #keep(chunks: readonly Chunk[]): void {
    this.#found.push(...chunks);
    let bytes = this.#found.reduce((sum, chunk) => sum + chunk.bytes.length, 0);
    while (bytes > KEPT_BYTES_MAX) bytes -= this.#found.shift()?.bytes.length ?? bytes;
  }

  #read(into: Uint8Array, from: number): number {
    let have = 0;
    while (have < into.length) {
      const count = readSync(this.#fd, into, have, into.length - have, from + have);
      if (count === 0) break;
      have += count;
    }
    return have;
  }

  /** Takes the whole frames in `bytes`; returns how many bytes are needed to see the next one. */
  #take(bytes: Uint8Array): number | 'ended' {
    for (let at = 0; ; ) {
      const head = decodeHead(bytes.subarray(at), this.firstSeq + this.#heads.length);
      const before = this.#heads.at(-1);
      if (head === undefined) return 'ended';
      if ('partial' in head) return at === 0 ? head.partial : 0;
      if (before !== undefined && head.epoch < before.epoch) return 'ended';
      this.#heads.push(head);
      this.#offsets.push(this.#end);
      this.#end += HEAD_BYTES + head.bytes;
      at += HEAD_BYTES + head.bytes;
    }
  }
}
