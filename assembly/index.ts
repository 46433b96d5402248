/**
 * The kernel: SHA-256d for share verification, merkle branches and the built-in miner. All data lies in the shared
 * memory that layout.ts draws; callers check every bound, nothing here does.
 */
import { initGroups } from './groups';
import { initSha256 } from './sha256';
import { runScalar } from './share';
import { runSimd } from './sharex8';

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
  if (ASC_FEATURE_SIMD) runSimd(count);
  else runScalar(count);
}

initSha256();
if (ASC_FEATURE_SIMD) initGroups();
