import { fromHex, toDisplayHash } from '#base/bitcoin/bytes';
import { BoundedMap } from '#base/domain/bounded-map';
import type { Standing, SubmitOutcome } from '#base/domain/ports';
import { limits } from '#base/limits';
import { PARENT_UNKNOWN } from './submit.ts';
import type { Health, Upstream } from './upstream.ts';

/** A node's last answer to a block that it does not have in its chain. */
interface Offer {
  /** The work of its chain then. */
  readonly chainwork: string;
  /** Why it refused the block. */
  readonly refused?: string;
  /** It has the block, and has not refused it. */
  readonly side?: true;
  /** The block's parent, if the node lacked that. */
  readonly parent?: string;
}

/** The next question to a node. */
type Node = Pick<Upstream, 'health' | 'submit' | 'standing'>;

/**
 * The blocks that one node lacks. It is offered them again, whatever the other nodes have said, because only a node that has
 * our block can build on it. A few that it has not judged (it did not answer, or lacks the block's parent) are kept here and
 * offered as soon as the node is ready. Every other block is offered when its standing is asked for.
 */
export class OwedBlocks {
  readonly #node: Node;
  readonly #offered: (hash: string, outcome: SubmitOutcome) => void;
  /** By block (hex): the chainwork of the node when it lacked the parent; empty if it did not answer. */
  readonly #owed = new Map<string, string>();
  /** By hash: blocks that the node does not have in its chain although they were offered. */
  readonly #offers = new BoundedMap<Offer>(limits.blocksFollowedMax + limits.candidatesInFlightMax);
  #offering = false;

  /** `offered` is called with a node's answer to a block that it lacked. */
  constructor(node: Node, offered: (hash: string, outcome: SubmitOutcome) => void = () => {}) {
    this.#offered = offered;
    this.#node = node;
  }

  /** Records the node's answer about a block; `before` is the node's health when it was asked. */
  note(block: string, outcome: SubmitOutcome, before: Health): void {
    this.#owed.delete(block);
    if (outcome.status !== 'unknown') return;
    this.#owed.set(block, before.ready && outcome.reason === PARENT_UNKNOWN ? before.chainwork : '');
    for (const oldest of this.#owed.keys()) {
      if (this.#owed.size <= limits.owedBlocksMax) break;
      this.#owed.delete(oldest);
    }
  }

  /** Offers the blocks once, to a node that is ready. A node that lacked a parent is asked again when its chain has moved. */
  offer(): void {
    if (this.#offering || this.#owed.size === 0 || !this.#node.health.ready) return;
    this.#offering = true;
    void this.#offerAll().finally(() => {
      this.#offering = false;
    });
  }

  /**
   * Returns the block's standing at this node. If the node lacks the block, the block is offered once for each state of the node's
   * chain, and the node is asked again, because its first answer may be false. A node keeps refused blocks and shows them like
   * orphaned ones. So a block outside the chain is offered too: the result is `none` with `refused` if the node refuses it. `block`
   * provides the block as hex. Resolves with `unknown` if the node is not ready.
   */
  async standing(hash: string, block: () => Promise<string | undefined>): Promise<Standing> {
    const { health } = this.#node;
    if (!health.ready) return { at: 'unknown' };
    const standing = await this.#node.standing(hash);
    if (standing.at === 'unknown') return standing;
    if (standing.at === 'chain') {
      this.#offers.delete(hash);
      return standing;
    }
    const last = this.#offers.get(hash);
    if (standing.at === 'side' && last?.side) return standing;
    if (last?.chainwork === health.chainwork) return last.refused === undefined ? standing : refusedFor(last.refused);
    // A node that is far behind gets no block of 8 MB each time its chain moves.
    if (last?.parent !== undefined && (await this.#node.standing(last.parent)).at === 'none') return standing;
    const bytes = await block();
    if (bytes === undefined) return standing;
    const outcome = await this.#node.submit(bytes, () => Promise.resolve(), []);
    this.note(bytes, outcome, health);
    if (standing.at === 'none') this.#offered(hash, outcome);
    return this.#judged(hash, bytes, outcome, health.chainwork);
  }

  /** Where a block stands that the node has just been offered. */
  async #judged(hash: string, bytes: string, outcome: SubmitOutcome, chainwork: string): Promise<Standing> {
    if (outcome.status === 'unknown') {
      if (outcome.reason !== PARENT_UNKNOWN) return { at: 'unknown' };
      this.#offers.set(hash, { chainwork, parent: parentOf(bytes) });
      return { at: 'none' };
    }
    if (outcome.status === 'rejected') {
      this.#offers.set(hash, { chainwork, refused: outcome.reason });
      return refusedFor(outcome.reason);
    }
    // It may say that it has the block, and not have it.
    const standing = await this.#node.standing(hash);
    this.#offers.set(hash, standing.at === 'side' ? { chainwork, side: true } : { chainwork });
    return standing;
  }

  async #offerAll(): Promise<void> {
    for (const [block, chainwork] of [...this.#owed]) {
      const { health } = this.#node;
      if (!health.ready) return;
      if (health.chainwork === chainwork) continue;
      this.note(block, await this.#node.submit(block, () => Promise.resolve(), []), health);
    }
  }
}

function refusedFor(refused: string): Standing {
  return { at: 'none', refused };
}

/** The previous block's hash in the header, for display. */
function parentOf(block: string): string {
  return toDisplayHash(fromHex(block.slice(8, 72)) ?? new Uint8Array());
}
