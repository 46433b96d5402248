import type { BitcoinNode, FoundBlock, Logger, ShareRecorder, SubmitOutcome } from '../domain/ports.ts';

export interface BlockModules {
  readonly node: Pick<BitcoinNode, 'submitBlock'>;
  readonly recorder: Pick<ShareRecorder, 'candidate' | 'outcome' | 'commit'>;
  readonly logger: Logger;
  /** Called once for each candidate with what became of it. */
  readonly observe: (block: FoundBlock, outcome: SubmitOutcome) => void;
}

/** Previous blocks remembered as solved by us: a candidate can only be a sibling of a recent one. */
const SOLVED_MAX = 64;

/**
 * Takes block candidates to the node. The submission leaves in the same call that found the block, before anything is
 * logged; the candidate itself goes into the same commit as its share, so one whose outcome is lost in a crash is
 * submitted again at the next start.
 */
export class BlockSubmitter {
  readonly #modules: BlockModules;
  readonly #inFlightMax: number;
  #inFlight = 0;
  /** Previous blocks (hex) on which the node has accepted a block of ours. */
  readonly #solved = new Set<string>();
  /** Candidates that no node has answered for. */
  #unanswered: FoundBlock[] = [];

  constructor(options: { readonly inFlightMax: number }, modules: BlockModules) {
    this.#inFlightMax = options.inFlightMax;
    this.#modules = modules;
  }

  /** Candidates whose outcome is open. */
  get open(): number {
    return this.#inFlight + this.#unanswered.length;
  }

  found(block: FoundBlock): void {
    // A sibling of a block of ours that is on the chain already can earn nothing more, and where blocks are easy
    // (regtest) there are thousands of them.
    const superfluous = this.#solved.has(parentOf(block))
      ? 'sibling of a block of this pool'
      : this.open >= this.#inFlightMax
        ? 'too many candidates at once'
        : undefined;
    if (superfluous === undefined) this.#submit(block);
    this.#modules.recorder.candidate(block);
    if (superfluous !== undefined) this.#settle(block, { status: 'orphaned', reason: superfluous });
  }

  /** Tries again what no node has answered for; call it when a node is back. */
  retry(): void {
    const blocks = this.#unanswered;
    this.#unanswered = [];
    for (const block of blocks) this.#submit(block);
  }

  #submit(block: FoundBlock): void {
    this.#inFlight += 1;
    this.#modules.node
      .submitBlock(block.block)
      .then((outcome) => {
        this.#inFlight -= 1;
        if (outcome.status === 'accepted') this.#remember(parentOf(block));
        if (outcome.status === 'unknown') this.#unanswered.push(block);
        this.#settle(block, outcome);
        this.#modules.recorder.commit(() => {});
      })
      .catch((error: unknown) => {
        this.#modules.logger.error({ error, hash: block.hash }, 'block submission failed in the pool itself');
      });
  }

  #remember(parent: string): void {
    this.#solved.add(parent);
    for (const oldest of this.#solved) {
      if (this.#solved.size <= SOLVED_MAX) break;
      this.#solved.delete(oldest);
    }
  }

  #settle(block: FoundBlock, outcome: SubmitOutcome): void {
    this.#modules.recorder.outcome(block, outcome);
    this.#modules.observe(block, outcome);
  }
}

function parentOf(block: FoundBlock): string {
  return Buffer.from(block.job.previousHash).toString('hex');
}
