import { assembleBlock } from '#base/bitcoin/block';
import { concatBytes, fromHex, toDisplayHash } from '#base/bitcoin/bytes';
import { encodeHeader, headerHash } from '#base/bitcoin/header';
import { foldBranch } from '#base/bitcoin/merkle';
import { sha256d } from '#base/bitcoin/sha256d';
import type { Job } from '#base/domain/job';
import type { FoundBlock } from '#base/domain/ports';
import type { JudgedShare, Solution } from '#base/domain/share';

/** What makes a block of a share. Throws for one that names no job or worker. */
export function solutionOf(share: JudgedShare): Solution {
  const { job, worker, request, submitter } = share;
  if (!job || !worker) throw new Error('solutionOf: not a share that can be a block');
  return {
    serial: job.serial,
    variant: share.variant,
    extranonce1: submitter.extranonce1,
    extranonce2: request.extranonce2,
    version: share.version,
    ntime: request.ntime,
    nonce: request.nonce,
    account: worker.account,
    rig: worker.rig,
    shareDifficulty: share.shareDifficulty,
    foundMs: share.receivedMs,
  };
}

/**
 * The whole block that a share solved. Rebuilt with node:crypto rather than the kernel: it happens rarely, and so what the
 * node gets rests on two implementations that agree.
 */
export function foundBlock(job: Job, solution: Solution): FoundBlock {
  const { extranonce1, version, ntime, nonce, account, rig, shareDifficulty, foundMs } = solution;
  const extranonce2 = fromHex(solution.extranonce2);
  if (!extranonce2) throw new Error('foundBlock: an extranonce2 that is no hex');
  const variant = Uint8Array.of(solution.variant >>> 8, solution.variant & 0xff);
  const coinbase = concatBytes([job.coinb1, variant, extranonce1, extranonce2, job.coinb2]);
  const header = encodeHeader({
    version,
    previousHash: job.previousHash,
    merkleRoot: foldBranch(sha256d(coinbase), job.merkleBranch),
    time: ntime,
    bits: job.bits,
    nonce,
  });
  let assembled: Uint8Array | undefined;
  return {
    hash: toDisplayHash(headerHash(header)),
    job,
    account,
    rig,
    shareDifficulty,
    foundMs,
    inputs: solution,
    // Up to 4 MB, and not wanted of a block that can not make it any more.
    get block() {
      assembled ??= assembleBlock({
        header,
        coinbase,
        transactions: job.template.transactions.map((transaction) => transaction.data),
        witness: job.template.witnessCommitment !== undefined,
      });
      return assembled;
    },
  };
}
