import { limits } from '#base/limits';

/** How many workers are authorised, of each host (an IPv4 address, an IPv6 /64). As large as the hosts that have any. */
export class WorkerCounts {
  readonly #ofHost = new Map<string, number>();

  /** Whether a host may have one more. */
  affords(host: string): boolean {
    return (this.#ofHost.get(host) ?? 0) < limits.workersPerAddressMax;
  }

  add(host: string, count: number): void {
    const workers = (this.#ofHost.get(host) ?? 0) + count;
    if (workers > 0) this.#ofHost.set(host, workers);
    else this.#ofHost.delete(host);
  }

  /** Hosts. */
  get size(): number {
    return this.#ofHost.size;
  }
}
