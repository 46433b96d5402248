import type { Network } from '#base/bitcoin/address';
import { fromDisplayHash, toDisplayHash, toHex } from '#base/bitcoin/bytes';
import { merkleRoot } from '#base/bitcoin/merkle';
import { sha256d } from '#base/bitcoin/sha256d';
import { bitsOfTarget, targetOfBits, targetOfDifficulty } from '#base/bitcoin/target';
import { BoundedMap } from '#base/domain/bounded-map';
import type { ChainView } from '#base/domain/chain';
import type { Containment } from '#base/domain/contain';
import type { BitcoinNode, Clock, Logger, NodeStatus, NodeWatch, Standing, SubmitOutcome } from '#base/domain/ports';
import { NO_QUEUE } from '#base/domain/queue';
import type { BlockTemplate } from '#base/domain/template';
import { checkContextFree, checkNextBlock, decodeBlock, type NextBlockRules, WEIGHT_MAX } from './block-check.ts';
import { loadChain, saveChain } from './chain-file.ts';
import { HEADERS_KEPT, HeaderChain } from './header-chain.ts';
import { SimulatedChainView } from './simulated-chain-view.ts';
import { SimulatedCoins, type StoredCoins } from './simulated-coins.ts';
import type { SimulatedKey } from './simulated-key.ts';
import { SimulatedMempool } from './simulated-mempool.ts';
import type { Random, SimulatedTransaction } from './simulated-transaction.ts';
import { SimulatedWallet } from './simulated-wallet.ts';
import { DUPLICATE, PARENT_UNKNOWN, readSubmitAnswer } from './submit.ts';

export interface SimulatedNodeOptions {
  /** Only regtest, so that this chain is not mistaken for a real one. */
  readonly network: Network;
  /** Expected work of a block in units of 2^32 hashes; it never changes. */
  readonly blockDifficulty?: number | undefined;
  /** Where the chain is kept, so that a restart goes on at its height; without it every start begins at height 0. */
  readonly file?: string | undefined;
  /** The key of the node's wallet; without it the node has none. */
  readonly key?: SimulatedKey | undefined;
  readonly transactionsPerSecond?: number | undefined;
  readonly transactionsPerBlock?: number | undefined;
  readonly transactionsMax?: number | undefined;
  /** Age at which a template is replaced for the sake of newer transactions. */
  readonly refreshMs?: number | undefined;
}

export interface SimulatedNodeModules {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly contain: Containment;
}

/** About ten seconds of a CPU that does two million hashes a second. */
export const BLOCK_DIFFICULTY = 0.005;
const TRANSACTIONS_PER_SECOND = 2;
const TRANSACTIONS_PER_BLOCK = 20;
const TRANSACTIONS_MAX = 2500;
const REFRESH_MS = 30_000;
const VERSION = 0x2000_0000;
/** Left to the header, the count and the coinbase. */
const RESERVED_WEIGHT = 8000;
const HALVING_BLOCKS = 150;
const REGTEST_LIMIT_BITS = 0x207f_ffff;

/** Regtest's block subsidy (Bitcoin Core, GetBlockSubsidy): 50 BTC, halved every 150 blocks. */
export function subsidySats(height: number): bigint {
  return 5_000_000_000n >> BigInt(Math.floor(height / HALVING_BLOCKS));
}

/**
 * A Bitcoin node without a network, in process. It gives templates with simulated transactions, and checks submitted blocks as a real
 * node would, by regtest's rules without retargeting. Throws for another network, an invalid difficulty, and an unreadable chain
 * file.
 */
export function simulatedNode(options: SimulatedNodeOptions, modules: SimulatedNodeModules): SimulatedNode {
  return new SimulatedNode(options, modules);
}

export class SimulatedNode implements BitcoinNode {
  readonly chain: ChainView;
  readonly #modules: SimulatedNodeModules;
  readonly #file: string | undefined;
  readonly #refreshMs: number;
  readonly #bits: number;
  readonly #chain: HeaderChain;
  readonly #mempool: SimulatedMempool;
  /** The wallet's coins, if there is a wallet. */
  #coins: SimulatedCoins | undefined;
  readonly wallet: SimulatedWallet | undefined;
  /** Blocks that came too late for the chain. */
  readonly #aside = new BoundedMap<true>(HEADERS_KEPT);
  #onTemplate: ((template: BlockTemplate) => void) | undefined;
  #refresh: NodeJS.Timeout | undefined;
  #soon: NodeJS.Immediate | undefined;
  #closed = false;

  constructor(options: SimulatedNodeOptions, modules: SimulatedNodeModules) {
    const { network, file, refreshMs = REFRESH_MS } = options;
    if (network !== 'regtest') throw new Error(`the embedded node is a regtest node: ${network} needs a real one`);
    this.#modules = modules;
    this.#file = file;
    this.#refreshMs = refreshMs;
    this.#bits = blockBits(options.blockDifficulty ?? BLOCK_DIFFICULTY);
    const loaded = file === undefined ? { chain: new HeaderChain(), coins: undefined } : loadChain(file);
    this.#chain = loaded.chain;
    this.wallet = this.#openWallet(options.key, loaded.coins);
    this.#mempool = new SimulatedMempool(
      {
        transactionsPerSecond: options.transactionsPerSecond ?? TRANSACTIONS_PER_SECOND,
        transactionsPerBlock: options.transactionsPerBlock ?? TRANSACTIONS_PER_BLOCK,
        transactionsMax: options.transactionsMax ?? TRANSACTIONS_MAX,
      },
      { random: modules.random },
    );
    this.chain = new SimulatedChainView(this.#chain, (hash) => this.#aside.has(hash));
  }

  async start(onTemplate: (template: BlockTemplate) => void): Promise<void> {
    if (this.#onTemplate !== undefined || this.#closed) {
      throw new Error('a node is started once, and before it is closed');
    }
    this.#onTemplate = onTemplate;
    this.#publish();
  }

  async submitBlock(block: Uint8Array): Promise<SubmitOutcome> {
    if (this.#closed) return { status: 'unknown', reason: 'closed' };
    try {
      const result = this.#submit(block);
      if (result === DUPLICATE) return { status: 'accepted' };
      // The simulated node has no peers: a parent that it lacks will never come.
      return readSubmitAnswer({ ok: true, result }) ?? { status: 'rejected', reason: PARENT_UNKNOWN };
    } catch (error) {
      this.#modules.logger.error({ error: String(error) }, 'the simulated chain could not be stored');
      return { status: 'unknown', reason: String(error) };
    }
  }

  async standing(hash: string, block: () => Promise<Uint8Array | undefined>): Promise<Standing> {
    if (this.#closed) return { at: 'unknown' };
    const found = this.#place(hash);
    const bytes = found.at === 'none' ? await block() : undefined;
    if (bytes === undefined) return found;
    const outcome = await this.submitBlock(bytes);
    if (outcome.status === 'unknown') return { at: 'unknown' };
    return outcome.status === 'rejected' ? { at: 'none', refused: outcome.reason } : this.#place(hash);
  }

  status(): NodeStatus {
    if (this.#closed) return { ready: false, reason: 'closed' };
    return this.#onTemplate === undefined ? { ready: false, reason: 'not started' } : { ready: true };
  }

  watched(): NodeWatch {
    const signals = { signalsConfigured: 0, signalsConnected: 0, signalsMissed: 0 };
    return { clockOffsetSeconds: 0, ...signals, calls: NO_QUEUE, urgentCalls: NO_QUEUE };
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#refresh);
    clearImmediate(this.#soon);
  }

  /** Gives the template of this moment; the next follows on a new block, or when this one has aged. */
  #publish(): void {
    const { clock, contain } = this.#modules;
    clearTimeout(this.#refresh);
    if (this.#closed || this.#onTemplate === undefined) return;
    this.#mempool.advance(clock.nowMs());
    const take = this.#onTemplate;
    contain.attempt('a template', () => take(this.#template()));
    this.#refresh = setTimeout(() => this.#publish(), this.#refreshMs);
  }

  /** In a turn of its own: a block may be handed in while a template is being taken. */
  #publishSoon(): void {
    this.#soon ??= setImmediate(() => {
      this.#soon = undefined;
      this.#publish();
    });
  }

  #openWallet(key: SimulatedKey | undefined, stored: StoredCoins | undefined): SimulatedWallet | undefined {
    if (key === undefined) return undefined;
    const coins = new SimulatedCoins(key, this.#chain.height, stored);
    this.#coins = coins;
    return new SimulatedWallet({
      key,
      coins: () => this.#coins ?? coins,
      changed: () => {
        if (this.#file !== undefined) saveChain(this.#file, this.#chain.end, this.#coins?.store());
        this.#publishSoon();
      },
    });
  }

  #template(): BlockTemplate {
    const height = this.#chain.height + 1;
    const minTime = this.#chain.medianTime + 1;
    const own = this.#coins?.waiting() ?? [];
    const ownWeight = own.reduce((sum, { weight }) => sum + weight, 0);
    const transactions = [...own, ...this.#mempool.select(WEIGHT_MAX - RESERVED_WEIGHT - ownWeight)];
    return {
      askedMs: this.#modules.clock.monotonicMs(),
      height,
      version: VERSION,
      previousHash: this.#chain.tipHash,
      bits: this.#bits,
      minTime,
      curTime: Math.max(this.#nowSeconds(), minTime),
      coinbaseValueSats: transactions.reduce((sum, { feeSats }) => sum + feeSats, subsidySats(height)),
      transactions: transactions.map(({ data, txid }) => ({ data, txid })),
      witnessCommitment: commitmentScript(transactions),
    };
  }

  #place(hash: string): Standing {
    const height = this.#chain.heightOf(fromDisplayHash(hash) ?? new Uint8Array());
    if (height !== undefined) return { at: 'chain', confirmations: this.#chain.height - height + 1 };
    return { at: this.#aside.has(hash) ? 'side' : 'none' };
  }

  /** submitblock: null if the block is now the tip, else the reason (BIP22). */
  #submit(bytes: Uint8Array): string | null {
    const chain = this.#chain;
    const block = decodeBlock(bytes);
    if (block === undefined) return 'Block decode failed';
    if (chain.heightOf(block.hash) !== undefined) return DUPLICATE;
    const previousHeight = chain.heightOf(block.header.previousHash);
    if (previousHeight === undefined) return 'prev-blk-not-found';
    const wrong = checkContextFree(block, this.#bits);
    if (wrong !== undefined) return wrong;
    // Valid for all that can be known, but the chain goes on elsewhere.
    if (previousHeight !== chain.height) {
      this.#aside.set(toDisplayHash(block.hash), true);
      return 'inconclusive';
    }
    const wrongHere = checkNextBlock(block, this.#rules());
    if (wrongHere !== undefined) return wrongHere;
    const coinbase = block.transactions[0]?.toBuffer();
    const coins = this.#coins?.clone();
    coins?.connect(block.transactions);
    if (this.#file !== undefined) {
      saveChain(this.#file, chain.endAfter(block.headerBytes, coinbase), coins?.store());
    }
    this.#coins = coins;
    chain.append(block.headerBytes, coinbase);
    this.#mempool.confirm(block.txids);
    const fields = { height: chain.height, hash: toDisplayHash(block.hash) };
    this.#modules.logger.info(fields, 'the simulated node has a new block');
    this.#publishSoon();
    return null;
  }

  #rules(): NextBlockRules {
    const height = this.#chain.height + 1;
    const own = new Map(this.#coins?.minable().map((transaction) => [toHex(transaction.txid), transaction]));
    return {
      height,
      bits: this.#bits,
      medianTime: this.#chain.medianTime,
      nowSeconds: this.#nowSeconds(),
      subsidySats: subsidySats(height),
      find: (txid) => own.get(toHex(txid)) ?? this.#mempool.find(txid),
    };
  }

  #nowSeconds(): number {
    return Math.floor(this.#modules.clock.nowMs() / 1000);
  }
}

/** The compact target of every block: regtest's own limit is the easiest there is. */
function blockBits(difficulty: number): number {
  const limit = targetOfBits(REGTEST_LIMIT_BITS) ?? 0n;
  const target = targetOfDifficulty(difficulty);
  const bits = bitsOfTarget(target < limit ? target : limit);
  if (targetOfBits(bits) === undefined) throw new RangeError(`block difficulty ${difficulty} is too high`);
  return bits;
}

/** BIP141: OP_RETURN, the prefix, and sha256d(witness root, reserved value); the coinbase's own wtxid counts as zero. */
function commitmentScript(transactions: readonly SimulatedTransaction[]): Uint8Array {
  const zero = new Uint8Array(32);
  const root = merkleRoot([zero, ...transactions.map(({ wtxid }) => wtxid)]);
  return Uint8Array.from([0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed, ...sha256d(root, zero)]);
}
