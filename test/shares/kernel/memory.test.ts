import { describe, expect, it } from 'vitest';
import { limits } from '#base/limits';
import { KernelInstance } from '#shares/kernel/instance';
import { loadKernel } from '#shares/kernel/kernel';
import { assertLayout, layout } from '#shares/kernel/layout';
import { type KernelJob, KernelMemory } from '#shares/kernel/memory';
import { expectedHash, FULL_TARGET, hex, kernels, noise, type Put, put } from './kernels.ts';

const job: KernelJob = {
  coinb1: noise(50, 1),
  coinb2: noise(50, 2),
  extranonceBytes: 12,
  merkleBranch: [noise(32, 3)],
  previousHash: noise(32, 4),
  bits: 5,
  networkTarget: FULL_TARGET,
};
const share: Put = {
  slot: 0,
  extranonce1: noise(4, 5),
  extranonce2: noise(8, 6),
  version: 7,
  ntime: 8,
  nonce: 9,
  target: FULL_TARGET,
};

describe.each(kernels)('bounds, $name', ({ kernel, batch }) => {
  it('holds what the limits ask for', () => {
    expect(batch.capacity).toBeGreaterThanOrEqual(limits.kernelBatchMax);
    expect(batch.jobSlots).toBeGreaterThanOrEqual(16);
  });

  it('refuses jobs that do not fit, naming what does not', () => {
    const long = new Uint8Array(limits.coinbaseBytesMax);
    const branches = (count: number): Uint8Array[] => new Array<Uint8Array>(count).fill(noise(32, 1));
    const refuse = (changes: Partial<KernelJob>, message: RegExp): void => {
      expect(() => batch.loadJob(0, { ...job, ...changes })).toThrow(message);
    };
    refuse({ coinb1: long }, /coinbase of 4158 bytes/);
    refuse({ coinb2: long.subarray(50 + 12 - 1) }, /coinbase of 4097 bytes/);
    refuse({ merkleBranch: branches(33) }, /33 merkle branches/);
    refuse({ merkleBranch: [noise(31, 1)] }, /merkle branch of 31 bytes/);
    refuse({ extranonceBytes: 0 }, /extranonces of 0 bytes/);
    refuse({ extranonceBytes: 33 }, /extranonces of 33 bytes/);
    refuse({ extranonceBytes: 4.5 }, /extranonces of 4.5 bytes/);
    refuse({ previousHash: noise(33, 1) }, /previous hash of 33 bytes/);
    refuse({ networkTarget: noise(31, 1) }, /network target of 31 bytes/);
    batch.loadJob(0, { ...job, coinb2: long.subarray(50 + 12), merkleBranch: branches(32) });
  });

  it('refuses slots, places and lengths out of range', () => {
    batch.loadJob(0, job);
    for (const slot of [-1, batch.jobSlots, 0.5, Number.NaN]) {
      expect(() => batch.loadJob(slot, job)).toThrow(RangeError);
      expect(() => put(batch, 0, { ...share, slot })).toThrow(RangeError);
    }
    for (const index of [-1, batch.capacity, 0.5, Number.NaN]) {
      expect(() => put(batch, index, share)).toThrow(RangeError);
      expect(() => batch.hash(index)).toThrow(RangeError);
    }
    expect(() => put(batch, 0, { ...share, extranonce2: noise(9, 1) })).toThrow(/4 \+ 9 bytes, not 12/);
    expect(() => put(batch, 0, { ...share, extranonce1: noise(3, 1) })).toThrow(/3 \+ 8 bytes, not 12/);
    expect(() => put(batch, 0, { ...share, target: noise(31, 1) })).toThrow(/target of 31 bytes/);
    expect(() => kernel.run(batch.capacity + 1)).toThrow(RangeError);
    expect(() => kernel.run(-1)).toThrow(RangeError);
    expect(() => kernel.merkleBranch([noise(31, 1)])).toThrow(/txid of 31 bytes/);
  });
});

describe('KernelMemory', () => {
  it('can be filled and read through another view than the one that runs', () => {
    const code = loadKernel();
    const filled = new KernelMemory();
    const run = new KernelMemory(filled.memory);
    const instance = new KernelInstance(code, run);
    filled.loadJob(3, job);
    put(filled, 0, { ...share, slot: 3 });
    instance.run(1);
    expect(hex(filled.hash(0))).toBe(expectedHash(job, share));
    expect(filled.status(0)).toBe(3);
  });

  it('refuses a share for a slot without a job', () => {
    expect(() => put(new KernelMemory(), 0, share)).toThrow(/job slot 0 holds no job/);
  });

  it('keeps the jobs of two instances apart', () => {
    const code = loadKernel();
    const memories = [new KernelMemory(), new KernelMemory()];
    const instances = memories.map((memory) => new KernelInstance(code, memory));
    const jobs = [job, { ...job, coinb1: noise(60, 60) }];
    memories.forEach((memory, index) => {
      memory.loadJob(0, jobs[index] ?? job);
      put(memory, 0, share);
    });
    for (const instance of instances) instance.run(1);
    memories.forEach((memory, index) => {
      expect(hex(memory.hash(0))).toBe(expectedHash(jobs[index] ?? job, share));
    });
  });

  it('refuses a memory of another size', () => {
    expect(() => new KernelMemory({ buffer: new SharedArrayBuffer(65_536) })).toThrow(RangeError);
  });

  it('writes nothing outside its regions', () => {
    const memory = new KernelMemory();
    const instance = new KernelInstance(loadKernel(), memory);
    const lastSlot = memory.jobSlots - 1;
    const large = { ...job, coinb2: noise(4096 - 62, 1), merkleBranch: new Array<Uint8Array>(32).fill(noise(32, 2)) };
    const gaps = [
      [layout.BRANCH + layout.BRANCH_BYTES, layout.WAITING],
      [layout.WAITING + layout.WAITING_BYTES, layout.MEMO],
      [layout.BYTES + layout.BYTES_BYTES, memory.bytes.length],
    ] as const;
    for (const [from, to] of gaps) memory.bytes.fill(0xa5, from, to);
    for (let slot = 0; slot <= lastSlot; slot += 1) memory.loadJob(slot, large);
    for (let index = 0; index < memory.capacity; index += 1) put(memory, index, { ...share, slot: index % 64 });
    instance.run(memory.capacity);
    instance.sha256(noise(layout.BYTES_BYTES, 3));
    instance.merkleBranch(new Array<Uint8Array>(32_767).fill(noise(32, 4)));
    expect(() => instance.merkleBranch(new Array<Uint8Array>(32_768).fill(noise(32, 4)))).toThrow(RangeError);
    for (const [from, to] of gaps) expect(memory.bytes.subarray(from, to).every((byte) => byte === 0xa5)).toBe(true);
    for (let index = 0; index < memory.capacity; index += 1) {
      expect(hex(memory.hash(index))).toBe(expectedHash(large, share));
    }
  });
});

describe('loadKernel', () => {
  it('takes the SIMD build if the engine has SIMD, and either build on request', () => {
    expect(loadKernel().build).toBe('simd');
    expect(loadKernel({ build: 'scalar' }).build).toBe('scalar');
    expect(loadKernel({ build: 'simd' }).build).toBe('simd');
  });
});

describe('assertLayout', () => {
  const exported = (name: string): unknown => layout[name as keyof typeof layout];

  it('takes the map as it is, with statics up to the first region', () => {
    assertLayout(exported, layout.SCRATCH);
  });

  it('refuses statics that reach into the first region', () => {
    expect(() => assertLayout(exported, layout.SCRATCH + 1)).toThrow(/before SCRATCH/);
  });

  it.each(Object.keys(layout))('refuses a build with another %s', (name) => {
    expect(() => assertLayout((each) => (each === name ? 1234 : exported(each)), 0)).toThrow(`${name} is 1234`);
    expect(() => assertLayout((each) => (each === name ? undefined : exported(each)), 0)).toThrow(name);
  });
});
