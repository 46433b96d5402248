import { hostOf, subnetOf } from '#base/domain/ip';
import { limits } from '#base/limits';
import { Places } from '#base/std/places';
import type { QueueMeter } from '#base/std/queue-meter';

interface Check {
  start(): void;
  giveUp(reason: Error): void;
}

/**
 * Runs a bounded number of password checks at once. Those that wait take turns by subnet, and within a subnet by host, so a
 * host that logs in once waits for one check of each other subnet and not for a flood. When the queue is full, the subnet
 * with the most checks in it loses its newest one.
 */
export class CheckQueue {
  readonly #places = new Places(limits.passwordChecksMax, { startNext: () => this.#startNext() });
  readonly #meter: QueueMeter;
  #waiting = 0;
  /** Waiting checks by subnet and host; the first of each map has the next turn. */
  readonly #subnets = new Map<string, Map<string, Check[]>>();
  /** Running and waiting. */
  readonly #ofHost = new Map<string, number>();

  constructor(meter: QueueMeter) {
    this.#meter = meter;
  }

  /** Returns false if the host of this address has as many checks as one host may. */
  takes(address: string): boolean {
    return (this.#ofHost.get(hostOf(address)) ?? 0) < limits.passwordsPerAddressMax;
  }

  /** Rejects if the check had to make room for those of others. */
  async run<T>(address: string, check: () => Promise<T>): Promise<T> {
    const host = hostOf(address);
    this.#count(host, 1);
    try {
      if (this.#places.take()) this.#meter.pass();
      else await this.#turn(subnetOf(address), host);
      try {
        return await check();
      } finally {
        this.#places.give();
      }
    } finally {
      this.#count(host, -1);
    }
  }

  async #turn(subnet: string, host: string): Promise<void> {
    if (this.#waiting >= limits.passwordQueueMax) this.#makeRoom(subnet);
    const enteredMs = this.#meter.enter();
    await new Promise<void>((start, giveUp) => {
      const hosts = entry(this.#subnets, subnet, () => new Map<string, Check[]>());
      entry(hosts, host, () => []).push({ start, giveUp });
      this.#waiting += 1;
    });
    this.#meter.serve(enteredMs);
  }

  /** Throws if the new check's own subnet has the most checks. */
  #makeRoom(newcomer: string): void {
    const most = largest(this.#subnets, (hosts) => sizeOf(hosts));
    const own = sizeOf(this.#subnets.get(newcomer) ?? new Map());
    if (most === undefined || own >= sizeOf(most[1])) {
      this.#meter.refuse();
      throw new Error('too many checks wait');
    }
    const [subnet, hosts] = most;
    const [host, checks] = largest(hosts, (waiting) => waiting.length) ?? ['', []];
    const newest = checks.pop();
    this.#waiting -= 1;
    this.#forget(subnet, hosts, host, checks);
    this.#meter.giveUp();
    newest?.giveUp(new Error('too many checks wait'));
  }

  #startNext(): boolean {
    for (const [subnet, hosts] of this.#subnets) {
      for (const [host, checks] of hosts) {
        const check = checks.shift();
        this.#waiting -= 1;
        // Behind the others of its kind.
        hosts.delete(host);
        hosts.set(host, checks);
        this.#subnets.delete(subnet);
        this.#subnets.set(subnet, hosts);
        this.#forget(subnet, hosts, host, checks);
        check?.start();
        return true;
      }
    }
    return false;
  }

  #forget(subnet: string, hosts: Map<string, Check[]>, host: string, checks: readonly Check[]): void {
    if (checks.length === 0) hosts.delete(host);
    if (hosts.size === 0) this.#subnets.delete(subnet);
  }

  #count(host: string, change: number): void {
    const count = (this.#ofHost.get(host) ?? 0) + change;
    if (count > 0) this.#ofHost.set(host, count);
    else this.#ofHost.delete(host);
  }
}

function sizeOf(hosts: ReadonlyMap<string, readonly Check[]>): number {
  let size = 0;
  for (const checks of hosts.values()) size += checks.length;
  return size;
}

function largest<T>(map: ReadonlyMap<string, T>, size: (value: T) => number): readonly [string, T] | undefined {
  let found: readonly [string, T] | undefined;
  let sizeMax = -1;
  for (const entryOf of map) {
    const entrySize = size(entryOf[1]);
    if (entrySize > sizeMax) [found, sizeMax] = [entryOf, entrySize];
  }
  return found;
}

function entry<T>(map: Map<string, T>, key: string, make: () => T): T {
  const value = map.get(key) ?? make();
  map.set(key, value);
  return value;
}
