import { sha256d } from './sha256d.ts';

/** A block header taken apart (Bitcoin Core, primitives/block.h). Hashes in internal order; all numbers u32. */
export interface Header {
  readonly version: number;
  /** 32 bytes. */
  readonly previousHash: Uint8Array;
  /** 32 bytes. */
  readonly merkleRoot: Uint8Array;
  /** UNIX seconds. */
  readonly time: number;
  /** Compact target. */
  readonly bits: number;
  readonly nonce: number;
}

export const HEADER_BYTES = 80;

/** 80 bytes, integers little-endian. Throws if a hash is not 32 bytes long. */
export function encodeHeader(header: Header): Uint8Array {
  if (header.previousHash.length !== 32) throw new RangeError('header: previousHash must be 32 bytes');
  if (header.merkleRoot.length !== 32) throw new RangeError('header: merkleRoot must be 32 bytes');
  const bytes = new Uint8Array(HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, header.version, true);
  bytes.set(header.previousHash, 4);
  bytes.set(header.merkleRoot, 36);
  view.setUint32(68, header.time, true);
  view.setUint32(72, header.bits, true);
  view.setUint32(76, header.nonce, true);
  return bytes;
}

/** Reads the first 80 bytes; undefined if there are fewer. */
export function decodeHeader(bytes: Uint8Array): Header | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES);
  return {
    version: view.getUint32(0, true),
    previousHash: bytes.slice(4, 36),
    merkleRoot: bytes.slice(36, 68),
    time: view.getUint32(68, true),
    bits: view.getUint32(72, true),
    nonce: view.getUint32(76, true),
  };
}

/** The block hash: double SHA-256 of the 80 bytes, internal order. */
export function headerHash(header: Uint8Array): Uint8Array {
  return sha256d(header.subarray(0, HEADER_BYTES));
}
