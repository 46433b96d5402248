import type { BansConfig, LimitsConfig } from '#base/config/config';
import { type IpRange, parseRange } from '#base/domain/ip';
import type { Rate } from '#base/domain/token-bucket';
import { limits } from '#base/limits';
import type { BanOptions } from './bans.ts';
import type { DoorOptions } from './door.ts';

/** What operators decide. */
export interface DoorSettings {
  readonly limits: LimitsConfig;
  readonly bans: Pick<BansConfig, 'enabled'>;
}

/** `connectionsHere`: what the process's descriptors leave. */
export function doorOptions(
  { limits: given, bans }: DoorSettings,
  connectionsHere = Number.POSITIVE_INFINITY,
): DoorOptions {
  const handshakes = (perSecond: number): Rate => ({ perSecond, burst: perSecond * limits.handshakeBurstSeconds });
  const traffic = (perSecond: number): Rate => ({ perSecond, burst: perSecond * limits.trafficBurstSeconds });
  return {
    admission: {
      connections: given.connections,
      connectionsHere,
      connectionsPerAddress: given.connectionsPerAddress,
      connectionsPerSubnet: given.connectionsPerSubnet,
      handshakes: handshakes(given.handshakes),
      handshakesPerAddress: handshakes(given.handshakesPerAddress),
      handshakesPerSubnet: handshakes(given.handshakesPerSubnet),
    },
    traffic: { lines: traffic(given.lines), bytes: traffic(given.bytes), submits: traffic(given.submits) },
    addressShareFactor: limits.addressShareFactor,
    lookUps: { perSecond: limits.lookUpsPerSecondMax, burst: limits.lookUpBurst },
    exempt: ranges(given.exempt),
    conduct: {
      enabled: bans.enabled,
      points: { ban: limits.banPoints, presentBan: limits.presentBanPoints, probation: limits.probationPoints },
    },
    overloadLagMsMax: limits.overloadLagMsMax,
    shedSessionsMax: limits.shedSessionsMax,
    shedLinesPerSecondMin: limits.shedLinesPerSecondMin,
    peersMax: limits.bansMax,
  };
}

/** What operators decide of bans, as the config has it. */
export interface BanSettings {
  readonly enabled: boolean;
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

/** How the bans of a checked config are kept. */
export function banOptions({ enabled, allow, deny }: BanSettings): BanOptions {
  return { enabled, allow: ranges(allow), deny: ranges(deny), entriesMax: limits.bansMax };
}

/** The ranges of a checked config; invalid ones are left out. */
export function ranges(texts: readonly string[]): IpRange[] {
  return texts.flatMap((text) => parseRange(text) ?? []);
}
