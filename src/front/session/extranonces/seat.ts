import { EXTRANONCE1_BYTES } from '#base/domain/job';
import type { Source } from '#base/domain/share';

const NO_EXTRANONCE = new Uint8Array(EXTRANONCE1_BYTES);

/** A client's place in the extranonce space, which no other client has. Empty before subscribing. */
export class Seat {
  /** u32; undefined while it is empty. */
  extranonce: number | undefined;
  /** The source of shares made with this extranonce; a new object for each change. */
  source: Source;
  /** The session id with which the client may resume; empty if it was sent none. */
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

  /** Pending shares refer to the old source object, so the object is not changed. */
  leave(): void {
    this.extranonce = undefined;
    this.resumeId = '';
  }
}
