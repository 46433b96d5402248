import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { headerVectors, hex, kernels, nodeSha256, nodeSha256d, noise, sha256Vectors, unhex } from './kernels.ts';

describe.each(kernels)('SHA-256, $name', ({ kernel, slow }) => {
  it.each(sha256Vectors)('agrees with NIST on "$message"', ({ message, digest }) => {
    expect(hex(kernel.sha256(unhex(message)))).toBe(digest);
  });

  it("agrees with NIST on a million a's", () => {
    const message = new Uint8Array(1_000_000).fill(0x61);
    const digest = 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0';
    expect(hex(kernel.sha256(message))).toBe(digest);
  });

  it('agrees with node:crypto on every length from 0 to 320, once and twice', () => {
    for (let length = 0; length <= 320; length += 1) {
      const message = noise(length, length);
      expect(hex(kernel.sha256(message)), `${length} bytes`).toBe(nodeSha256(message));
      expect(hex(kernel.sha256d(message)), `${length} bytes twice`).toBe(nodeSha256d(message));
    }
  });

  it('agrees on all-zero and all-one messages around every padding edge', () => {
    for (const length of [55, 56, 57, 63, 64, 65, 119, 120, 127, 128, 183, 184]) {
      for (const fill of [0x00, 0xff]) {
        const message = new Uint8Array(length).fill(fill);
        expect(hex(kernel.sha256(message)), `${length} × ${fill}`).toBe(nodeSha256(message));
      }
    }
  });

  // The plain reference would take minutes; it has no memory region to outgrow.
  if (!slow)
    it('hashes messages longer than the memory region that takes them', () => {
      for (const length of [2 ** 20 - 128, 2 ** 20 - 127, 2 ** 20, 2 ** 21 + 1, 3 * 2 ** 20 - 384]) {
        const message = noise(length, length);
        expect(hex(kernel.sha256(message)), `${length} bytes`).toBe(nodeSha256(message));
      }
    });

  it('agrees with node:crypto on any message', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (message) => {
        expect(hex(kernel.sha256d(message))).toBe(nodeSha256d(message));
      }),
    );
  });

  it.each(headerVectors)('finds the hash of mainnet block $height', ({ header, hash }) => {
    expect(hex(kernel.sha256d(unhex(header)).reverse())).toBe(hash);
  });
});
