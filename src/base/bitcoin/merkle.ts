import { equalBytes } from './bytes.ts';
import { sha256d } from './sha256d.ts';

/**
 * Bitcoin's merkle tree (Bitcoin Core, consensus/merkle.cpp): pairs are hashed with double SHA-256, and the last hash of
 * an odd row is paired with itself. All hashes are 32 bytes in internal order. The plain reference of the kernel's build.
 */

/** The root over all leaves in order; a single leaf is its own root. Throws without a leaf. */
export function merkleRoot(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) throw new RangeError('merkleRoot: no leaves');
  let row = leaves;
  while (row.length > 1) row = parents(row);
  return Uint8Array.from(row[0] ?? []);
}

/**
 * The sibling hashes from the first leaf, the coinbase, up to the root. `txids` are the other leaves in order; the
 * coinbase itself is not needed. Empty if there is no other transaction.
 */
export function merkleBranch(txids: readonly Uint8Array[]): Uint8Array[] {
  const branch: Uint8Array[] = [];
  let row = txids;
  while (row.length > 0) {
    const [sibling, ...rest] = row;
    if (sibling) branch.push(sibling);
    row = parents(rest);
  }
  return branch;
}

/** The root that a leaf and its branch come to, the leaf being the leftmost. */
export function foldBranch(leaf: Uint8Array, branch: readonly Uint8Array[]): Uint8Array {
  return branch.reduce((hash, sibling) => sha256d(hash, sibling), leaf);
}

/** True if two hashes that get paired are equal: such a tree has a second list of leaves with the same root (CVE-2012-2459). */
export function isMutated(leaves: readonly Uint8Array[]): boolean {
  let row = leaves;
  while (row.length > 1) {
    for (let index = 0; index + 1 < row.length; index += 2) {
      const [left, right] = [row[index], row[index + 1]];
      if (left && right && equalBytes(left, right)) return true;
    }
    row = parents(row);
  }
  return false;
}

function parents(row: readonly Uint8Array[]): Uint8Array[] {
  const above: Uint8Array[] = [];
  for (let index = 0; index < row.length; index += 2) {
    const left = row[index];
    if (left) above.push(sha256d(left, row[index + 1] ?? left));
  }
  return above;
}
