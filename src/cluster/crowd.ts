import type { CrowdChange } from '#front/net/door/neighbours';

/** The open connections of each gateway: sent to a new gateway, and subtracted when a gateway dies. */
export class Crowd {
  /** Open connections by address, by gateway. */
  readonly #open = new Map<object, Map<string, number>>();

  /** A gateway has told what changed. */
  changed(gateway: object, changes: readonly CrowdChange[]): void {
    let open = this.#open.get(gateway);
    if (open === undefined) {
      open = new Map();
      this.#open.set(gateway, open);
    }
    for (const [host, opened] of changes) {
      const count = (open.get(host) ?? 0) + opened;
      if (count === 0) open.delete(host);
      else open.set(host, count);
    }
  }

  /** Everything that all gateways have open now. */
  now(): CrowdChange[] {
    const sums = new Map<string, number>();
    for (const open of this.#open.values())
      for (const [host, count] of open) sums.set(host, (sums.get(host) ?? 0) + count);
    return [...sums].map(([host, count]) => [host, count, 0]);
  }

  /** A gateway ended: returns the change for the other gateways. */
  gone(gateway: object): CrowdChange[] {
    const open = this.#open.get(gateway) ?? new Map<string, number>();
    this.#open.delete(gateway);
    return [...open].map(([host, count]) => [host, -count, 0]);
  }
}
