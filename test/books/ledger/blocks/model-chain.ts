import { createHash } from 'node:crypto';
import { toHex } from '#base/bitcoin/bytes';
import { buildCoinbase, type CoinbaseOutput } from '#base/bitcoin/coinbase';
import type { BlockPlace, ChainTip, ChainView } from '#base/domain/chain';
import { jobRowId } from '#base/domain/ids';
import type { SliceSource } from '#books/ledger/blocks/block-book';
import type { FoundBlock } from '#books/ledger/blocks/block-store';
import type { Slice } from '#books/ledger/rewards/scheme';

/** scriptPubKey of the pool in these tests. */
export const POOL_SCRIPT = Uint8Array.of(0x51);
const IDENTITY = Uint8Array.of(1, 2, 3, 4, 5, 6);

export interface ModelBlock {
  readonly hash: string;
  readonly height: number;
  readonly parent: ModelBlock | undefined;
  readonly coinbase: Uint8Array;
  /** Set if the pool found it. */
  readonly found: FoundBlock | undefined;
}

/** A chain in memory that forks as a test wants it, and one node's view of it. */
export class ModelChain implements ChainView {
  tipBlock: ModelBlock;
  /** No node decides. */
  silent = false;
  /** Blocks whose coinbase no node has. */
  readonly withheld = new Set<string>();
  readonly blocks = new Map<string, ModelBlock>();
  readonly #name: string;
  #made = 0;

  /** `name`: chains of different names have different genesis blocks. */
  constructor(name = 'model') {
    this.#name = name;
    this.tipBlock = this.#add(undefined, undefined, 0n);
  }

  /**
   * A block on the tip, or on another block, which is then the tip. `finder` is set if it is the pool's. `direct`: outputs in front
   * of the pool's, which has the rest of the value.
   */
  mine(
    finder?: string,
    on: ModelBlock = this.tipBlock,
    valueSats = 5_000_000_000n,
    direct: readonly CoinbaseOutput[] = [],
  ): ModelBlock {
    this.tipBlock = this.#add(on, finder, valueSats, direct);
    return this.tipBlock;
  }

  /** The block so many below the tip; the genesis block at the latest. */
  below(depth: number): ModelBlock {
    let block = this.tipBlock;
    for (let left = depth; left > 0 && block.parent !== undefined; left -= 1) block = block.parent;
    return block;
  }

  /** The blocks of the best chain, from the tip down. */
  *best(): IterableIterator<ModelBlock> {
    for (let block: ModelBlock | undefined = this.tipBlock; block !== undefined; block = block.parent) yield block;
  }

  async tip(): Promise<ChainTip | undefined> {
    return this.silent ? undefined : { height: this.tipBlock.height, hash: this.tipBlock.hash };
  }

  async place(hash: string): Promise<BlockPlace | undefined> {
    if (this.silent) return undefined;
    const block = this.blocks.get(hash);
    if (block === undefined) return { at: 'none' };
    const there = this.#at(block.height);
    if (there !== block) return { at: 'side' };
    return { at: 'chain', height: block.height, confirmations: this.tipBlock.height - block.height + 1 };
  }

  async hashAt(height: number): Promise<string | undefined> {
    return this.silent ? undefined : this.#at(height)?.hash;
  }

  async coinbase(hash: string): Promise<Uint8Array | undefined> {
    return this.silent || this.withheld.has(hash) ? undefined : this.blocks.get(hash)?.coinbase;
  }

  #at(height: number): ModelBlock | undefined {
    for (const block of this.best()) if (block.height === height) return block;
    return undefined;
  }

  #add(
    parent: ModelBlock | undefined,
    finder: string | undefined,
    valueSats: bigint,
    direct: readonly CoinbaseOutput[] = [],
  ): ModelBlock {
    const rest = direct.reduce((left, { sats }) => left - sats, valueSats);
    const serial = ++this.#made;
    const height = (parent?.height ?? -1) + 1;
    const isOurs = finder !== undefined;
    const halves = buildCoinbase({
      ...{ height, serial, identity: IDENTITY, extranonceBytes: 14, tag: '/test/' },
      outputs: [...direct, { script: isOurs ? POOL_SCRIPT : Uint8Array.of(0x52), sats: rest }],
      witnessCommitment: undefined,
    });
    const coinbase = new Uint8Array(Buffer.concat([halves.coinb1, new Uint8Array(14), halves.coinb2]));
    const hash = createHash('sha256')
      .update(`${parent?.hash ?? this.#name} ${serial}`)
      .digest('hex');
    const jobId = jobRowId(serial, toHex(IDENTITY));
    const found = isOurs ? { hash, jobId, finder, height, foundMs: serial, claimedSats: valueSats } : undefined;
    const block = { hash, height, parent, coinbase, found };
    this.blocks.set(hash, block);
    return block;
  }
}

/** Slices that a test writes: one for each job, sealed as the test says. */
export class ModelSlices implements SliceSource {
  readonly unsealed = new Set<string>();
  readonly known = new Set<string>();
  entries: Slice['entries'] = [
    { account: 'alice', work: 3n },
    { account: 'bob', work: 1n },
  ];

  isSealed(jobId: string): boolean {
    return this.known.has(jobId) && !this.unsealed.has(jobId);
  }

  divisionFrom(jobId: string): string {
    return jobId;
  }

  *slicesBack(jobId: string): Iterable<Slice> {
    const serial = Number.parseInt(jobId.slice(0, 10), 16);
    yield { serial, jobId, networkWork: 8n, subsidySats: 5_000_000_000n, feesSats: 0n, entries: this.entries };
  }
}
