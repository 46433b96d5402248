import { type DoorCounters, newDoorCounters } from '#front/net/door/door-counters';
import type { ListenerCounters } from '#front/net/listen/listener';
import type { SessionCounters } from '#front/session/context';
import type { SeenStatus } from '#shares/verify/seen';

/** Gauges of now, and counters since the start. */
export interface GatewayStatus {
  readonly sessions: number;
  readonly workers: number;
  readonly sharesInFlight: number;
  readonly seen: SeenStatus;
  readonly session: Readonly<Omit<SessionCounters, 'authorizedWorkers'>>;
  readonly door: Readonly<DoorCounters>;
  /** Over all its listeners. */
  readonly listeners: Readonly<ListenerCounters>;
}

export const NO_STATUS: GatewayStatus = {
  sessions: 0,
  workers: 0,
  sharesInFlight: 0,
  seen: { headers: 0, closedEarly: 0, full: 0 },
  session: {
    refusedWorkers: 0,
    difficultyChanges: 0,
    timeouts: 0,
    resumed: 0,
    takenBack: 0,
    shedShares: 0,
    oversizedCoinbases: 0,
    protocolErrors: { unparsable: 0, 'invalid-request': 0, 'unknown-method': 0, 'bad-params': 0 },
  },
  door: newDoorCounters(),
  listeners: { accepted: 0, refused: 0, badHandshakes: 0, overlong: 0, slowReaders: 0, overMemory: 0 },
};

/** Two gateways as one. */
export function addStatus(a: GatewayStatus, b: GatewayStatus): GatewayStatus {
  return sum(a, b);
}

/** What stays of a gateway that is gone: its counters. */
export function countersOf(status: GatewayStatus): GatewayStatus {
  const seen = { ...status.seen, headers: 0, full: 0 };
  return { ...status, sessions: 0, workers: 0, sharesInFlight: 0, seen };
}

/** Adds two objects of numbers, or of such objects, member by member. */
export function sum<T extends object>(a: T, b: T): T {
  const entries = Object.entries(a).map(([key, left]: [string, unknown]) => {
    const right: unknown = Reflect.get(b, key);
    if (typeof left === 'number' && typeof right === 'number') return [key, left + right];
    if (typeof left === 'object' && left !== null && typeof right === 'object' && right !== null)
      return [key, sum(left, right)];
    throw new Error(`status: ${key} can not be added`);
  });
  return Object.fromEntries(entries) as T;
}
