import { hostOf, subnetOf } from '#base/domain/ip';
import type { Clock } from '#base/domain/ports';
import { type Rate, TokenBucket } from '#base/domain/token-bucket';
import { CrowdNews } from './crowd-news.ts';
import { WHOLE_POOL } from './crush.ts';
import type { CrowdChange } from './neighbours.ts';

export interface AdmissionLimits {
  /** Open connections: of all, of one address (IPv6: of a /64), of its neighbours (/24, /48). */
  readonly connections: number;
  /** Open connections of this process, by its descriptors. */
  readonly connectionsHere: number;
  readonly connectionsPerAddress: number;
  readonly connectionsPerSubnet: number;
  /** New connections. */
  readonly handshakes: Rate;
  readonly handshakesPerAddress: Rate;
  readonly handshakesPerSubnet: Rate;
}

/** Why a connection is refused: which limit is reached. */
export type AdmissionRefusal = 'connections' | 'handshakes';

/** One address, or one subnet. */
interface Group {
  /** In this gateway, and in the others as last reported. */
  open: number;
  elsewhere: number;
  readonly handshakes: TokenBucket;
}

/**
 * Counts connections. An attempt that an address's own limit refuses is not counted for its subnet or the total, so a flood
 * from one address can not use up the limits of others. Connections of other gateways count once they are reported (`news`,
 * `hear`).
 */
export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #clock: Clock;
  readonly #addresses = new Map<string, Group>();
  readonly #subnets = new Map<string, Group>();
  readonly #handshakes: TokenBucket;
  /** Changes to report to other gateways; undefined if there is only this gateway. */
  readonly #news: CrowdNews | undefined;
  #open = 0;
  #elsewhere = 0;

  /** `shared`: there are other gateways, whose connections count. */
  constructor(limits: AdmissionLimits, { clock, shared }: { readonly clock: Clock; readonly shared: boolean }) {
    this.#news = shared ? new CrowdNews() : undefined;
    this.#limits = limits;
    this.#clock = clock;
    this.#handshakes = new TokenBucket(limits.handshakes, clock.monotonicMs());
  }

  /** Open connections of this gateway. */
  get open(): number {
    return this.#open;
  }

  /** Addresses and subnets that are remembered. */
  get remembered(): number {
    return this.#addresses.size + this.#subnets.size;
  }

  /** Counts a new connection, or returns the limit that refuses it. Call `leave` when the connection ends. `exempt`: only the total counts. */
  enter(address: string, exempt: boolean): AdmissionRefusal | undefined {
    const { limits, nowMs } = { limits: this.#limits, nowMs: this.#clock.monotonicMs() };
    const name = hostOf(address);
    const { host, subnet } = this.#groups(name, nowMs);
    if (this.#open >= limits.connectionsHere) return 'connections';
    if (this.#open + this.#elsewhere >= limits.connections) return 'connections';
    if (!exempt) {
      if (all(host) >= limits.connectionsPerAddress || all(subnet) >= limits.connectionsPerSubnet) return 'connections';
      const taken = host.handshakes.take(1, nowMs) && subnet.handshakes.take(1, nowMs);
      if (!taken || !this.#handshakes.take(1, nowMs)) return 'handshakes';
    }
    host.open += 1;
    subnet.open += 1;
    this.#open += 1;
    this.#news?.entered(name, exempt ? 0 : 1);
    return undefined;
  }

  /** The full total, subnet or address, as a key of Crush, after `enter` returned 'connections'. */
  fullOf(address: string): string {
    const { connections, connectionsPerAddress } = this.#limits;
    if (this.#open + this.#elsewhere >= connections) return WHOLE_POOL;
    const name = hostOf(address);
    const host = this.#addresses.get(name);
    return host !== undefined && all(host) >= connectionsPerAddress ? name : subnetOf(address);
  }

  leave(address: string): void {
    this.#open -= 1;
    const name = hostOf(address);
    this.#news?.left(name);
    for (const known of [this.#addresses.get(name), this.#subnets.get(subnetOf(address))]) {
      if (known !== undefined) known.open -= 1;
    }
  }

  /** Changes since the last call, to be sent to the other gateways. */
  news(): readonly CrowdChange[] {
    return this.#news?.take() ?? [];
  }

  /** Applies changes of other gateways: their connections and handshakes count against the limits here. */
  hear(changes: readonly CrowdChange[]): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [name, opened, handshakes] of changes) {
      const { host, subnet } = this.#groups(name, nowMs);
      this.#elsewhere += opened;
      host.elsewhere += opened;
      subnet.elsewhere += opened;
      if (handshakes === 0) continue;
      for (const bucket of [host.handshakes, subnet.handshakes, this.#handshakes]) bucket.spend(handshakes, nowMs);
    }
  }

  /** Forgets addresses without connections and with full token buckets. To be called every few seconds. */
  sweep(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const groups of [this.#addresses, this.#subnets]) {
      for (const [key, { open, elsewhere, handshakes }] of groups) {
        if (open === 0 && elsewhere === 0 && handshakes.full(nowMs)) groups.delete(key);
      }
    }
  }

  /** `name` is a host as `hostOf` has it. */
  #groups(name: string, nowMs: number): { readonly host: Group; readonly subnet: Group } {
    const { handshakesPerAddress, handshakesPerSubnet } = this.#limits;
    return {
      host: group(this.#addresses, name, handshakesPerAddress, nowMs),
      subnet: group(this.#subnets, subnetOf(name.replace(/\/.*/, '')), handshakesPerSubnet, nowMs),
    };
  }
}

function all({ open, elsewhere }: Group): number {
  return open + elsewhere;
}

function group(groups: Map<string, Group>, key: string, rate: Rate, nowMs: number): Group {
  let known = groups.get(key);
  if (known === undefined) {
    known = { open: 0, elsewhere: 0, handshakes: new TokenBucket(rate, nowMs) };
    groups.set(key, known);
  }
  return known;
}
