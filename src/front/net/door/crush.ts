import { limits } from '#base/limits';
import type { Peer, Visit } from './visit.ts';

/** The key of the pool's total; an address or subnet has its own key. */
export const WHOLE_POOL = '';
/** Full addresses and subnets that are tracked at a time. */
const KEYS_MAX = 64;
/** Addresses with the most idle connections, whose connections are closed first. */
const GIVE_WAY_MAX = 8;

/**
 * Makes room when a limit on connections is reached: chooses connections that never had an accepted share, first at the
 * addresses with the most of them, the oldest first.
 */
export class Crush {
  /** Connections refused since the last call of `giveWay`, by the key that was full. */
  readonly #refused = new Map<string, number>();

  /** A connection was refused because of `full`. */
  refused(full: string): void {
    const count = this.#refused.get(full) ?? 0;
    if (count > 0 || this.#refused.size < KEYS_MAX) this.#refused.set(full, count + 1);
  }

  /** Returns the connections to close: as many as were refused, so that the refused clients find room when they reconnect. */
  giveWay(peers: ReadonlyMap<string, Peer>, nowMs: number): Visit[] {
    if (this.#refused.size === 0) return [];
    const subnets = new Map<string, Peer[]>();
    for (const key of this.#refused.keys()) if (!peers.has(key)) subnets.set(key, []);
    if (subnets.size > 0) {
      for (const peer of peers.values()) {
        // An address without limits is a proxy with many clients behind it.
        if (peer.idlers === 0 || peer.traffic === undefined) continue;
        rank(subnets.get(WHOLE_POOL), peer);
        rank(subnets.get(peer.subnet), peer);
      }
    }
    const chosen = new Set<Visit>();
    for (const [key, count] of this.#refused) {
      const address = peers.get(key);
      choose(address === undefined ? (subnets.get(key) ?? []) : [address], count, nowMs, chosen);
    }
    this.#refused.clear();
    return [...chosen];
  }
}

/** Keeps the addresses with the most idle connections, in descending order. */
function rank(largest: Peer[] | undefined, peer: Peer): void {
  if (largest === undefined) return;
  if (largest.length === GIVE_WAY_MAX && (largest.at(-1)?.idlers ?? 0) >= peer.idlers) return;
  const place = largest.findIndex(({ idlers }) => idlers < peer.idlers);
  largest.splice(place === -1 ? largest.length : place, 0, peer);
  if (largest.length > GIVE_WAY_MAX) largest.pop();
}

/** Chooses up to `count` connections, each from the address that has the most idle connections left. */
function choose(peers: readonly Peer[], count: number, nowMs: number, chosen: Set<Visit>): void {
  const queues = peers.map(({ idlers, visits }) => ({ left: idlers, visits: visits.values() }));
  let wanted = Math.min(count, limits.idlersPerTickMax);
  while (wanted > 0) {
    const longest = queues.reduce<(typeof queues)[number] | undefined>(
      (most, queue) => (queue.left > (most?.left ?? 0) ? queue : most),
      undefined,
    );
    if (longest === undefined) return;
    const visit = nextOf(longest.visits, (each) => givesWay(each, nowMs) && !chosen.has(each));
    longest.left = visit === undefined ? 0 : longest.left - 1;
    if (visit === undefined) continue;
    chosen.add(visit);
    wanted -= 1;
  }
}

/** The next value that passes the test; undefined at the end. */
function nextOf(visits: Iterator<Visit>, test: (visit: Visit) => boolean): Visit | undefined {
  for (let next = visits.next(); next.done !== true; next = visits.next()) if (test(next.value)) return next.value;
  return undefined;
}

function givesWay({ idle, dismissed, name, sinceMs }: Visit, nowMs: number): boolean {
  return idle && !dismissed && nowMs - sinceMs >= (name === undefined ? limits.strangerMsMin : limits.idlerMsMin);
}
