import { closeSync, fdatasyncSync, openSync, readSync } from 'node:fs';
import { type BatchHead, decodeHead, frameBytes, HEAD_BYTES } from './segment.ts';
import { segmentPath } from './segment-files.ts';

const CHUNK_BYTES = 256 * 1024;

/** Reads one segment from its start on, as far as it is written. */
export class SegmentReader {
  readonly firstSeq: number;
  readonly #fd: number;
  readonly #heads: BatchHead[] = [];
  /** Where the frame of each head begins. */
  readonly #offsets: number[] = [];
  #end = 0;
  /** Bytes of the file from `#aheadAt` on, for the batches that are asked for next. */
  #ahead: Uint8Array = new Uint8Array(0);
  #aheadAt = 0;

  /** Throws ENOENT where there is no such segment (any more). */
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
   * Looks for frames behind those known. What it finds is on the disk when it returns: the writer may still be waiting for
   * that, so it is asked for here once more.
   */
  extend(): void {
    const known = this.#heads.length;
    const end = this.#end;
    let chunk: Uint8Array = Buffer.allocUnsafe(CHUNK_BYTES);
    for (;;) {
      const bytes = chunk.subarray(0, this.#read(chunk, this.#end));
      const found = this.#take(bytes);
      if (found === 'ended') break;
      // A frame may be longer than the chunk; one that is longer than the file is none yet.
      if (found > bytes.length) {
        if (bytes.length < chunk.length) break;
        chunk = Buffer.allocUnsafe(found);
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
  }

  /** The rows of the batch `seq`, which `heads` has. Throws where the file has been written over meanwhile. */
  body(seq: number): Uint8Array {
    const index = seq - this.firstSeq;
    const head = this.#heads[index];
    if (head === undefined) throw new RangeError(`share log: batch ${seq} is not in the segment ${this.firstSeq}`);
    const frame = this.#frame(this.#offsets[index] ?? 0, HEAD_BYTES + head.bytes);
    const again = decodeHead(frame, seq);
    if (again === undefined || 'partial' in again) throw new Error(`share log: batch ${seq} is damaged or gone`);
    return frame.subarray(HEAD_BYTES);
  }

  /**
   * Whether what stands behind the last frame is damaged, and not the rest of a write that a crash cut short: the first
   * frame of a later write is whole there, and that one began when all before it was on the disk. (Damage to the length
   * or the number of a frame hides what is behind it.)
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
    const at = from - this.#aheadAt;
    if (at >= 0 && at + length <= this.#ahead.length) return this.#ahead.subarray(at, at + length);
    // A new buffer each time: what was handed out stays.
    const ahead = Buffer.allocUnsafe(Math.max(length, Math.min(CHUNK_BYTES, this.#end - from)));
    this.#ahead = ahead.subarray(0, this.#read(ahead, from));
    this.#aheadAt = from;
    return this.#ahead.subarray(0, length);
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
