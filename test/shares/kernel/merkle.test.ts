import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { foldBranch } from '#shares/kernel/reference';
import { blockVector, hex, kernels, nodeSha256d, noise, unhex } from './kernels.ts';

/** The root as Bitcoin Core computes it: pairs hashed level by level, an odd last one with itself. */
function root(leaves: readonly Uint8Array[]): string {
  let level = leaves.map(hex);
  while (level.length > 1) {
    level = Array.from({ length: Math.ceil(level.length / 2) }, (_, index) => {
      const left = level[2 * index] ?? '';
      return nodeSha256d(unhex(left + (level[2 * index + 1] ?? left)));
    });
  }
  return level[0] ?? '';
}

describe.each(kernels)('merkle branches, $name', ({ kernel, slow }) => {
  it.each([367_238, 367_240])('fold to the root in the header of mainnet block %i', (height) => {
    const { header, txids } = blockVector(height);
    const [coinbase, ...others] = txids;
    expect(others.length).toBeGreaterThan(1900);
    const branch = kernel.merkleBranch(others);
    expect(branch.length).toBe(Math.ceil(Math.log2(txids.length)));
    expect(hex(foldBranch(coinbase ?? new Uint8Array(), branch))).toBe(hex(header.subarray(36, 68)));
  });

  it('fold to the root of any number of leaves', () => {
    for (let count = 0; count <= (slow ? 20 : 130); count += 1) {
      const txids = Array.from({ length: count }, (_, index) => noise(32, 1000 * count + index));
      const coinbase = noise(32, count);
      const folded = foldBranch(coinbase, kernel.merkleBranch(txids));
      expect(hex(folded), `${count} transactions`).toBe(root([coinbase, ...txids]));
    }
  });

  // The plain reference would take minutes, and has no region to fill.
  if (!slow)
    it('take as many transactions as a block can have', () => {
      const txids = Array.from({ length: 16_666 }, (_, index) => noise(32, index));
      const coinbase = noise(32, 99_999);
      expect(hex(foldBranch(coinbase, kernel.merkleBranch(txids)))).toBe(root([coinbase, ...txids]));
    });

  it('depend on every leaf', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.nat(), (count, pick) => {
        const txids = Array.from({ length: count }, (_, index) => noise(32, index));
        const before = kernel.merkleBranch(txids).map(hex).join();
        txids[pick % count] = noise(32, 555);
        expect(kernel.merkleBranch(txids).map(hex).join()).not.toBe(before);
      }),
      { numRuns: 30 },
    );
  });
});
