import type { BlockPlace, ChainTip, ChainView } from '#base/domain/chain';
import type { Logger } from '#base/domain/ports';
import { type ChainInfo, readChainInfo, readCoinbase, readHash, readPlace, readTxids } from './chain-answers.ts';
import type { RpcAnswer } from './rpc.ts';
import type { Upstream } from './upstream.ts';

/** The calls that are made to a node. */
export type ChainNode = Pick<Upstream, 'name' | 'chainName' | 'chainwork' | 'health' | 'question'>;

export interface ChainReaderModules<T extends ChainNode> {
  readonly logger: Logger;
  /** The node that templates come from: of two with as much work it decides. */
  readonly active: () => T | undefined;
}

/** 65,000 transaction ids, more than a block can have; a coinbase of a whole block, as hex. */
const BLOCK_ANSWER_BYTES_MAX = 8 << 20;
const TRANSACTION_ANSWER_BYTES_MAX = 9 << 20;
const SMALL_ANSWER_BYTES_MAX = 1 << 20;

/**
 * The chain of several nodes; each question asks the nodes again. The node in sync whose chain has the most work decides. There is
 * no answer while a node that is silent or not in sync had as much work, because its chain may be the best one.
 */
export class ChainReader<T extends ChainNode> implements ChainView {
  readonly #nodes: readonly T[];
  readonly #modules: ChainReaderModules<T>;
  /** Methods that a node does not allow, and of which the log has heard. */
  readonly #refused = new Set<string>();

  constructor(nodes: readonly T[], modules: ChainReaderModules<T>) {
    this.#nodes = nodes;
    this.#modules = modules;
  }

  async tip(): Promise<ChainTip | undefined> {
    const decider = await this.#decider();
    return decider && { height: decider.info.height, hash: decider.info.hash };
  }

  async place(hash: string): Promise<BlockPlace | undefined> {
    const decider = await this.#decider();
    if (decider === undefined) return undefined;
    const place = await this.#placeAt(decider.node, hash);
    if (place?.at !== 'none') return place;
    const others = this.#nodes.filter((node) => node !== decider.node);
    const elsewhere = await Promise.all(others.map((node) => this.#placeAt(node, hash)));
    return elsewhere.some((each) => each !== undefined && each.at !== 'none') ? { at: 'side' } : place;
  }

  async hashAt(height: number): Promise<string | undefined> {
    const decider = await this.#decider();
    if (decider === undefined || height < 0 || height > decider.info.height) return undefined;
    return readHash(await this.#ask(decider.node, 'getblockhash', [height]));
  }

  async coinbase(hash: string): Promise<Uint8Array | undefined> {
    const { active } = this.#modules;
    // A block's data is verified by its hash, so the first node that has it is enough.
    const ordered = this.#nodes.toSorted((a, b) => Number(b === active()) - Number(a === active()));
    for (const node of ordered) {
      const header = await this.#ask(node, 'getblockheader', [hash, false]);
      if (!header.ok) continue;
      const block = await this.#ask(node, 'getblock', [hash, 1], BLOCK_ANSWER_BYTES_MAX);
      const [txid] = readTxids(header, block, hash) ?? [];
      if (txid === undefined) continue;
      const raw = await this.#ask(node, 'getrawtransaction', [txid, false, hash], TRANSACTION_ANSWER_BYTES_MAX);
      const coinbase = readCoinbase(raw, txid);
      if (coinbase !== undefined) return coinbase;
    }
    return undefined;
  }

  async #decider(): Promise<{ readonly node: T; readonly info: ChainInfo } | undefined> {
    const active = this.#modules.active();
    // A node that only the operator can mend counts if it has shown its chain before.
    const known = this.#nodes.filter(({ health, chainwork }) => chainwork !== '' || health.ready || !health.fatal);
    const answers = await Promise.all(
      known.map(async (node) => {
        const info = readChainInfo(await this.#ask(node, 'getblockchaininfo', []), node.chainName);
        return { node, info, chainwork: info?.chainwork ?? node.chainwork };
      }),
    );
    let best: { readonly node: T; readonly info: ChainInfo } | undefined;
    for (const { node, info } of answers) {
      if (info?.synced !== true) continue;
      const isRicher = best === undefined || info.chainwork > best.info.chainwork;
      if (isRicher || (info.chainwork === best?.info.chainwork && node === active)) best = { node, info };
    }
    const work = best?.info.chainwork ?? '';
    return answers.some(({ info, chainwork }) => info?.synced !== true && chainwork >= work) ? undefined : best;
  }

  async #placeAt(node: T, hash: string): Promise<BlockPlace | undefined> {
    return readPlace(await this.#ask(node, 'getblockheader', [hash]), hash);
  }

  async #ask(node: T, method: string, params: readonly unknown[], answerBytesMax = SMALL_ANSWER_BYTES_MAX) {
    const answer: RpcAnswer = await node.question(method, params, answerBytesMax);
    if (!answer.ok && answer.failure.kind === 'forbidden' && !this.#refused.has(`${node.name} ${method}`)) {
      this.#refused.add(`${node.name} ${method}`);
      const { message } = answer.failure;
      this.#modules.logger.error(
        { node: node.name, method, reason: message },
        'the books can not follow blocks at a node',
      );
    }
    return answer;
  }
}
