import { equalBytes, fromHex, toHex } from '#base/bitcoin/bytes';
import { decodeHeader, HEADER_BYTES, type Header, headerHash } from '#base/bitcoin/header';
import { meetsTarget, targetOfBits, targetToBytes } from '#base/bitcoin/target';

/** Regtest's genesis block (Bitcoin Core, kernel/chainparams.cpp). */
const GENESIS_HEADER =
  `01000000${'00'.repeat(32)}3ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a` +
  'dae5494dffff7f2002000000';
/** Its hash, in display order: known however long the chain is. */
export const GENESIS_HASH = '0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206';
/** Headers that are kept: enough for the median time, and to recognise late blocks. */
export const HEADERS_KEPT = 288;
const MEDIAN_TIME_SPAN = 11;

/** The end of a chain as it is stored: the headers up to `height`, oldest first. */
export interface ChainEnd {
  readonly height: number;
  /** 80 bytes each, at least one. */
  readonly headers: readonly Uint8Array[];
  /** The coinbase transactions of the headers' blocks; undefined for a block that was stored without. */
  readonly coinbases: readonly (Uint8Array | undefined)[];
}

interface Link {
  readonly bytes: Uint8Array;
  readonly coinbase: Uint8Array | undefined;
  /** Block hash, 32 bytes in internal order. */
  readonly hash: Uint8Array;
  readonly header: Header;
}

/** The best chain of the simulated node, its last headers only. It never forks. */
export class HeaderChain {
  #height: number;
  readonly #links: Link[] = [];
  /** Hash in hex → height, for the kept headers. */
  readonly #heights = new Map<string, number>();

  /** Starts from the genesis block, or from the stored end. Throws an Error that describes what is wrong with the stored end. */
  constructor(end: ChainEnd = { height: 0, headers: [fromHex(GENESIS_HEADER) ?? new Uint8Array()], coinbases: [] }) {
    const { height, headers, coinbases } = end;
    if (!Number.isSafeInteger(height) || height < headers.length - 1) throw new Error(`height ${height} is impossible`);
    if (headers.length === 0) throw new Error('there is no header');
    this.#height = height - headers.length;
    for (const [index, header] of headers.entries()) this.append(header, coinbases[index]);
  }

  get height(): number {
    return this.#height;
  }

  /** Hash of the best block, 32 bytes in internal order. */
  get tipHash(): Uint8Array {
    return this.#tip.hash;
  }

  /** Median time of the last 11 blocks, UNIX seconds: the next block's time must be greater (Core, GetMedianTimePast). */
  get medianTime(): number {
    const times = this.#links.slice(-MEDIAN_TIME_SPAN).map((link) => link.header.time);
    return times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
  }

  /** Height of a block of this chain; undefined for one that is unknown or long past. */
  heightOf(hash: Uint8Array): number | undefined {
    return this.#heights.get(toHex(hash));
  }

  /** Hash of the block at a height, 32 bytes in internal order; undefined for one that is long past, and beyond the tip. */
  hashAt(height: number): Uint8Array | undefined {
    return this.#links[height - this.#height + this.#links.length - 1]?.hash;
  }

  /** The coinbase of a block of this chain; undefined for one that is unknown or long past, or was stored without. */
  coinbaseOf(hash: Uint8Array): Uint8Array | undefined {
    const height = this.heightOf(hash);
    return height === undefined ? undefined : this.#links[height - this.#height + this.#links.length - 1]?.coinbase;
  }

  /** The greatest height of which nothing is known any more; -1 if all blocks are. */
  get forgottenHeight(): number {
    return this.#height - this.#links.length;
  }

  /** Adds a header. Throws unless it builds on the tip and has the work that it claims. */
  append(bytes: Uint8Array, coinbase?: Uint8Array): void {
    const header = bytes.length === HEADER_BYTES ? decodeHeader(bytes) : undefined;
    if (header === undefined) throw new Error('a header is not 80 bytes long');
    const target = targetOfBits(header.bits);
    const hash = headerHash(bytes);
    if (target === undefined || !meetsTarget(hash, targetToBytes(target))) {
      throw new Error(`the header at height ${this.#height + 1} has no proof of work`);
    }
    const tip = this.#links.at(-1);
    if (tip !== undefined && !equalBytes(tip.hash, header.previousHash)) {
      throw new Error(`the header at height ${this.#height + 1} does not build on the one before`);
    }
    this.#height += 1;
    this.#links.push({ bytes, coinbase, hash, header });
    this.#heights.set(toHex(hash), this.#height);
    if (this.#links.length > HEADERS_KEPT) {
      const oldest = this.#links.shift();
      if (oldest) this.#heights.delete(toHex(oldest.hash));
    }
  }

  /** What has to be stored so that a later run goes on from here. */
  get end(): ChainEnd {
    return {
      height: this.#height,
      headers: this.#links.map((link) => link.bytes),
      coinbases: this.#links.map((link) => link.coinbase),
    };
  }

  /** What has to be stored so that a later run goes on from the block `next`, which is to be appended. */
  endAfter(next: Uint8Array, coinbase: Uint8Array | undefined): ChainEnd {
    const links = [...this.#links, { bytes: next, coinbase }].slice(-HEADERS_KEPT);
    return {
      height: this.#height + 1,
      headers: links.map((link) => link.bytes),
      coinbases: links.map((link) => link.coinbase),
    };
  }

  get #tip(): Link {
    const tip = this.#links.at(-1);
    if (tip === undefined) throw new Error('a chain has at least one header');
    return tip;
  }
}
