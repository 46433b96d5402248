import type { CrowdChange } from './neighbours.ts';

/** Connections opened and closed since the last report: at most one entry per address, none if nothing has changed. */
export class CrowdNews {
  #changes = new Map<string, { opened: number; handshakes: number }>();

  entered(host: string, handshakes: number): void {
    const change = this.#of(host);
    change.opened += 1;
    change.handshakes += handshakes;
  }

  left(host: string): void {
    this.#of(host).opened -= 1;
  }

  take(): readonly CrowdChange[] {
    const changes = this.#changes;
    if (changes.size === 0) return [];
    this.#changes = new Map();
    const told: CrowdChange[] = [];
    for (const [host, { opened, handshakes }] of changes) {
      if (opened !== 0 || handshakes !== 0) told.push([host, opened, handshakes]);
    }
    return told;
  }

  #of(host: string): { opened: number; handshakes: number } {
    let change = this.#changes.get(host);
    if (change === undefined) {
      change = { opened: 0, handshakes: 0 };
      this.#changes.set(host, change);
    }
    return change;
  }
}
