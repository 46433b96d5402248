import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type KernelJob, MEETS_NETWORK_TARGET, MEETS_SHARE_TARGET } from '#shares/kernel/memory';
import {
  anyJob,
  anyShares,
  blockVector,
  expectedHash,
  FULL_TARGET,
  headerVectors,
  hex,
  kernels,
  meets,
  noise,
  type Put,
  plus,
  put,
  targetOfBits,
  unhex,
  ZERO_TARGET,
} from './kernels.ts';

const job = (overrides: Partial<KernelJob> = {}): KernelJob => ({
  coinb1: noise(110, 1),
  coinb2: noise(160, 2),
  extranonceBytes: 12,
  merkleBranch: Array.from({ length: 12 }, (_, index) => noise(32, 100 + index)),
  previousHash: noise(32, 3),
  bits: 0x1d00ffff,
  networkTarget: targetOfBits(0x1d00ffff),
  ...overrides,
});

/** A share with its own data everywhere. */
const share = (seed: number, slot = 0, extranonceBytes = 12): Put => ({
  slot,
  extranonce1: noise(Math.min(4, extranonceBytes), 1000 + seed),
  extranonce2: noise(extranonceBytes - Math.min(4, extranonceBytes), 2000 + seed),
  version: 0x20000000 + seed * 0x2000,
  ntime: 1_700_000_000 + seed,
  nonce: Math.imul(seed, 2_654_435_761) >>> 0,
  target: noise(32, 3000 + seed),
});

describe.each(kernels)('share verification, $name', ({ kernel, batch, slow }) => {
  /** Runs shares of jobs (a job's place in the list is its slot) and compares every result with node:crypto. */
  function check(jobs: readonly KernelJob[], shares: readonly Put[]): void {
    jobs.forEach((each, slot) => {
      batch.loadJob(slot, each);
    });
    recheck(jobs, shares);
  }

  function recheck(jobs: readonly KernelJob[], shares: readonly Put[]): void {
    shares.forEach((each, index) => {
      put(batch, index, each);
    });
    kernel.run(shares.length);
    shares.forEach((each, index) => {
      const its = jobs[each.slot];
      if (!its) throw new Error('no such job');
      const hash = expectedHash(its, each);
      expect(hex(batch.hash(index)), `hash of share ${index} of ${shares.length}`).toBe(hash);
      const status =
        (meets(hash, each.target) ? MEETS_SHARE_TARGET : 0) |
        (meets(hash, its.networkTarget) ? MEETS_NETWORK_TARGET : 0);
      expect(batch.status(index), `status of share ${index} of ${shares.length}`).toBe(status);
    });
  }

  const each = (count: number, make: (seed: number) => Put): Put[] =>
    Array.from({ length: count }, (_, seed) => make(seed));

  it('verifies a batch of any size, each share with data of its own', () => {
    const jobs = [job()];
    for (const count of slow ? [0, 1, 2, 3, 4, 5, 9] : [...Array(21).keys(), 31, 128, 255, 256]) {
      check(
        jobs,
        each(count, (seed) => share(seed + count)),
      );
    }
  });

  it('verifies coinb2 of every length from 0 to 200, and long ones', () => {
    const lengths = [...Array.from({ length: 201 }, (_, length) => length), 600, 1000, 4096 - 110 - 12];
    for (const length of lengths) {
      check(
        [job({ coinb2: noise(length, length), merkleBranch: [noise(32, length)] })],
        each(slow ? 1 : 5, (seed) => share(seed + length)),
      );
    }
  });

  it('verifies coinb1 of every length from 0 to 130, and the longest', () => {
    const lengths = [...Array.from({ length: 131 }, (_, length) => length), 4096 - 12];
    for (const length of lengths) {
      check(
        [job({ coinb1: noise(length, length), coinb2: new Uint8Array(0), merkleBranch: [] })],
        each(slow ? 1 : 5, (seed) => share(seed + length)),
      );
    }
  });

  it('verifies every extranonce length at every position in a block', () => {
    for (let length = 1; length <= 32; length += 1) {
      for (let before = slow ? length : 0; before < 64; before += slow ? 32 : 1) {
        check(
          [job({ coinb1: noise(before, before), extranonceBytes: length, merkleBranch: [] })],
          each(slow ? 1 : 4, (seed) => share(seed + length, 0, length)),
        );
      }
    }
  });

  it('verifies 0 to 32 merkle branches', () => {
    for (let count = 0; count <= 32; count += 1) {
      const merkleBranch = Array.from({ length: count }, (_, index) => noise(32, 64 * count + index));
      check(
        [job({ merkleBranch })],
        each(slow ? 1 : 4, (seed) => share(seed)),
      );
    }
  });

  it('keeps jobs in all slots apart, however their shares are interleaved', () => {
    const jobs = Array.from({ length: batch.jobSlots }, (_, slot) =>
      job({
        coinb1: noise(41 + slot, slot),
        coinb2: noise(3 * slot, 64 + slot),
        extranonceBytes: 1 + (slot % 32),
        previousHash: noise(32, 128 + slot),
        merkleBranch: Array.from({ length: slot % 5 }, (_, index) => noise(32, 1000 * slot + index)),
        bits: 0x1d00ffff + slot,
        networkTarget: slot % 2 === 0 ? FULL_TARGET : noise(32, slot),
      }),
    );
    const order = Array.from({ length: slow ? batch.jobSlots : batch.capacity }, (_, seed) => {
      const slot = (seed * 7 + (seed >> 3)) % jobs.length;
      return share(seed, slot, jobs[slot]?.extranonceBytes);
    });
    check(jobs, order);
  });

  it('takes a new job in a used slot, with the same extranonces as before', () => {
    const shares = each(9, (seed) => share(seed));
    check([job()], shares);
    check([job({ coinb1: noise(64, 77) })], shares);
    check([job({ coinb2: noise(10, 78) })], shares);
    check([job({ merkleBranch: [noise(32, 79)] })], shares);
    check([job({ previousHash: noise(32, 80) })], shares);
  });

  it('verifies an extranonce again under other nonces, times and versions', () => {
    const jobs = [job(), job({ coinb1: noise(100, 9) })];
    const base = share(5);
    check(jobs, [base, base]);
    for (let round = 0; round < (slow ? 2 : 20); round += 1) {
      const shares = each(11, (seed) => {
        const other = share(seed + 11 * round, seed % 2);
        const { extranonce1, extranonce2 } = seed % 3 === 0 ? other : base;
        return { ...other, extranonce1, extranonce2 };
      });
      recheck(jobs, shares);
    }
  });

  it('tells extranonces apart by every single byte', () => {
    for (let length = 1; length <= (slow ? 3 : 32); length += 1) {
      const jobs = [job({ extranonceBytes: length, merkleBranch: [] })];
      const base = share(length, 0, length);
      check(jobs, [base]);
      for (let at = 0; at < length; at += 1) {
        const extranonce = Uint8Array.from([...base.extranonce1, ...base.extranonce2]);
        extranonce[at] = (extranonce[at] ?? 0) ^ 0x80;
        recheck(jobs, [
          { ...base, extranonce1: extranonce.subarray(0, 1), extranonce2: extranonce.subarray(1) },
          { ...base, nonce: at },
        ]);
      }
    }
  });

  it('counts a hash equal to the target as meeting it, one above as not', () => {
    const plain = share(1);
    const hash = unhex(expectedHash(job(), plain));
    for (const delta of [-1n, 0n, 1n, 2n ** 64n, -(2n ** 64n), 2n ** 128n, -(2n ** 192n), 2n ** 255n]) {
      const target = plus(hash, delta);
      check([job({ networkTarget: plus(hash, -delta) })], [plain, { ...plain, target }]);
    }
    check([job({ networkTarget: hash })], [{ ...plain, target: hash }]);
    expect(batch.status(0)).toBe(MEETS_SHARE_TARGET | MEETS_NETWORK_TARGET);
    check([job({ networkTarget: plus(hash, 1n) })], [{ ...plain, target: plus(hash, -1n) }]);
    expect(batch.status(0)).toBe(MEETS_NETWORK_TARGET);
    check([job({ networkTarget: ZERO_TARGET })], [{ ...plain, target: FULL_TARGET }]);
    expect(batch.status(0)).toBe(MEETS_SHARE_TARGET);
  });

  it('compares targets in every byte', () => {
    const plain = share(2);
    const hash = unhex(expectedHash(job(), plain));
    const shares = Array.from({ length: 64 }, (_, bit) => ({
      ...plain,
      target: plus(hash, (bit % 2 === 0 ? 1n : -1n) << BigInt(8 * (bit >> 1))),
    }));
    check([job()], shares);
  });

  it('finds the real block 367240 as a block, wherever its coinbase is cut', () => {
    const vector = headerVectors.find(({ height }) => height === 367_240);
    const { header, txids } = blockVector(367_240);
    const coinbase = unhex(vector?.coinbase ?? '');
    const view = new DataView(header.buffer, header.byteOffset);
    const merkleBranch = kernel.merkleBranch(txids.slice(1));
    const step = slow ? 24 : 1;
    for (let cut = 0; cut + 12 <= coinbase.length; cut += step) {
      batch.loadJob(0, {
        coinb1: coinbase.subarray(0, cut),
        coinb2: coinbase.subarray(cut + 12),
        extranonceBytes: 12,
        merkleBranch,
        previousHash: header.subarray(4, 36),
        bits: view.getUint32(72, true),
        networkTarget: targetOfBits(view.getUint32(72, true)),
      });
      put(batch, 0, {
        slot: 0,
        extranonce1: coinbase.subarray(cut, cut + 4),
        extranonce2: coinbase.subarray(cut + 4, cut + 12),
        version: view.getUint32(0, true),
        ntime: view.getUint32(68, true),
        nonce: view.getUint32(76, true),
        target: FULL_TARGET,
      });
      kernel.run(1);
      expect(hex(batch.hash(0).slice().reverse()), `cut at ${cut}`).toBe(vector?.hash);
      expect(batch.status(0)).toBe(MEETS_SHARE_TARGET | MEETS_NETWORK_TARGET);
    }
  });

  it('agrees with node:crypto on any jobs and shares', () => {
    const jobs = fc.array(anyJob({ coinbMax: slow ? 150 : 500, branchesMax: slow ? 4 : 16 }), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(
        jobs.chain((list) => fc.tuple(fc.constant(list), anyShares(list, slow ? 6 : 40))),
        ([list, shares]) => check(list, shares),
      ),
      { numRuns: slow ? 20 : 100 },
    );
  });
});
