import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  compactSize,
  concatBytes,
  equalBytes,
  fromDisplayHash,
  fromHex,
  reversed,
  toDisplayHash,
  toHex,
  u32le,
} from '#base/bitcoin/bytes';

describe('hex', () => {
  it('goes there and back, in either case', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(fromHex(toHex(bytes))).toEqual(bytes);
        expect(fromHex(toHex(bytes).toUpperCase())).toEqual(bytes);
      }),
    );
  });

  // U+0141 looks like 'A' to Buffer's decoder, which keeps only the low byte of each character.
  it.each(['0', '0g', '0x00', ' 00', '00 ', '00\0\0', '\u0141\u0142', 'zz'])('refuses %j', (text) => {
    expect(fromHex(text)).toBeUndefined();
  });

  it('holds to a given length', () => {
    expect(fromHex('0102', 2)).toEqual(Uint8Array.of(1, 2));
    expect(fromHex('0102', 1)).toBeUndefined();
    expect(fromHex('0102', 3)).toBeUndefined();
    expect(fromHex('')).toEqual(new Uint8Array());
  });

  it('is a copy, not a view of its argument', () => {
    const bytes = Uint8Array.of(1, 2, 3);
    reversed(bytes);
    expect(bytes).toEqual(Uint8Array.of(1, 2, 3));
  });

  it('reads and prints hashes in display order', () => {
    const text = `${'00'.repeat(31)}ff`;
    const hash = fromDisplayHash(text);
    expect(hash?.[0]).toBe(0xff);
    expect(toDisplayHash(hash ?? new Uint8Array())).toBe(text);
    expect(fromDisplayHash(text.slice(2))).toBeUndefined();
  });
});

describe('bytes', () => {
  it('compares by content and length', () => {
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(true);
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false);
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1))).toBe(false);
  });

  it('joins, and writes integers little-endian', () => {
    expect(concatBytes([u32le(0x01020304), Uint8Array.of(9)])).toEqual(Uint8Array.of(4, 3, 2, 1, 9));
  });

  it('writes compact sizes at each width', () => {
    expect(toHex(compactSize(0xfc))).toBe('fc');
    expect(toHex(compactSize(0xfd))).toBe('fdfd00');
    expect(toHex(compactSize(0xffff))).toBe('fdffff');
    expect(toHex(compactSize(0x10000))).toBe('fe00000100');
    expect(() => compactSize(-1)).toThrow(RangeError);
    expect(() => compactSize(2 ** 32)).toThrow(RangeError);
  });
});
