import { describe, expect, it } from 'vitest';
import {
  FULL_TARGET,
  headerVectors,
  kernels,
  meets,
  nodeSha256d,
  noise,
  plus,
  targetOfBits,
  unhex,
  ZERO_TARGET,
} from './kernels.ts';

/** The first of the nonces that meets the target, the long way. */
function firstNonce(header: Uint8Array, target: Uint8Array, first: number, count: number): number | undefined {
  const tried = Buffer.from(header);
  for (let index = 0; index < count; index += 1) {
    const nonce = (first + index) % 2 ** 32;
    tried.writeUInt32LE(nonce, 76);
    if (meets(nodeSha256d(tried), target)) return nonce;
  }
  return undefined;
}

describe.each(kernels)('scan, $name', ({ kernel, slow }) => {
  it.each(headerVectors)('finds the nonce of mainnet block $height', ({ header }) => {
    const bytes = unhex(header);
    const view = new DataView(bytes.buffer);
    const nonce = view.getUint32(76, true);
    const target = targetOfBits(view.getUint32(72, true));
    const before = slow ? 3 : 1001;
    bytes.fill(0xee, 76);
    expect(kernel.scan(bytes, target, nonce - before, before + 5)).toBe(nonce);
    expect(kernel.scan(bytes, target, nonce, 1)).toBe(nonce);
    expect(kernel.scan(bytes, target, nonce - before, before)).toBeUndefined();
    expect(kernel.scan(bytes, target, nonce + 1, slow ? 3 : 1000)).toBeUndefined();
  });

  it('finds the first of several, from any start', () => {
    const target = FULL_TARGET.slice();
    target[31] = 0x0f;
    for (let seed = 0; seed < (slow ? 10 : 200); seed += 1) {
      const header = noise(80, seed);
      const first = 0xffffff00 + seed;
      expect(kernel.scan(header, target, first % 2 ** 32, 64), `header ${seed}`).toBe(
        firstNonce(header, target, first % 2 ** 32, 64),
      );
    }
  });

  it('compares below the top word too', () => {
    const header = noise(80, 7);
    const hash = unhex(nodeSha256d(Buffer.concat([header.subarray(0, 76), Uint8Array.of(5, 0, 0, 0)])));
    expect(kernel.scan(header, hash, 5, 1)).toBe(5);
    for (let at = 0; at < 32; at += 1) {
      const target = hash.slice();
      if (target[at] === 0) continue;
      target[at] = (target[at] ?? 0) - 1;
      expect(kernel.scan(header, target, 5, 1), `byte ${at}`).toBeUndefined();
    }
  });

  it('goes on behind a nonce that meets the target in the top word alone', () => {
    for (let seed = 0; seed < (slow ? 5 : 50); seed += 1) {
      const header = noise(80, 1000 + seed);
      const hashes = Array.from({ length: 4 }, (_, nonce) =>
        nodeSha256d(Buffer.concat([header.subarray(0, 76), Uint8Array.of(nonce, 0, 0, 0)])),
      );
      const least = hashes.reduce((one, other) => (meets(one, unhex(other)) ? one : other));
      const target = plus(unhex(least), -1n);
      expect(kernel.scan(header, target, 0, 60), `header ${seed}`).toBe(firstNonce(header, target, 0, 60));
    }
  });

  it('takes any count, also none and across the end of the nonces', () => {
    const header = noise(80, 8);
    expect(kernel.scan(header, FULL_TARGET, 9, 0)).toBeUndefined();
    expect(kernel.scan(header, FULL_TARGET, 0xffffffff, 7)).toBe(0xffffffff);
    for (let count = 0; count < 9; count += 1) {
      expect(kernel.scan(header, ZERO_TARGET, 0xfffffffe, count)).toBeUndefined();
    }
  });

  it('leaves the header alone and refuses what has not the shape of one', () => {
    const header = noise(80, 9);
    const before = header.slice();
    kernel.scan(header, FULL_TARGET, 3, 1);
    expect(header).toEqual(before);
    expect(() => kernel.scan(header.subarray(1), FULL_TARGET, 0, 1)).toThrow(RangeError);
    expect(() => kernel.scan(header, FULL_TARGET.subarray(1), 0, 1)).toThrow(RangeError);
    expect(() => kernel.scan(header, FULL_TARGET, -1, 1)).toThrow(RangeError);
    expect(() => kernel.scan(header, FULL_TARGET, 0, 2 ** 32)).toThrow(RangeError);
    expect(() => kernel.scan(header, FULL_TARGET, 0.5, 1)).toThrow(RangeError);
  });
});
