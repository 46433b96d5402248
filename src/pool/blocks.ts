import type { BitcoinNode, Clock, Logger, SubmitOutcome } from '#base/domain/ports';
import type { Solution } from '#base/domain/share';
import { limits } from '#base/limits';
import type { Metrics } from '#base/telemetry/metrics';
import type { ShareLog } from '#shares/sharelog/log';
import { headOf } from '#shares/sharelog/rows/block-rows';
import { BlockSubmitter } from '#shares/verify/blocks';
import { foundBlock } from '#shares/verify/found-block';
import type { JobStore } from '#work/jobs/store';
import { BlockFollower } from './block-follower.ts';

export interface BlockModules {
  readonly clock: Clock;
  readonly node: BitcoinNode;
  readonly log: ShareLog;
  readonly logger: Logger;
}

/** What happens to this pool's blocks: they are submitted, and followed from the first answer on. */
export interface Blocks {
  readonly submitter: BlockSubmitter;
  readonly follower: BlockFollower;
}

/** Tells the log, the metrics and the operator what becomes of this pool's blocks, also of those of earlier starts. */
export function createBlocks({ clock, node, log, logger }: BlockModules, metrics: Metrics): Blocks {
  const follower = new BlockFollower({
    node,
    log,
    logger,
    changed({ hash, height, account }, outcome, before) {
      if (before !== undefined) metrics.block(outcome.status);
      const fields = { hash, height, account, ...outcome };
      logger[levelOf(outcome)]({ ...fields, before: before?.status }, changeOf(outcome, before));
    },
  });
  const submitter = new BlockSubmitter(
    { openMax: limits.candidatesInFlightMax },
    {
      clock,
      node,
      recorder: log,
      logger,
      observe({ hash, job, account }, outcome, contested) {
        metrics.block(outcome.status);
        const fields = { hash, height: job.height, account, ...outcome };
        // Easy blocks have siblings by the thousand.
        logger[contested ? levelOf(outcome) : 'debug'](fields, `block ${outcome.status}`);
      },
      follow: (block, outcome) => follower.follow(headOf(block), outcome),
      undecided: () => follower.undecided,
      lost: () => follower.lookSoon(),
    },
  );
  for (const head of log.unresolved) follower.follow(head, undefined);
  return { submitter, follower };
}

function levelOf({ status }: SubmitOutcome): 'info' | 'warn' | 'error' {
  if (status === 'accepted') return 'info';
  return status === 'orphaned' ? 'warn' : 'error';
}

function changeOf({ status }: SubmitOutcome, before: SubmitOutcome | undefined): string {
  if (before === undefined) return `block of an earlier start: ${status}`;
  if (status === 'orphaned') return 'a block of ours has lost its race';
  return before.status === 'orphaned' && status === 'accepted'
    ? 'a block of ours is in the chain again'
    : `block ${status}`;
}

/** Takes what gateways find; what it returns resolves when the candidate is kept. */
export function createSolved(
  blocks: BlockSubmitter,
  jobs: JobStore,
  { log, logger }: Pick<BlockModules, 'log' | 'logger'>,
): (solution: Solution) => Promise<void> {
  return (solution) => {
    const job = jobs.find(solution.serial) ?? jobs.findExpired(solution.serial);
    if (job) blocks.found(foundBlock(job, solution));
    else logger.error({ serial: solution.serial }, 'a block solves a job that this pool does not know');
    return log.kept();
  };
}
