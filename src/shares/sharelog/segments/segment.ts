import { crc32 } from 'node:zlib';
import { limits } from '#base/limits';
import { type BatchKind, batchKinds } from '../rows/rows.ts';

/**
 * The log on the disk: files of frames, each named after the sequence number of its first frame. A frame is a batch
 * behind its head; numbers are little-endian, f64 where they outgrow 32 bits:
 *
 *      0  u32  CRC-32 of everything that follows
 *      4  u32  bytes of rows behind the head
 *      8  u32  rows
 *     12  u8   kind (rows.ts, batchKinds)
 *     13  u8   layout of the rows (rows.ts, ROW_FORMAT)
 *     14  u16  0
 *     16  f64  sequence number, from 1, without gaps, never used again
 *     24  f64  rows of all batches ever written, up to and including this one
 *     32  f64  bytes of all batches ever written, likewise
 *     40  f64  when it was handed to the log, pool clock, ms
 *     48  u32  boot of the journal that wrote it
 *     52  u32  place in the write that brought it here: 0 for its first frame
 *     56       the rows
 *
 * A file is reused for a later segment, so any bytes may follow the last frame: zeros, frames of an older segment, the rest of an
 * interrupted write. The log ends before the first place without a complete frame of the next sequence number. It also ends before a
 * frame of an earlier boot than the frame before it: such a frame is the rest of an interrupted write, and the frame before it was
 * written over that write's beginning.
 */
export const HEAD_BYTES = 56;
/** A batch is closed off by the row that reaches its bound. */
const BODY_BYTES_MAX = limits.logBatchBytesMax * 2;

/** A batch without its rows. */
export interface BatchHead {
  readonly seq: number;
  readonly kind: BatchKind;
  /** Layout of the rows (rows.ts, ROW_FORMAT). */
  readonly format: number;
  readonly rows: number;
  readonly bytes: number;
  /** Rows of all batches ever written, up to and including this one. */
  readonly rowsTotal: number;
  readonly bytesTotal: number;
  /** Pool clock when it was handed to the log, ms. */
  readonly storedMs: number;
  /** How often the journal had been opened until then. */
  readonly epoch: number;
  /** Frames of the same write before it. A write begins when the one before it is on the disk. */
  readonly place: number;
}

const kindNames: ReadonlyMap<number, BatchKind> = new Map(
  Object.entries(batchKinds).map(([name, number]) => [number, name as BatchKind]),
);

/** The head that makes a frame of these rows. */
export function encodeHead(head: BatchHead, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HEAD_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(4, body.length, true);
  view.setUint32(8, head.rows, true);
  view.setUint8(12, batchKinds[head.kind]);
  view.setUint8(13, head.format);
  view.setFloat64(16, head.seq, true);
  view.setFloat64(24, head.rowsTotal, true);
  view.setFloat64(32, head.bytesTotal, true);
  view.setFloat64(40, head.storedMs, true);
  view.setUint32(48, head.epoch, true);
  view.setUint32(52, head.place, true);
  view.setUint32(0, crc32(body, crc32(bytes.subarray(4))), true);
  return bytes;
}

/** How long the frame `seq` says it is in its head, whatever follows that; undefined if it is no such head. */
export function frameBytes(head: Uint8Array, seq: number): number | undefined {
  return lengthIn(new DataView(head.buffer, head.byteOffset, head.length), seq);
}

function lengthIn(view: DataView, seq: number): number | undefined {
  const length = view.getUint32(4, true);
  return view.getFloat64(16, true) === seq && length <= BODY_BYTES_MAX ? HEAD_BYTES + length : undefined;
}

/**
 * The frame `seq` at the start of `bytes`. `partial`: it may be one, with more bytes (so many in all). Undefined if
 * it is none. Throws for a whole frame of a kind that this version does not know.
 */
export function decodeHead(bytes: Uint8Array, seq: number): BatchHead | { readonly partial: number } | undefined {
  if (bytes.length < HEAD_BYTES) return { partial: HEAD_BYTES };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = lengthIn(view, seq);
  if (length === undefined) return undefined;
  if (bytes.length < length) return { partial: length };
  if (crc32(bytes.subarray(4, length)) !== view.getUint32(0, true)) return undefined;
  const kind = kindNames.get(view.getUint8(12));
  if (kind === undefined) throw new Error(`share log: batch ${seq} is of an unknown kind ${view.getUint8(12)}`);
  return {
    seq,
    kind,
    format: view.getUint8(13),
    rows: view.getUint32(8, true),
    bytes: length - HEAD_BYTES,
    rowsTotal: view.getFloat64(24, true),
    bytesTotal: view.getFloat64(32, true),
    storedMs: view.getFloat64(40, true),
    epoch: view.getUint32(48, true),
    place: view.getUint32(52, true),
  };
}
