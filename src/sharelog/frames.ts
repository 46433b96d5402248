import { limits } from '../limits.ts';
import type { EncodedBatch } from './open-batch.ts';

/**
 * Commits of share rows as they go over the local socket from a gateway to the pool. All numbers little-endian:
 *
 *     u32 bytes that follow | f64 handed over (pool clock, ms) | u32 segments | segments × (u32 rows, u32 bytes) | rows
 *
 * The answer is a u32 for each group commit: how many more of this connection's commits are on the disk.
 */

/** What a gateway commits. */
export interface Commit {
  readonly batches: readonly EncodedBatch[];
  /** Pool clock when it was handed over, ms. */
  readonly handedMs: number;
}

const LENGTH_BYTES = 4;
const HEAD_BYTES = 12;
const SEGMENT_BYTES = 8;
export const ANSWER_BYTES = 4;
const SEGMENTS_MAX = 1024;
/** A commit has at most what is in flight, and a row is shorter than this, names and all. */
const ROW_BYTES_MAX = 1024;
const FRAME_BYTES_MAX = limits.sharesInFlightMax * ROW_BYTES_MAX;

/** The pieces of a frame, to be written one after another; the rows are not copied. */
export function encodeFrame(batches: readonly EncodedBatch[], handedMs: number): Uint8Array[] {
  const head = Buffer.alloc(LENGTH_BYTES + HEAD_BYTES + SEGMENT_BYTES * batches.length);
  const rowsBytes = batches.reduce((sum, { length }) => sum + length, 0);
  head.writeUInt32LE(head.length - LENGTH_BYTES + rowsBytes, 0);
  head.writeDoubleLE(handedMs, LENGTH_BYTES);
  head.writeUInt32LE(batches.length, LENGTH_BYTES + 8);
  batches.forEach(({ kind, rows, length }, index) => {
    if (kind !== 'shares') throw new Error(`sharelog: a gateway has no rows of ${kind}`);
    head.writeUInt32LE(rows, LENGTH_BYTES + HEAD_BYTES + SEGMENT_BYTES * index);
    head.writeUInt32LE(length, LENGTH_BYTES + HEAD_BYTES + SEGMENT_BYTES * index + 4);
  });
  return [head, ...batches.map(({ buffer, length }) => new Uint8Array(buffer, 0, length))];
}

/** Puts frames together out of whatever chunks a stream delivers. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #bytes = 0;

  /** The commits that are whole now. Throws for bytes that are no frame: the connection is of no more use. */
  push(chunk: Buffer): Commit[] {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    const commits: Commit[] = [];
    for (let length = this.#frameBytes(); length !== undefined; length = this.#frameBytes()) {
      const all = this.#joined();
      commits.push(decodeFrame(all.subarray(LENGTH_BYTES, length)));
      this.#chunks = [all.subarray(length)];
      this.#bytes = all.length - length;
    }
    return commits;
  }

  /** Length of the first frame, its length field included; undefined while it is not whole. */
  #frameBytes(): number | undefined {
    if (this.#bytes < LENGTH_BYTES) return undefined;
    const [first] = this.#chunks;
    const head = first !== undefined && first.length >= LENGTH_BYTES ? first : this.#joined();
    const length = LENGTH_BYTES + head.readUInt32LE(0);
    if (length > FRAME_BYTES_MAX || length < LENGTH_BYTES + HEAD_BYTES) throw malformed(`of ${length} bytes`);
    return this.#bytes >= length ? length : undefined;
  }

  #joined(): Buffer {
    const [first] = this.#chunks;
    if (first !== undefined && this.#chunks.length === 1) return first;
    const all = Buffer.concat(this.#chunks);
    this.#chunks = [all];
    return all;
  }
}

function decodeFrame(frame: Buffer): Commit {
  const handedMs = frame.readDoubleLE(0);
  const segments = frame.readUInt32LE(8);
  if (segments > SEGMENTS_MAX || HEAD_BYTES + SEGMENT_BYTES * segments > frame.length) {
    throw malformed(`with ${segments} segments`);
  }
  let at = HEAD_BYTES + SEGMENT_BYTES * segments;
  const batches = Array.from({ length: segments }, (_, index) => {
    const rows = frame.readUInt32LE(HEAD_BYTES + SEGMENT_BYTES * index);
    const length = frame.readUInt32LE(HEAD_BYTES + SEGMENT_BYTES * index + 4);
    // A copy: the chunk may be part of a pooled buffer, and is let go so.
    const buffer = Uint8Array.from(frame.subarray(at, at + length)).buffer;
    at += length;
    return { kind: 'shares' as const, rows, length, buffer };
  });
  if (at !== frame.length) throw malformed('whose rows are not as long as it says');
  return { batches, handedMs };
}

function malformed(what: string): Error {
  return new Error(`sharelog: a frame ${what}`);
}
