import { canonicalIp, formatIp, hostOf, type IpRange, inAnyRange, inRange, parseIp, parseRange } from '#base/domain/ip';
import type { Ban, Clock } from '#base/domain/ports';
import { TokenBucket } from '#base/domain/token-bucket';
import { limits } from '#base/limits';

/** One address (an IPv6 /64) with its connections and its rates. */
interface Host {
  open: number;
  readonly handshakes: TokenBucket;
  readonly requests: TokenBucket;
}

/** A connection that was let in. */
export interface Visitor {
  /** In its one spelling. */
  readonly address: string;
  /** Spends the cost of a request. Returns false if the rate of its address, or of all addresses, is used up. */
  take(cost: number): boolean;
  /** It sent requests without waiting for answers: its address may not connect again for a while. */
  offend(): void;
  /** The connection is closed. To be called once. */
  leave(): void;
}

export interface VisitorOptions {
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

const perAddress = (perSecond: number) => ({ perSecond, burst: perSecond * limits.httpBurstSeconds });

/**
 * Decides which connections HTTP takes, and how much each address may ask. An address that is denied or banned as a miner is
 * refused here as well. Those in `allow` have no limit of their own: a proxy beside the pool asks for all of its users.
 */
export class Visitors {
  readonly #clock: Clock;
  readonly #allow: readonly IpRange[];
  readonly #deny: readonly IpRange[];
  /** When each ban ends: by host, and of ranges that are wider than one. */
  readonly #bans = new Map<string, number>();
  readonly #wide = new Map<string, { readonly untilMs: number; readonly range: IpRange }>();
  readonly #hosts = new Map<string, Host>();
  readonly #requests: TokenBucket;
  #open = 0;

  constructor({ allow, deny }: VisitorOptions, { clock }: { readonly clock: Clock }) {
    this.#clock = clock;
    this.#allow = allow.flatMap((text) => parseRange(text) ?? []);
    this.#deny = deny.flatMap((text) => parseRange(text) ?? []);
    const perSecond = limits.httpRequestsMax;
    this.#requests = new TokenBucket({ perSecond, burst: perSecond }, clock.monotonicMs());
  }

  /** Addresses that are remembered. */
  get remembered(): number {
    return this.#hosts.size;
  }

  ban({ address, untilMs }: Ban): void {
    const range = parseRange(address);
    if (range === undefined) return;
    if (hostOf(formatIp(range.bytes)) === address) this.#bans.set(address, untilMs);
    else this.#wide.set(address, { untilMs, range });
  }

  pardon(address: string): void {
    this.#bans.delete(address);
    this.#wide.delete(address);
  }

  /** True if this address, in its one spelling, is not to be served. */
  refuses(address: string): boolean {
    if (inAnyRange(this.#allow, address)) return false;
    if (inAnyRange(this.#deny, address)) return true;
    const nowMs = this.#clock.nowMs();
    if ((this.#bans.get(hostOf(address)) ?? 0) > nowMs) return true;
    const bytes = parseIp(address) ?? new Uint8Array();
    for (const { untilMs, range } of this.#wide.values()) if (untilMs > nowMs && inRange(range, bytes)) return true;
    return false;
  }

  /** Lets a connection in; undefined if it is to be closed. `remoteAddress` is as the socket has it. */
  enter(remoteAddress: string): Visitor | undefined {
    const address = canonicalIp(remoteAddress);
    const allowed = inAnyRange(this.#allow, address);
    const room = allowed ? limits.httpConnectionsMax : limits.httpConnectionsMax - limits.httpConnectionsReserved;
    if (this.#open >= room || this.refuses(address)) return undefined;
    const nowMs = this.#clock.monotonicMs();
    const host = this.#host(hostOf(address), nowMs);
    if (!allowed && (host.open >= limits.httpConnectionsPerAddressMax || !host.handshakes.take(1, nowMs))) {
      return undefined;
    }
    host.open += 1;
    this.#open += 1;
    return {
      address,
      take: (cost) => {
        const takenMs = this.#clock.monotonicMs();
        return (allowed || host.requests.take(cost, takenMs)) && this.#requests.take(1, takenMs);
      },
      offend: () => {
        if (!allowed) host.handshakes.spend(limits.httpOffenceHandshakes, this.#clock.monotonicMs());
      },
      leave: () => {
        host.open -= 1;
        this.#open -= 1;
      },
    };
  }

  /** Forgets addresses and bans that there is nothing to remember of. To be called every few seconds. */
  sweep(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [name, { open, handshakes, requests }] of this.#hosts) {
      if (open === 0 && handshakes.full(nowMs) && requests.full(nowMs)) this.#hosts.delete(name);
    }
    const wallMs = this.#clock.nowMs();
    for (const [address, untilMs] of this.#bans) if (untilMs <= wallMs) this.#bans.delete(address);
    for (const [address, { untilMs }] of this.#wide) if (untilMs <= wallMs) this.#wide.delete(address);
  }

  #host(name: string, nowMs: number): Host {
    let host = this.#hosts.get(name);
    if (host === undefined) {
      host = {
        open: 0,
        handshakes: new TokenBucket(perAddress(limits.httpHandshakesPerAddressMax), nowMs),
        requests: new TokenBucket(perAddress(limits.httpRequestsPerAddressMax), nowMs),
      };
      this.#hosts.set(name, host);
    }
    return host;
  }
}
