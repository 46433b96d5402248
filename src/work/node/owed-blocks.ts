import type { SubmitOutcome } from '#base/domain/ports';
import { limits } from '#base/limits';
import { PARENT_UNKNOWN } from './submit.ts';
import type { Health, Upstream } from './upstream.ts';

/**
 * The blocks that one node has not judged: it did not answer, or it lacks the block's parent. The node is offered them
 * again, whatever the other nodes have said, because only a node that has our block can build on it.
 */
export class OwedBlocks {
  readonly #node: Pick<Upstream, 'health' | 'submit'>;
  /** By block (hex): the chainwork of the node when it lacked the parent; empty if it did not answer. */
  readonly #owed = new Map<string, string>();
  #offering = false;

  constructor(node: Pick<Upstream, 'health' | 'submit'>) {
    this.#node = node;
  }

  /** Takes down what the node said of a block; `before` is its health when it was asked. */
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

  async #offerAll(): Promise<void> {
    for (const [block, chainwork] of [...this.#owed]) {
      const { health } = this.#node;
      if (!health.ready) return;
      if (health.chainwork === chainwork) continue;
      this.note(block, await this.#node.submit(block, () => Promise.resolve(), []), health);
    }
  }
}
