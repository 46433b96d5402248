import { parseAddress } from '#base/bitcoin/address';
import { blockSubsidySats } from '#base/bitcoin/subsidy';
import type { Config } from '#base/config/config';
import type { TemplateHappening } from '#base/domain/happening';
import type { Job } from '#base/domain/job';
import type { Clock, Logger } from '#base/domain/ports';
import type { BlockTemplate } from '#base/domain/template';
import type { Metrics } from '#base/telemetry/metrics';
import type { Gateway } from '#gateway/gateway';
import { KernelInstance } from '#shares/kernel/instance';
import type { KernelCode } from '#shares/kernel/kernel';
import { KernelMemory } from '#shares/kernel/memory';
import type { ShareLog } from '#shares/sharelog/log';
import { createJobFactory } from '#work/jobs/factory';
import type { JobStore } from '#work/jobs/store';
import type { Blocks } from './blocks.ts';
import type { DirectPayouts } from './direct-payouts.ts';

const IDENTITY_BYTES = 6;

export interface AnnouncerModules {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly log: ShareLog;
  readonly jobs: JobStore;
  readonly gateway: Gateway;
  readonly blocks: Blocks;
  readonly code: KernelCode;
  readonly metrics: Metrics;
  /** Told of each template that became a job. */
  readonly tell: (template: TemplateHappening) => void;
  /** Chooses the accounts that coinbases pay; undefined: the pool, or each session's own account. */
  readonly direct: DirectPayouts | undefined;
  /** Journals that get no shares while this pool runs: those of former gateways, and the pool's own if there are gateways. */
  readonly shareless: readonly { closed(serial: number): void }[];
}

/** Handles a new template: makes the job, writes its row to the log, and notifies every miner. */
export function createAnnouncer(config: Config, modules: AnnouncerModules): (template: BlockTemplate) => void {
  const { clock, logger, log, jobs, gateway, blocks, metrics, direct } = modules;
  const payout = parseAddress(config.payout.address, config.network);
  if (!payout.ok) throw new Error(`payout.address: ${payout.reason}`);
  const merkle = new KernelInstance(modules.code, new KernelMemory());
  const factory = createJobFactory(
    {
      epoch: log.epoch,
      bootId: log.bootId,
      identity: identityOf(log.bootId),
      payoutScript: payout.script,
      tag: config.payout.tag,
    },
    {
      clock,
      nextEpoch: () => log.nextEpoch(),
      merkleBranch: (txids) => merkle.merkleBranch(txids),
      ...(direct && { payDirectly: (valueSats, rooms) => direct.pay(valueSats, rooms) }),
    },
  );
  return (template) => {
    const hadMs = clock.monotonicMs();
    let job: Job;
    try {
      job = factory.build(template);
    } catch (error) {
      logger.error({ err: error, height: template.height }, 'no job could be made of a template');
      return;
    }
    jobs.add(job);
    log.job(job);
    for (const journal of modules.shareless) journal.closed(job.serial);
    const recorded = new Promise<void>((resolve) => log.commit(resolve));
    gateway.announce(job, recorded);
    modules.tell({
      ...{ table: 'templates', timeMs: clock.nowMs(), jobId: job.rowId, height: job.height },
      transactions: template.transactions.length,
      bytes: template.transactions.reduce((sum, { data }) => sum + data.length, 0),
      feesSats: Math.max(0, Number(job.rewardSats - blockSubsidySats(job.height, config.network))),
      fetchMs: hadMs - template.askedMs,
      announceMs: clock.monotonicMs() - hadMs,
    });
    metrics.counts.pool.jobs += 1;
    if (job.cleanJobs) metrics.counts.pool.cleanJobs += 1;
    blocks.follower.template(template);
    blocks.submitter.nodeBuilds(template);
    logger.debug({ job: job.id, height: job.height, transactions: template.transactions.length }, 'job announced');
  };
}

/**
 * The first six bytes of the boot's random id: two pools agree in them once in 2^48. A copy of a data folder starts with an id
 * of its own, so it makes other work than the folder that it was copied from.
 */
function identityOf(bootId: string): Uint8Array {
  return new Uint8Array(Buffer.from(bootId.slice(0, 2 * IDENTITY_BYTES), 'hex'));
}
