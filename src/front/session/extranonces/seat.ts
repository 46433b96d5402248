import { EXTRANONCE1_BYTES } from '#base/domain/job';
import type { Source } from '#base/domain/share';

const NO_EXTRANONCE = new Uint8Array(EXTRANONCE1_BYTES);

/** Where a client sits among the extranonces: no other mines with the same. Empty before subscribing. */
export class Seat {
  /** u32; undefined while it is empty. */
  extranonce: number | undefined;
  /** Where the shares of whoever sits here come from; a new object whenever something of it changes. */
  source: Source;
  /** What the client may name to sit here again after its connection is lost; empty if it was told nothing. */
  resumeId = '';
  /** When it was taken from a connection that was still open, monotonic ms. */
  seizedMs = Number.NEGATIVE_INFINITY;
  /** The client understands another extranonce in the middle of its work. */
  movable = false;

  constructor(sessionId: bigint, remoteIp: string) {
    this.source = { sessionId, extranonce1: NO_EXTRANONCE, remoteIp, userAgent: '' };
  }

  take(extranonce: number, resumeId: string): void {
    this.extranonce = extranonce;
    this.resumeId = resumeId;
    const extranonce1 = new Uint8Array(EXTRANONCE1_BYTES);
    new DataView(extranonce1.buffer).setUint32(0, extranonce);
    this.source = { ...this.source, extranonce1 };
  }

  /** The client has said what software it is. */
  introduce(userAgent: string): void {
    this.source = { ...this.source, userAgent };
  }

  /** What is still being judged was made with its source, so that stays. */
  leave(): void {
    this.extranonce = undefined;
    this.resumeId = '';
  }
}
