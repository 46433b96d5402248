import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromDisplayHash, toDisplayHash } from '#base/bitcoin/bytes';
import { foldBranch, isMutated, merkleBranch, merkleRoot } from '#base/bitcoin/merkle';

/** Mainnet block 100000: its four txids. */
const block100000 = [
  '8c14f0db3df150123e6f3dbbf30f8b955a8249b62ac1d1ff16284aefa3d06d87',
  'fff2525b8931402dd09222c50775608f75787bd2b87e56995a7bdd30f79702c4',
  '6359f0868171b1d194cbee1af2f16ea598ae8fad666d9b012c8ed2b79a236ec4',
  'e9a66845e05d5abc0ad04ec80f774a7e585c6e8db975962d069a522137b80c1d',
].map((txid) => fromDisplayHash(txid) ?? new Uint8Array());

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });

describe('merkle', () => {
  it("comes to a mainnet block's root, by the tree and by the branch", () => {
    const root = 'f3e94742aca4b5ef85488dc37c06c3282295ffec960994b2c0d5ac2a25a95766';
    expect(toDisplayHash(merkleRoot(block100000))).toBe(root);
    const [coinbase = new Uint8Array(), ...others] = block100000;
    expect(toDisplayHash(foldBranch(coinbase, merkleBranch(others)))).toBe(root);
  });

  it('folds to the root for every number of transactions', () => {
    fc.assert(
      fc.property(fc.array(hash, { minLength: 1, maxLength: 70 }), (leaves) => {
        const [coinbase = new Uint8Array(), ...others] = leaves;
        const branch = merkleBranch(others);
        expect(foldBranch(coinbase, branch)).toEqual(merkleRoot(leaves));
        expect(branch.length).toBe(Math.ceil(Math.log2(leaves.length)));
      }),
      { numRuns: 60 },
    );
  });

  it('is the leaf itself if there is only one', () => {
    const leaf = new Uint8Array(32).fill(7);
    expect(merkleRoot([leaf])).toEqual(leaf);
    expect(merkleBranch([])).toEqual([]);
    expect(() => merkleRoot([])).toThrow(RangeError);
  });

  it('sees the tree that CVE-2012-2459 doubles', () => {
    const leaves = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte));
    const doubled = [...leaves, new Uint8Array(32).fill(3)];
    expect(merkleRoot(doubled)).toEqual(merkleRoot(leaves));
    expect(isMutated(leaves)).toBe(false);
    expect(isMutated(doubled)).toBe(true);
  });
});
