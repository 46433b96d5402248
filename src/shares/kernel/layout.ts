import { limits } from '#base/limits';

/**
 * The memory map, as assembly/layout.ts draws it; `assertLayout` compares every number with what a build exports.
 * Offsets and lengths are in bytes; `*_SLOT`, `*_HASH` and the like are offsets within their record.
 */
export const layout = {
  SCRATCH: 0x2000,
  SCRATCH_BYTES: 0x2000,
  SCAN: 0x4000,
  SCAN_BYTES: 0x100,
  SCAN_HEADER: 0,
  SCAN_TARGET: 96,
  SCAN_NONCE: 128,
  DIGEST: 0x4100,
  DIGEST_BYTES: 0x100,
  DIGEST_OUT: 32,
  BRANCH: 0x4200,
  BRANCH_BYTES: 0x400,
  WAITING: 0x5000,
  WAITING_BYTES: 0x1000,
  MEMO: 0x8000,
  MEMO_BYTES: 0x18000,
  MEMO_ENTRIES: 1024,
  MEMO_ENTRY_BYTES: 96,
  SHARES: 0x20000,
  SHARES_BYTES: 0x20000,
  SHARE_CAPACITY: 1024,
  SHARE_BYTES: 128,
  SHARE_SLOT: 0,
  SHARE_VERSION: 4,
  SHARE_NTIME: 8,
  SHARE_NONCE: 12,
  SHARE_TARGET: 16,
  SHARE_EXTRANONCE: 48,
  SHARE_HASH: 80,
  SHARE_STATUS: 112,
  JOBS: 0x40000,
  JOBS_BYTES: 0x168000,
  JOB_SLOTS: 64,
  JOB_BYTES: 23_040,
  JOB_COINB1_BYTES: 0,
  JOB_COINB2_BYTES: 4,
  JOB_EXTRANONCE_BYTES: 8,
  JOB_BRANCHES: 12,
  JOB_BITS: 16,
  JOB_PREPARED: 20,
  JOB_PREVIOUS_HASH: 64,
  JOB_NETWORK_TARGET: 96,
  JOB_BRANCH: 192,
  JOB_COINBASE: 2240,
  JOB_COINBASE_BYTES: 4160,
  COINBASE_BYTES_MAX: 4096,
  EXTRANONCE_BYTES_MAX: 32,
  MERKLE_BRANCHES_MAX: 32,
  BYTES: 0x1a8000,
  BYTES_BYTES: 0x100000,
  MEMORY_PAGES: 43,
} as const;

const regions = ['SCRATCH', 'SCAN', 'DIGEST', 'BRANCH', 'WAITING', 'MEMO', 'SHARES', 'JOBS', 'BYTES'] as const;

/**
 * Throws if a build was compiled with another map than this one, where regions overlap or records do not fill
 * theirs, or where the pool's limits ask for more than the map holds.
 */
export function assertLayout(exported: (name: string) => unknown, staticsEnd: number): void {
  for (const [name, value] of Object.entries(layout)) {
    if (exported(name) !== value) throw new Error(`kernel: ${name} is ${exported(name)} in the build, ${value} here`);
  }
  const must = (holds: boolean, relation: string): void => {
    if (!holds) throw new Error(`kernel: ${relation} does not hold`);
  };
  let end = staticsEnd;
  for (const region of regions) {
    must(end <= layout[region], `the region before ${region} ends where it starts`);
    end = layout[region] + layout[`${region}_BYTES`];
  }
  must(end <= layout.MEMORY_PAGES * 65_536, 'the regions fit the memory');
  must(layout.SHARE_CAPACITY * layout.SHARE_BYTES === layout.SHARES_BYTES, 'the shares fill their region');
  must(layout.JOB_SLOTS * layout.JOB_BYTES === layout.JOBS_BYTES, 'the job slots fill their region');
  must(limits.kernelBatchMax <= layout.SHARE_CAPACITY, 'kernelBatchMax <= SHARE_CAPACITY');
  must(limits.coinbaseBytesMax <= layout.COINBASE_BYTES_MAX, 'coinbaseBytesMax <= COINBASE_BYTES_MAX');
  must(limits.merkleBranchesMax <= layout.MERKLE_BRANCHES_MAX, 'merkleBranchesMax <= MERKLE_BRANCHES_MAX');
}
