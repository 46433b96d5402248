/**
 * The kernel: SHA-256d for share verification, merkle branches and the built-in miner. All data lies in the shared
 * memory that layout.ts draws; callers check every bound, nothing here does.
 */
import { SHARE_BYTES, SHARES } from './layout';
import { initSha256 } from './sha256';
import { verifyShare } from './share';

export { digestBegin, digestBlocks, digestEnd } from './digest';
export * from './layout';
export { merkleBranch } from './merkle';
export { scan } from './scan';

/** Where the statics end; the first region must lie behind it. */
export function staticsEnd(): usize {
  return __heap_base;
}

/** Verifies shares 0…count−1 in place. */
export function run(count: u32): void {
  for (let index: u32 = 0; index < count; index++) verifyShare(SHARES + SHARE_BYTES * index);
}

initSha256();
