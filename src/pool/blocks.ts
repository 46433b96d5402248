import { setTimeout as delay } from 'node:timers/promises';
import type { BitcoinNode, Clock, Logger } from '../domain/ports.ts';
import type { Solution } from '../domain/share.ts';
import type { JobStore } from '../jobs/store.ts';
import { limits } from '../limits.ts';
import type { ShareLog } from '../sharelog/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { BlockSubmitter } from '../verify/blocks.ts';
import { foundBlock } from '../verify/found-block.ts';

/** Between two tries to hand over a block of an earlier start. */
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
    const job = jobs.find(solution.serial);
    if (job) blocks.found(foundBlock(job, solution));
    else logger.error({ serial: solution.serial }, 'a block solves a job that this pool does not know');
    return log.kept();
  };
}

/** Block candidates whose outcome was lost when the pool last stopped: the node is asked again, until the pool closes. */
export async function resubmitBlocks(
  { node, log, logger }: Pick<BlockModules, 'node' | 'log' | 'logger'>,
  closing: () => boolean,
): Promise<void> {
  for (const candidate of log.unresolved) {
    let outcome = await node.submitBlock(candidate.block);
    while (outcome.status === 'unknown' && !closing()) {
      await delay(RESUBMIT_MS, undefined, { ref: false });
      outcome = await node.submitBlock(candidate.block);
    }
    // What is not known stays in the log for the next start.
    if (closing()) return;
    log.resolved(candidate, outcome);
    logger.info(
      { hash: candidate.hash, height: candidate.height, ...outcome },
      'block of an earlier start submitted again',
    );
  }
  log.commit(() => {});
}
