import { fromDisplayHash, fromHex } from '#base/bitcoin/bytes';
import { readCoinbase } from '#base/bitcoin/coinbase-reader';
import { difficultyOfTarget, targetOfBits, targetToBytes } from '#base/bitcoin/target';
import { SERIAL_DIGITS } from '#base/domain/ids';
import { VARIANT_BYTES } from '#base/domain/job';
import { assertJob, type KernelJob } from '#shares/kernel/memory';
import type { Row } from '#shares/sharelog/rows/row-reader';
import type { Differences } from './differences.ts';
import { HOLE_BYTES } from './share-hasher.ts';

/** A job as the table `jobs` has it. */
export interface AuditedJob {
  readonly jobId: string;
  readonly serial: number;
  readonly height: number;
  readonly bits: number;
  readonly minTime: number;
  readonly curTime: number;
  readonly rewardSats: bigint;
  /** The job with whose slice the window ends that its coinbase pays by; empty if it does not. */
  readonly windowEnd: string;
  /** What its headers are built from; undefined if the row can not be read. */
  readonly kernelJob: KernelJob | undefined;
  /** The same with coinbases that pay accounts of their own, by what share-rows.ts calls them. */
  readonly ownCoinbases: Map<bigint, KernelJob>;
}

/** The job with another `coinb2` (hex) of its shares; undefined, and a difference, unless that makes a coinbase of the same value. */
export function withCoinbase(
  { jobId, rewardSats, kernelJob }: AuditedJob,
  coinb2: string,
  differences: Differences,
): KernelJob | undefined {
  const bytes = fromHex(coinb2);
  const own = kernelJob && bytes && { ...kernelJob, coinb2: bytes };
  if (own === undefined || !fitsKernel(own)) {
    differences.add('share', `job ${jobId}: no header can be built with the coinb2 ${coinb2} of its shares`);
    return undefined;
  }
  const coinbase = readCoinbase(Buffer.concat([own.coinb1, Buffer.alloc(HOLE_BYTES), own.coinb2]));
  const what = `what a coinbase of job ${jobId} pays that has the coinb2 ${coinb2}`;
  differences.compare('share', what, coinbase?.totalSats ?? -1n, rewardSats);
  return own;
}

/** Reads a row of `jobs`, and compares what follows from it with what else it says. */
export function auditJob(row: Row, differences: Differences): AuditedJob {
  const jobId = String(row['job_id']);
  const kernelJob = kernelJobOf(row);
  const job: AuditedJob = {
    jobId,
    serial: Number.parseInt(jobId.slice(0, SERIAL_DIGITS), 16),
    height: Number(row['height']),
    bits: Number(row['nbits']),
    minTime: Number(row['min_time']),
    curTime: Number(row['cur_time']),
    rewardSats: row['reward_sats'] as bigint,
    windowEnd: String(row['window_end']),
    kernelJob,
    ownCoinbases: new Map(),
  };
  if (kernelJob === undefined) {
    differences.add('job', `job ${jobId}: no header can be built from its row`);
    return job;
  }
  const target = targetOfBits(job.bits) ?? 0n;
  const networkDifficulty = difficultyOfTarget(target);
  differences.compare(
    'job',
    `the network difficulty of job ${jobId}`,
    Number(row['network_difficulty']),
    networkDifficulty,
  );
  const coinbase = readCoinbase(Buffer.concat([kernelJob.coinb1, Buffer.alloc(HOLE_BYTES), kernelJob.coinb2]));
  if (coinbase === undefined) differences.add('job', `job ${jobId}: its coinbase is no transaction`);
  else {
    differences.compare('job', `the reward of job ${jobId}`, job.rewardSats, coinbase.totalSats);
    const { serial = job.serial } = coinbase.job ?? {};
    differences.compare('job', `the serial number of job ${jobId}`, job.serial, serial);
  }
  return job;
}

function kernelJobOf(row: Row): KernelJob | undefined {
  const coinb1 = fromHex(String(row['coinb1']));
  const coinb2 = fromHex(String(row['coinb2']));
  const previousHash = fromDisplayHash(String(row['previous_hash']));
  const branch = (row['merkle_branch'] as readonly string[]).map((hash) => fromHex(hash, 32));
  const merkleBranch = branch.filter((hash) => hash !== undefined);
  const bits = Number(row['nbits']);
  const target = targetOfBits(bits);
  if (coinb1 === undefined || coinb1.length < VARIANT_BYTES || coinb2 === undefined) return undefined;
  if (previousHash === undefined || target === undefined || merkleBranch.length < branch.length) return undefined;
  const job: KernelJob = {
    // Its last two bytes are each share's own.
    coinb1: coinb1.subarray(0, -VARIANT_BYTES),
    ...{ coinb2, extranonceBytes: HOLE_BYTES, merkleBranch, previousHash, bits, networkTarget: targetToBytes(target) },
  };
  return fitsKernel(job) ? job : undefined;
}

function fitsKernel(job: KernelJob): boolean {
  try {
    assertJob(job);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
