import { assembleBlock } from '../bitcoin/block.ts';
import { concatBytes, fromHex, toDisplayHash } from '../bitcoin/bytes.ts';
import { encodeHeader, headerHash } from '../bitcoin/header.ts';
import { foldBranch } from '../bitcoin/merkle.ts';
import { sha256d } from '../bitcoin/sha256d.ts';
import type { FoundBlock } from '../domain/ports.ts';
import type { JudgedShare } from '../domain/share.ts';

/**
 * The whole block that a share solved. Rebuilt with node:crypto rather than the kernel: it happens rarely, and so what the
 * node gets rests on two implementations that agree. Throws for a share that names no job or worker.
 */
export function foundBlock(share: JudgedShare): FoundBlock {
  const { job, worker, request, submitter } = share;
  const extranonce2 = fromHex(request.extranonce2);
  if (!job || !worker || !extranonce2) throw new Error('foundBlock: not a share that can be a block');
  const coinbase = concatBytes([job.coinb1, submitter.extranonce1, extranonce2, job.coinb2]);
  const header = encodeHeader({
    version: share.version,
    previousHash: job.previousHash,
    merkleRoot: foldBranch(sha256d(coinbase), job.merkleBranch),
    time: request.ntime,
    bits: job.bits,
    nonce: request.nonce,
  });
  return {
    hash: toDisplayHash(headerHash(header)),
    job,
    account: worker.account,
    rig: worker.rig,
    shareDifficulty: share.shareDifficulty,
    foundMs: share.receivedMs,
    block: assembleBlock({
      header,
      coinbase,
      transactions: job.template.transactions.map((transaction) => transaction.data),
      witness: job.template.witnessCommitment !== undefined,
    }),
  };
}
