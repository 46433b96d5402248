import type { CoinbaseSize } from '#base/domain/share';
import { limits } from '#base/limits';

/** One object for each size that some profile has. */
export class CoinbaseSizes {
  readonly #sizes = new Map<number, CoinbaseSize>();

  /** Undefined for a device that takes as much as the longest coinbase that pays accounts. */
  get(bytesMax: number): CoinbaseSize | undefined {
    if (bytesMax >= limits.directCoinbaseBytes) return undefined;
    const known = this.#sizes.get(bytesMax) ?? { bytesMax };
    this.#sizes.set(bytesMax, known);
    return known;
  }
}
