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

/** Why a connection is not let in, by what it had too many of. */
export type AdmissionRefusal = 'connections' | 'handshakes';

/** One address, or one subnet. */
interface Group {
  /** Here, and in the other gateways as far as they have told. */
  open: number;
  elsewhere: number;
  readonly handshakes: TokenBucket;
}

/**
 * Counts connections. An address that is over its own limits is refused before it costs its neighbours or the total
 * anything, so a flood from one address can not use up what the others need. What other gateways let in counts as well,
 * from when they have told of it: `news` and `hear`.
 */
export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #clock: Clock;
  readonly #addresses = new Map<string, Group>();
  readonly #subnets = new Map<string, Group>();
  readonly #handshakes: TokenBucket;
  /** What the others are to hear of; undefined where there are no others. */
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

  /** Lets a connection in, which `leave` must be called for, or says why not. `exempt` knows no limit but the total. */
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

  /** What has no room for another connection of this address, after `enter` said 'connections': a key of Crush. */
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

  /** What has changed here since the last call, for the other gateways. */
  news(): readonly CrowdChange[] {
    return this.#news?.take() ?? [];
  }

  /** What has changed in other gateways: their connections take room here, and their handshakes the same tokens. */
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

  /** Forgets whom there is nothing to remember of. To be called every few seconds. */
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
