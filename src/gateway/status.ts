import { NO_QUEUE, type QueueCounts } from '#base/domain/queue';
import { addCounts } from '#base/std/add-counts';
import { type Counts, newCounts } from '#base/telemetry/counters';
import type { SeenStatus } from '#shares/verify/seen';

/** Gauges of now, and counters since the start. */
export interface GatewayStatus {
  readonly sessions: number;
  readonly workers: number;
  readonly sharesInFlight: number;
  readonly seen: SeenStatus;
  readonly session: Readonly<Counts<'session'>>;
  readonly door: Readonly<Counts<'door'>>;
  /** Over all its listeners. */
  readonly listeners: Readonly<Counts<'listeners'>>;
  readonly passwords: QueueCounts;
}

export const NO_STATUS: GatewayStatus = {
  sessions: 0,
  workers: 0,
  sharesInFlight: 0,
  seen: { headers: 0, full: 0, ...newCounts('seen') },
  session: newCounts('session'),
  door: newCounts('door'),
  listeners: newCounts('listeners'),
  passwords: NO_QUEUE,
};

/** Two gateways as one. */
export function addStatus(a: GatewayStatus, b: GatewayStatus): GatewayStatus {
  return addCounts(a, b);
}

/** The counters that are kept of an ended gateway. */
export function countersOf(status: GatewayStatus): GatewayStatus {
  const seen = { ...status.seen, headers: 0, full: 0 };
  const passwords = { ...status.passwords, depth: 0 };
  return { ...status, sessions: 0, workers: 0, sharesInFlight: 0, seen, passwords };
}
