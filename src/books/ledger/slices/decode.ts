import type { Network } from '#base/bitcoin/address';
import { blockSubsidySats } from '#base/bitcoin/subsidy';
import { targetOfBits, workOfTarget } from '#base/bitcoin/target';
import { serialOfRow } from '#base/domain/ids';
import type { Row } from '#shares/sharelog/rows/row-reader';
import type { FoundBlockRow, JobFacts } from './taking.ts';

/** What a row of `jobs` says. Throws if the log can not have got the row from this pool. */
export function jobFactsOf(row: Row, network: Network): JobFacts {
  const jobId = String(row['job_id']);
  const serial = serialOfRow(jobId);
  const nbits = Number(row['nbits']);
  const target = targetOfBits(nbits);
  if (serial === undefined || target === undefined)
    throw new Error(`the log has a job ${JSON.stringify(jobId)} with the bits ${nbits.toString(16)}`);
  const height = Number(row['height']);
  const rewardSats = BigInt(row['reward_sats'] as bigint);
  const subsidySats = blockSubsidySats(height, network);
  return {
    jobId,
    serial,
    height,
    nbits,
    networkWork: workOfTarget(target),
    rewardSats,
    subsidySats,
    // A template may claim less than it could.
    feesSats: rewardSats > subsidySats ? rewardSats - subsidySats : 0n,
    timeMs: Number(row['time']),
    // Layouts before the third had no such column.
    windowEnd: String(row['window_end'] ?? ''),
  };
}

/** What a row of `blocks` says, of any layout. */
export function foundBlockOf(row: Row): FoundBlockRow {
  return {
    hash: String(row['hash']),
    jobId: String(row['job_id']),
    account: String(row['account']),
    worker: String(row['worker']),
    height: Number(row['height']),
    foundMs: Number(row['time']),
    rewardSats: BigInt(row['reward_sats'] as bigint),
    status: String(row['status']),
    reason: String(row['reason']),
    revision: BigInt(row['revision'] as bigint),
  };
}
