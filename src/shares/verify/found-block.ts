import { assembleBlock } from '#base/bitcoin/block';
import { concatBytes, toDisplayHash } from '#base/bitcoin/bytes';
import { encodeHeader } from '#base/bitcoin/header';
import { foldBranch } from '#base/bitcoin/merkle';
import { chosenCoinb2 } from '#base/bitcoin/own-coinbase';
import { sha256d } from '#base/bitcoin/sha256d';
import type { Job } from '#base/domain/job';
import type { FoundBlock } from '#base/domain/ports';
import type { JudgedShare, Solution } from '#base/domain/share';

/**
 * What makes a block of a share. It is its worker's, or the payee's if its coinbase pays one; nobody's if its share names no worker of
 * its connection. Throws for a share that names no job.
 */
export function solutionOf(share: JudgedShare): Solution {
  const { job, submission, hash } = share;
  if (!job || !hash) throw new Error('solutionOf: not a share that can be a block');
  const { worker, coinbase } = submission;
  const coinb2 = chosenCoinb2(job, coinbase);
  const payee = coinb2 !== undefined && coinbase !== undefined && 'account' in coinbase ? coinbase : undefined;
  return {
    hash: toDisplayHash(hash),
    serial: job.serial,
    coinb2,
    variant: submission.variant,
    extranonce1: submission.source.extranonce1,
    extranonce2: submission.extranonce2,
    version: share.version,
    ntime: submission.ntime,
    nonce: submission.nonce,
    account: payee?.account ?? worker?.account ?? '',
    rig: worker?.rig ?? '',
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
    coinb2: solution.coinb2,
    get block() {
      assembled ??= assemble(job, solution);
      return assembled;
    },
  };
}

/** Made with node:crypto rather than the kernel, so that what the node gets rests on two implementations that agree. */
function assemble(job: Job, solution: Solution): Uint8Array {
  const { variant, extranonce1, extranonce2, coinb2 = job.coinb2, version, ntime, nonce } = solution;
  const variantBytes = Uint8Array.of(variant >>> 8, variant & 0xff);
  const coinbase = concatBytes([job.coinb1, variantBytes, extranonce1, extranonce2, coinb2]);
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
