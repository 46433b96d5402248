import { setTimeout as delay } from 'node:timers/promises';
import type { BitcoinNode, Clock, Logger } from '#base/domain/ports';
import type { Solution } from '#base/domain/share';
import { limits } from '#base/limits';
import type { Metrics } from '#base/telemetry/metrics';
import type { ShareLog } from '#shares/sharelog/log';
import { BlockSubmitter, BURIED, BURIED_BLOCKS } from '#shares/verify/blocks';
import { foundBlock } from '#shares/verify/found-block';
import type { JobStore } from '#work/jobs/store';

/** Between two rounds of handing over blocks of an earlier start. */
const RESUBMIT_MS = 10_000;

export interface BlockModules {
  readonly clock: Clock;
  readonly node: BitcoinNode;
  readonly log: ShareLog;
  readonly logger: Logger;
}

/** Submits this pool's blocks, and tells the log and the metrics what became of them. */
export function createBlockSubmitter({ clock, node, log, logger }: BlockModules, metrics: Metrics): BlockSubmitter {
  return new BlockSubmitter(
    { openMax: limits.candidatesInFlightMax },
    {
      clock,
      node,
      recorder: log,
      logger,
      observe: ({ hash, job, account }, outcome) => {
        metrics.block(outcome.status);
        const level = outcome.status === 'orphaned' ? 'debug' : outcome.status === 'accepted' ? 'info' : 'error';
        logger[level]({ hash, height: job.height, account, ...outcome }, `block ${outcome.status}`);
      },
    },
  );
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

/**
 * Block candidates whose outcome was lost when the pool last stopped: the nodes are asked again, until each candidate is
 * judged or buried, or the pool closes. A few are handed over at a time, because each is up to 8 MB on its way. A candidate
 * that stays open waits for the next round, after all others.
 */
export async function resubmitBlocks(
  { node, log, logger, jobs }: Pick<BlockModules, 'node' | 'log' | 'logger'> & { readonly jobs: JobStore },
  closing: () => boolean,
): Promise<void> {
  let open = [...log.unresolved];
  let later: typeof open = [];
  while (open.length > 0) {
    const some = open.splice(0, limits.resubmittedAtOnceMax);
    const outcomes = await Promise.all(some.map(({ block }) => node.submitBlock(block)));
    // What is not known stays in the log for the next start.
    if (closing()) return;
    const height = jobs.current?.height ?? 0;
    const undecided = some.filter((candidate, index) => {
      const answer = outcomes[index];
      const buried = height - candidate.height > BURIED_BLOCKS;
      const outcome = answer?.status === 'unknown' && buried ? BURIED : answer;
      if (outcome === undefined || outcome.status === 'unknown') return true;
      log.resolved(candidate, outcome);
      logger.info(
        { hash: candidate.hash, height: candidate.height, ...outcome },
        'block of an earlier start submitted again',
      );
      return false;
    });
    log.commit(() => {});
    later.push(...undecided);
    if (open.length > 0 || later.length === 0) continue;
    [open, later] = [later, []];
    await delay(RESUBMIT_MS, undefined, { ref: false });
    if (closing()) return;
  }
}
