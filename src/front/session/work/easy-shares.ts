import { hostOf } from '#base/domain/ip';
import { type Rate, TokenBucket } from '#base/domain/token-bucket';
import { limits } from '#base/limits';

const rate = (perSecond: number): Rate => ({ perSecond, burst: perSecond * limits.easySharesBurstSeconds });

const SESSION = rate(limits.easySharesPerSessionMax);
const ADDRESS = rate(limits.easySharesPerAddressMax);
const GATEWAY = rate(limits.easySharesPerGatewayMax);

/**
 * The budget of shares below the pool's minimum difficulty. A share takes from its session, then from its address, then
 * from the gateway, so a session over its own budget costs the others nothing. Times are monotonic ms.
 */
export class EasyShares {
  readonly #hosts = new Map<string, TokenBucket>();
  readonly #gateway: TokenBucket;

  constructor(nowMs: number) {
    this.#gateway = new TokenBucket(GATEWAY, nowMs);
  }

  /** Addresses that are remembered. */
  get size(): number {
    return this.#hosts.size;
  }

  /** A session's own part. */
  session(nowMs: number): TokenBucket {
    return new TokenBucket(SESSION, nowMs);
  }

  take(session: TokenBucket, remoteIp: string, nowMs: number): boolean {
    if (!session.take(1, nowMs)) return false;
    const host = hostOf(remoteIp);
    let bucket = this.#hosts.get(host);
    if (bucket === undefined) {
      bucket = new TokenBucket(ADDRESS, nowMs);
      this.#hosts.set(host, bucket);
    }
    return bucket.take(1, nowMs) && this.#gateway.take(1, nowMs);
  }

  /** Forgets addresses that have their whole budget again: those without an easy share for `easySharesBurstSeconds`. */
  sweep(nowMs: number): void {
    for (const [host, bucket] of this.#hosts) if (bucket.full(nowMs)) this.#hosts.delete(host);
  }
}
