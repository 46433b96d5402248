import { availableParallelism } from 'node:os';
import type { Config } from '#base/config/config';
import type { Containment } from '#base/domain/contain';
import type { Clock, Logger } from '#base/domain/ports';
import type { Solution } from '#base/domain/share';
import type { Metrics } from '#base/telemetry/metrics';
import { startGateways } from '#cluster/gateways';
import type { Bans } from '#front/net/door/bans';
import { type Gateway, startGateway } from '#gateway/gateway';
import type { KernelCode } from '#shares/kernel/kernel';
import type { OpenedLog } from './log.ts';
import { ownCoinbaseFees, pinsWindow } from './payout-terms.ts';

export interface GatewayParts {
  readonly clock: Clock;
  readonly contain: Containment;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly code: KernelCode;
  readonly opened: OpenedLog;
  readonly bans: Bans;
  /** Resolves when the block can not be lost any more. */
  readonly solved: (solution: Solution) => Promise<void>;
  /** A newer job is wanted soon. */
  readonly wantsJob: () => void;
  /** Difficulty of shares that were accepted. */
  readonly worked: (difficulty: number) => void;
}

/** Event loops that miners are connected to. */
export function gatewayCount({ stratum }: Config): number {
  return stratum.gateways === 0 ? availableParallelism() : stratum.gateways;
}

/** The gateway of this process, or several in processes of their own. It does not listen yet. */
export async function openGateway(config: Config, parts: GatewayParts): Promise<Gateway> {
  const { clock, contain, logger, metrics, code, opened, bans, solved, wantsJob, worked } = parts;
  const { log, deliveries, journals } = opened;
  const { network, stratum, verify } = config;
  const ownCoinbases = ownCoinbaseFees(config);
  const sizedCoinbases = pinsWindow(config);
  const count = gatewayCount(config);
  if (count > 1) {
    return startGateways(
      {
        ...journals,
        count,
        network,
        stratum,
        verify,
        ownCoinbases,
        sizedCoinbases,
        logLevel: config.log.level,
        epoch: log.epoch,
      },
      { contain, logger, metrics, bans, deliveries, solved, wantsJob, worked, nextEpoch: () => log.nextEpoch() },
    );
  }
  return startGateway(
    {
      network,
      stratum,
      verify,
      ownCoinbases,
      sizedCoinbases,
      kernel: code,
      epoch: log.epoch,
      incarnation: 0,
      shared: false,
    },
    {
      clock,
      contain,
      logger,
      metrics,
      recorder: log,
      bans,
      solved,
      wantsJob,
      observe: (share) => {
        metrics.share(share);
        if (share.verdict === 'accepted' && share.terms) worked(share.terms.difficulty);
      },
    },
  );
}
