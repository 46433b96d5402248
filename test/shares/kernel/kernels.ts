import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { type Kernel, KernelInstance } from '#shares/kernel/instance';
import { type KernelBuild, loadKernel } from '#shares/kernel/kernel';
import { type KernelJob, KernelMemory, type ShareBatch } from '#shares/kernel/memory';
import { ReferenceKernel } from '#shares/kernel/reference';

/** A kernel with the batch it works on, whatever build. */
export interface KernelUnderTest {
  readonly name: string;
  readonly kernel: Kernel;
  readonly batch: ShareBatch;
  /** The plain one is some hundred times slower, and gets smaller inputs where the number is what counts. */
  readonly slow: boolean;
}

function webAssembly(build: KernelBuild): KernelUnderTest {
  const memory = new KernelMemory();
  return { name: build, kernel: new KernelInstance(loadKernel({ build }), memory), batch: memory, slow: false };
}

const reference = new ReferenceKernel();

/** Every build: each suite runs on all of them. */
export const kernels: readonly KernelUnderTest[] = [
  { name: 'reference', kernel: reference, batch: reference, slow: true },
  webAssembly('scalar'),
  webAssembly('simd'),
];

/** node:crypto's opinion, as hex. */
export const nodeSha256 = (message: Uint8Array): string => createHash('sha256').update(message).digest('hex');
export const nodeSha256d = (message: Uint8Array): string =>
  createHash('sha256').update(createHash('sha256').update(message).digest()).digest('hex');

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
export const unhex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));

/** Bytes that look random but are the same each time; different for each seed. */
export function noise(length: number, seed: number): Uint8Array {
  let state = (seed ^ 0x9e3779b9) >>> 0;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 24;
  });
}

/** The number `target` that a compact `bits` stands for, 32 bytes little-endian (Bitcoin Core, arith_uint256.cpp). */
export function targetOfBits(bits: number): Uint8Array {
  const target = new Uint8Array(32);
  const exponent = bits >>> 24;
  for (let at = 0; at < 3; at += 1) {
    const position = exponent - 3 + at;
    if (position >= 0 && position < 32) target[position] = (bits >>> (8 * at)) & 0xff;
  }
  return target;
}

/** A little-endian number of 32 bytes, plus `delta`, wrapping. */
export function plus(number: Uint8Array, delta: bigint): Uint8Array {
  const value = BigInt(`0x${Buffer.from(number).reverse().toString('hex')}`);
  return Uint8Array.from(
    Buffer.from(
      BigInt.asUintN(256, value + delta)
        .toString(16)
        .padStart(64, '0'),
      'hex',
    ).reverse(),
  );
}

export const ZERO_TARGET = new Uint8Array(32);
export const FULL_TARGET = new Uint8Array(32).fill(0xff);

/** One share as putShare takes it. */
export interface Put {
  readonly slot: number;
  readonly extranonce1: Uint8Array;
  readonly extranonce2: Uint8Array;
  readonly version: number;
  readonly ntime: number;
  readonly nonce: number;
  readonly target: Uint8Array;
}

export function put(batch: ShareBatch, index: number, share: Put): void {
  const { slot, extranonce1, extranonce2, version, ntime, nonce, target } = share;
  batch.putShare(index, slot, extranonce1, extranonce2, version, ntime, nonce, target);
}

/** The hash of a share as node:crypto finds it, hex in internal order. */
export function expectedHash(job: KernelJob, share: Put): string {
  const coinbase = Buffer.concat([job.coinb1, share.extranonce1, share.extranonce2, job.coinb2]);
  const root = job.merkleBranch.reduce(
    (hash, sibling) => nodeSha256d(Buffer.concat([unhex(hash), sibling])),
    nodeSha256d(coinbase),
  );
  const header = Buffer.alloc(80);
  header.writeUInt32LE(share.version, 0);
  header.set(job.previousHash, 4);
  header.set(unhex(root), 36);
  header.writeUInt32LE(share.ntime, 68);
  header.writeUInt32LE(job.bits, 72);
  header.writeUInt32LE(share.nonce, 76);
  return nodeSha256d(header);
}

/** True if the hash, as a little-endian number, is at most the target. */
export function meets(hash: string, target: Uint8Array): boolean {
  return Buffer.compare(Buffer.from(hash, 'hex').reverse(), Buffer.from(target).reverse()) <= 0;
}

const u32 = fc.nat({ max: 0xffffffff });
const bytes = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length });
const target = fc.oneof(bytes(32), fc.constant(FULL_TARGET), fc.constant(ZERO_TARGET));

export const anyJob = (sizes: { coinbMax: number; branchesMax: number }): fc.Arbitrary<KernelJob> =>
  fc.record({
    coinb1: fc.uint8Array({ maxLength: sizes.coinbMax }),
    coinb2: fc.uint8Array({ maxLength: sizes.coinbMax }),
    extranonceBytes: fc.integer({ min: 1, max: 32 }),
    merkleBranch: fc.array(bytes(32), { maxLength: sizes.branchesMax }),
    previousHash: bytes(32),
    bits: u32,
    networkTarget: target,
  });

/** Shares of any of the jobs, in any order; every field differs from share to share. */
export const anyShares = (jobs: readonly KernelJob[], countMax: number): fc.Arbitrary<Put[]> =>
  fc.array(
    fc.nat({ max: jobs.length - 1 }).chain((slot) => {
      const length = jobs[slot]?.extranonceBytes ?? 0;
      return fc.nat({ max: length }).chain((first) =>
        fc.record({
          slot: fc.constant(slot),
          extranonce1: bytes(first),
          extranonce2: bytes(length - first),
          version: u32,
          ntime: u32,
          nonce: u32,
          target,
        }),
      );
    }),
    { maxLength: countMax },
  );

interface HeaderVector {
  readonly height: number;
  readonly header: string;
  readonly hash: string;
  readonly coinbase?: string;
}

const vector = (file: string): Buffer => readFileSync(new URL(`../../vectors/${file}`, import.meta.url));

export const headerVectors = JSON.parse(vector('headers.json').toString()) as HeaderVector[];
export const sha256Vectors = JSON.parse(vector('sha256.json').toString()) as { message: string; digest: string }[];

/** A real block: its header, and the txids of all its transactions, coinbase first. */
export function blockVector(height: number): { header: Uint8Array; txids: Uint8Array[] } {
  const data = Uint8Array.from(vector(`block-${height}.bin`));
  const txids: Uint8Array[] = [];
  for (let at = 80; at < data.length; at += 32) txids.push(data.subarray(at, at + 32));
  return { header: data.subarray(0, 80), txids };
}
