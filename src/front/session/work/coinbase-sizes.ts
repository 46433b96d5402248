import type { CoinbaseSize } from '#base/domain/share';

/** One object for each size that some profile has. */
export class CoinbaseSizes {
  readonly #sizes = new Map<number, CoinbaseSize>();

  /** Undefined for a device that takes any coinbase. */
  get(bytesMax: number): CoinbaseSize | undefined {
    if (bytesMax === Number.POSITIVE_INFINITY) return undefined;
    const known = this.#sizes.get(bytesMax) ?? { bytesMax };
    this.#sizes.set(bytesMax, known);
    return known;
  }
}
