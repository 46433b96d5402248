import { limits } from '#base/limits';
import type { Peer, Visit } from './visit.ts';

/** What is full if the pool as a whole is; an address or subnet is named by its key. */
export const WHOLE_POOL = '';
/** Full addresses and subnets that are looked after at a time. */
const KEYS_MAX = 64;
/** Addresses with the most idle connections that give way to others. */
const GIVE_WAY_MAX = 8;

/**
 * Finds room for miners when connections run out: connections that never had an accepted share give way, first those of the
 * addresses with the most of them, the oldest first.
 */
export class Crush {
  /** By what was full: connections that were refused since the last call of `giveWay`. */
  readonly #refused = new Map<string, number>();

  /** A connection was refused because of `full`. */
  refused(full: string): void {
    const count = this.#refused.get(full) ?? 0;
    if (count > 0 || this.#refused.size < KEYS_MAX) this.#refused.set(full, count + 1);
  }

  /** The connections to be closed so that those who were refused find room when they come again; as many as those. */
  giveWay(peers: ReadonlyMap<string, Peer>, nowMs: number): Visit[] {
    if (this.#refused.size === 0) return [];
    const subnets = new Map<string, Peer[]>();
    for (const key of this.#refused.keys()) if (!peers.has(key)) subnets.set(key, []);
    if (subnets.size > 0) {
      for (const peer of peers.values()) {
        // Where no limit holds there is a proxy, with many behind it.
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

/** Chooses up to `count`, each of the address that has the most left then. */
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

/** The next one for which the test holds; undefined at the end. */
function nextOf(visits: Iterator<Visit>, test: (visit: Visit) => boolean): Visit | undefined {
  for (let next = visits.next(); next.done !== true; next = visits.next()) if (test(next.value)) return next.value;
  return undefined;
}

function givesWay({ idle, dismissed, name, sinceMs }: Visit, nowMs: number): boolean {
  return idle && !dismissed && nowMs - sinceMs >= (name === undefined ? limits.strangerMsMin : limits.idlerMsMin);
}
