/** A transaction offered by the node for the next block. */
export interface TemplateTransaction {
  /** The full serialisation, with witness. */
  readonly data: Uint8Array;
  /** 32 bytes, internal (little-endian) order: the hash of the serialisation without witness. */
  readonly txid: Uint8Array;
}

/** A node's template for the next block (BIP22/BIP23 getblocktemplate, BIP145 for segwit), validated and decoded. */
export interface BlockTemplate {
  /** When the node was asked for it, monotonic ms: transactions that reached the node later are not in it. */
  readonly askedMs: number;
  readonly height: number;
  /** u32, with no version-rolling bits changed. */
  readonly version: number;
  /** 32 bytes, internal (little-endian) order. */
  readonly previousHash: Uint8Array;
  /** Compact target, u32. */
  readonly bits: number;
  /** Earliest acceptable block time, UNIX seconds. */
  readonly minTime: number;
  /** Latest block time for which `bits` are right, UNIX seconds; undefined if they are right for any (all but testnet4). */
  readonly maxTime?: number;
  /** The node's clock, UNIX seconds. */
  readonly curTime: number;
  /** Subsidy and fees that the coinbase may claim. */
  readonly coinbaseValueSats: bigint;
  readonly transactions: readonly TemplateTransaction[];
  /** The witness commitment's scriptPubKey (BIP141), absent if the template needs none. */
  readonly witnessCommitment: Uint8Array | undefined;
}
