import { fromDisplayHash, toDisplayHash } from '#base/bitcoin/bytes';
import type { BlockPlace, ChainTip, ChainView } from '#base/domain/chain';
import { GENESIS_HASH, type HeaderChain } from './header-chain.ts';

/**
 * The simulated node's chain as the books see it. It keeps its last blocks only: of an unknown block it decides nothing once it
 * has forgotten any.
 */
export class SimulatedChainView implements ChainView {
  readonly #chain: HeaderChain;
  readonly #isAside: (hash: string) => boolean;

  /** `isAside`: whether a block came too late for the chain. */
  constructor(chain: HeaderChain, isAside: (hash: string) => boolean) {
    this.#chain = chain;
    this.#isAside = isAside;
  }

  async tip(): Promise<ChainTip> {
    return { height: this.#chain.height, hash: toDisplayHash(this.#chain.tipHash) };
  }

  async place(hash: string): Promise<BlockPlace | undefined> {
    const bytes = fromDisplayHash(hash);
    const height = bytes && this.#chain.heightOf(bytes);
    if (height !== undefined) return { at: 'chain', height, confirmations: this.#chain.height - height + 1 };
    if (this.#isAside(hash)) return { at: 'side' };
    return this.#chain.forgottenHeight < 0 ? { at: 'none' } : undefined;
  }

  async hashAt(height: number): Promise<string | undefined> {
    if (height === 0) return GENESIS_HASH;
    const hash = this.#chain.hashAt(height);
    return hash && toDisplayHash(hash);
  }

  async coinbase(hash: string): Promise<Uint8Array | undefined> {
    const bytes = fromDisplayHash(hash);
    return bytes && this.#chain.coinbaseOf(bytes);
  }
}
