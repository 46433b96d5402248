import { hostOf, subnetOf } from '../domain/ip.ts';
import type { Clock } from '../domain/ports.ts';
import { type Rate, TokenBucket } from './token-bucket.ts';

export interface AdmissionLimits {
  /** Open connections: of all, of one address (IPv6: of a /64), of its neighbours (/24, /48). */
  readonly connections: number;
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
  open: number;
  readonly handshakes: TokenBucket;
}

/**
 * Counts connections. An address that is over its own limits is refused before it costs its neighbours or the total
 * anything, so a flood from one address can not use up what the others need.
 */
export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #clock: Clock;
  readonly #addresses = new Map<string, Group>();
  readonly #subnets = new Map<string, Group>();
  readonly #handshakes: TokenBucket;
  #open = 0;

  constructor(limits: AdmissionLimits, { clock }: { readonly clock: Clock }) {
    this.#limits = limits;
    this.#clock = clock;
    this.#handshakes = new TokenBucket(limits.handshakes, clock.monotonicMs());
  }

  /** Open connections. */
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
    const host = group(this.#addresses, hostOf(address), limits.handshakesPerAddress, nowMs);
    const subnet = group(this.#subnets, subnetOf(address), limits.handshakesPerSubnet, nowMs);
    if (this.#open >= limits.connections) return 'connections';
    if (!exempt) {
      if (host.open >= limits.connectionsPerAddress || subnet.open >= limits.connectionsPerSubnet) return 'connections';
      const taken = host.handshakes.take(1, nowMs) && subnet.handshakes.take(1, nowMs);
      if (!taken || !this.#handshakes.take(1, nowMs)) return 'handshakes';
    }
    host.open += 1;
    subnet.open += 1;
    this.#open += 1;
    return undefined;
  }

  leave(address: string): void {
    this.#open -= 1;
    for (const known of [this.#addresses.get(hostOf(address)), this.#subnets.get(subnetOf(address))]) {
      if (known !== undefined) known.open -= 1;
    }
  }

  /** Forgets whom there is nothing to remember of. To be called every few seconds. */
  sweep(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const groups of [this.#addresses, this.#subnets]) {
      for (const [key, { open, handshakes }] of groups) {
        if (open === 0 && handshakes.full(nowMs)) groups.delete(key);
      }
    }
  }
}

function group(groups: Map<string, Group>, key: string, rate: Rate, nowMs: number): Group {
  let known = groups.get(key);
  if (known === undefined) {
    known = { open: 0, handshakes: new TokenBucket(rate, nowMs) };
    groups.set(key, known);
  }
  return known;
}
