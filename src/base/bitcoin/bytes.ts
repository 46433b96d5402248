/** Bytes and hex. A hash is 32 bytes in internal (little-endian) order; people read it reversed, in "display" order. */

/** Lower-case hex of the bytes as they stand. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/**
 * Strict hex: whole bytes, digits only, either case, of exactly `lengthBytes` if that is given; otherwise undefined.
 * The digits are looked at first, because Buffer stops silently at a bad one and reads some non-ASCII letters as digits.
 */
export function fromHex(text: string, lengthBytes?: number): Uint8Array | undefined {
  if (text.length % 2 !== 0 || /[^0-9a-fA-F]/.test(text)) return undefined;
  if (lengthBytes !== undefined && text.length !== lengthBytes * 2) return undefined;
  return new Uint8Array(Buffer.from(text, 'hex'));
}

/** A copy in the opposite order. */
export function reversed(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes).reverse();
}

/** A hash as block explorers and RPC print it: 64 hex digits, big-endian. */
export function toDisplayHash(hash: Uint8Array): string {
  return toHex(reversed(hash));
}

/** The 32 bytes (little-endian) of a printed hash; undefined unless it is 64 hex digits. */
export function fromDisplayHash(text: string): Uint8Array | undefined {
  return fromHex(text, 32)?.reverse();
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** Four bytes, little-endian. */
export function u32le(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

/** Bitcoin's CompactSize (varint) of a count up to 2^32 - 1. */
export function compactSize(count: number): Uint8Array {
  if (!Number.isInteger(count) || count < 0 || count > 0xffff_ffff) {
    throw new RangeError(`compactSize: ${count} is no count up to 2^32 - 1`);
  }
  if (count < 0xfd) return Uint8Array.of(count);
  if (count <= 0xffff) return Uint8Array.of(0xfd, count & 0xff, count >>> 8);
  return concatBytes([Uint8Array.of(0xfe), u32le(count)]);
}
