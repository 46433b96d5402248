import type { Containment } from '#base/domain/contain';
import type { BitcoinNode, BlockOutcome, Clock, Logger, SubmitOutcome } from '#base/domain/ports';
import type { Solution } from '#base/domain/share';
import { limits } from '#base/limits';
import type { Metrics } from '#base/telemetry/metrics';
import type { ShareLog } from '#shares/sharelog/log';
import { headOf } from '#shares/sharelog/rows/block-rows';
import { BlockSubmitter } from '#shares/verify/blocks';
import { foundBlock } from '#shares/verify/found-block';
import type { JobStore } from '#work/jobs/store';
import { BlockFollower, type BlockFollowerOptions } from './block-follower.ts';

export interface BlockModules {
  readonly clock: Clock;
  readonly contain: Containment;
  readonly node: BitcoinNode;
  readonly log: ShareLog;
  readonly logger: Logger;
}

/** What happens to this pool's blocks: they are submitted, and followed from the first answer on. */
export interface Blocks {
  readonly submitter: BlockSubmitter;
  readonly follower: BlockFollower;
}

/** Reports each status of this pool's blocks, also of earlier starts, to the share log, the metrics and the operator's log. */
export function createBlocks(
  options: BlockFollowerOptions,
  { clock, contain, node, log, logger }: BlockModules,
  metrics: Metrics,
): Blocks {
  /** Blocks of earlier starts, which the metrics do not count. */
  const earlier = new Set(log.unresolved.map(({ hash }) => hash));
  /** Of these: those that the look under way has heard of first, by status. */
  let heard: Partial<Record<BlockOutcome['status'], number>> = {};
  const follower = new BlockFollower(options, {
    node,
    log,
    contain,
    changed({ hash, height, account }, outcome, before) {
      const fields = { hash, height, account, ...outcome };
      if (before === undefined) {
        heard[outcome.status] = (heard[outcome.status] ?? 0) + 1;
        logger.debug(fields, `block of an earlier start: ${outcome.status}`);
        return;
      }
      if (!earlier.has(hash)) metrics.block(countedAs(outcome), countedAs(before));
      logger[levelOf(outcome)]({ ...fields, before: before.status }, changeOf(outcome, before));
    },
    looked() {
      // One line for all blocks of earlier starts, because only changes during the downtime are news.
      if (Object.keys(heard).length > 0) logger.info(heard, 'blocks of earlier starts are followed');
      heard = {};
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
        earlier.delete(hash);
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

/** The metrics tell what the chain has, whether mature or not. */
function countedAs({ status }: BlockOutcome): SubmitOutcome['status'] {
  return status === 'mature' ? 'accepted' : status;
}

function levelOf({ status }: BlockOutcome): 'info' | 'warn' | 'error' {
  if (status === 'accepted' || status === 'mature') return 'info';
  return status === 'orphaned' ? 'warn' : 'error';
}

function changeOf({ status }: BlockOutcome, before: BlockOutcome): string {
  if (status === 'orphaned') return 'a block of this pool was orphaned';
  return before.status === 'orphaned' && status === 'accepted'
    ? 'a block of this pool is in the chain again'
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
