/** The best block of a chain. */
export interface ChainTip {
  readonly height: number;
  /** 64 hex digits, display (big-endian) order, as all hashes here. */
  readonly hash: string;
}

/**
 * Where a block stands. `chain`: in the best chain; `confirmations` is 1 for the tip. `side`: a node has the block, and its
 * chain is another one. `none`: no node has it.
 */
export type BlockPlace =
  | { readonly at: 'chain'; readonly height: number; readonly confirmations: number }
  | { readonly at: 'side' }
  | { readonly at: 'none' };

/**
 * The chain as the books see it. An answer is undefined if no node decides: none answers, those that do are downloading or behind
 * the headers that they know, or a silent one had as much work. Two answers may be about two chains, if the chain moved between
 * them. Never rejects.
 */
export interface ChainView {
  tip(): Promise<ChainTip | undefined>;
  place(hash: string): Promise<BlockPlace | undefined>;
  /** The hash of the best chain's block at a height; undefined also beyond the tip. */
  hashAt(height: number): Promise<string | undefined>;
  /**
   * The coinbase transaction of a block, serialised, with or without witness. Its place in the block is proven: the block's
   * header has the hash, and its merkle root has the transaction.
   */
  coinbase(hash: string): Promise<Uint8Array | undefined>;
}

/** The methods of a view, for code that passes its questions on to another process. */
export const chainMethods = ['tip', 'place', 'hashAt', 'coinbase'] as const satisfies readonly (keyof ChainView)[];
