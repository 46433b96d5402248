import type { Weighed } from './distribute.ts';

/** Sums of weight and work by account, over the slices that count. */
export class Tally {
  readonly #sums = new Map<string, { account: string; weight: bigint; work: bigint }>();

  add(account: string, weight: bigint, work: bigint): void {
    const sum = this.#sums.get(account);
    if (sum === undefined) {
      this.#sums.set(account, { account, weight, work });
    } else {
      sum.weight += weight;
      sum.work += work;
    }
  }

  sums(): Weighed[] {
    return [...this.#sums.values()];
  }
}
