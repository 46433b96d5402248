import { EXTRANONCE1_BYTES } from '#base/domain/job';

const NO_EXTRANONCE = new Uint8Array(EXTRANONCE1_BYTES);

/** Where a client sits among the extranonces: no other mines with the same. Empty before subscribing. */
export class Seat {
  /** u32; undefined while it is empty. */
  extranonce: number | undefined;
  /** The same, big-endian. A new array for each: rows of the log are made with one as long as it is the same. */
  extranonce1: Uint8Array = NO_EXTRANONCE;
  /** What the client may name to sit here again after its connection is lost; empty where it was told nothing. */
  resumeId = '';
  /** When it was taken from a connection that was still open, monotonic ms. */
  seizedMs = Number.NEGATIVE_INFINITY;
  /** The client understands another extranonce in the middle of its work. */
  movable = false;

  take(extranonce: number, resumeId: string): void {
    this.extranonce = extranonce;
    this.resumeId = resumeId;
    this.extranonce1 = new Uint8Array(EXTRANONCE1_BYTES);
    new DataView(this.extranonce1.buffer).setUint32(0, extranonce);
  }

  /** What is still being judged was made with `extranonce1`, so that stays. */
  leave(): void {
    this.extranonce = undefined;
    this.resumeId = '';
  }
}
