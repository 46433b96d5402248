import { assembleBlock } from '#base/bitcoin/block';
import { concatBytes, toDisplayHash } from '#base/bitcoin/bytes';
import { encodeHeader } from '#base/bitcoin/header';
import { foldBranch } from '#base/bitcoin/merkle';
import { sha256d } from '#base/bitcoin/sha256d';
import type { Job } from '#base/domain/job';
import type { FoundBlock } from '#base/domain/ports';
import type { JudgedShare, Solution } from '#base/domain/share';

/** What makes a block of a share. One that names no worker of its connection is nobody's. Throws for one that names no job. */
export function solutionOf(share: JudgedShare): Solution {
  const { job, submission, hash } = share;
  if (!job || !hash) throw new Error('solutionOf: not a share that can be a block');
  return {
    hash: toDisplayHash(hash),
    serial: job.serial,
    variant: submission.variant,
    extranonce1: submission.source.extranonce1,
    extranonce2: submission.extranonce2,
    version: share.version,
    ntime: submission.ntime,
    nonce: submission.nonce,
    account: submission.worker?.account ?? '',
    rig: submission.worker?.rig ?? '',
    shareDifficulty: share.shareDifficulty,
    foundMs: share.receivedMs,
  };
}

/**
 * The whole block that a share solved. The bytes are put together when they are asked for: they are up to 4 MB, and nobody
 * wants those of a block that can not make it any more.
 */
export function foundBlock(job: Job, solution: Solution): FoundBlock {
  const { hash, account, rig, shareDifficulty, foundMs } = solution;
  let assembled: Uint8Array | undefined;
  return {
    hash,
    job,
    account,
    rig,
    shareDifficulty,
    foundMs,
    inputs: solution,
    get block() {
      assembled ??= assemble(job, solution);
      return assembled;
    },
  };
}

/** Made with node:crypto rather than the kernel, so that what the node gets rests on two implementations that agree. */
function assemble(job: Job, { variant, extranonce1, extranonce2, version, ntime, nonce }: Solution): Uint8Array {
  const variantBytes = Uint8Array.of(variant >>> 8, variant & 0xff);
  const coinbase = concatBytes([job.coinb1, variantBytes, extranonce1, extranonce2, job.coinb2]);
  const header = encodeHeader({
    version,
    previousHash: job.previousHash,
    merkleRoot: foldBranch(sha256d(coinbase), job.merkleBranch),
    time: ntime,
    bits: job.bits,
    nonce,
  });
  return assembleBlock({
    header,
    coinbase,
    transactions: job.template.transactions.map((transaction) => transaction.data),
    witness: job.template.witnessCommitment !== undefined,
  });
}
