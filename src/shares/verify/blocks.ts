import { toHex } from '#base/bitcoin/bytes';
import { BoundedMap } from '#base/domain/bounded-map';
import type { BitcoinNode, Clock, FoundBlock, Logger, ShareRecorder, SubmitOutcome } from '#base/domain/ports';
import type { QueueCounts } from '#base/domain/queue';
import type { BlockTemplate } from '#base/domain/template';
import { QueueMeter } from '#base/std/queue-meter';

export interface BlockModules {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly node: Pick<BitcoinNode, 'submitBlock'>;
  readonly recorder: Pick<ShareRecorder, 'candidate' | 'outcome' | 'commit'>;
  readonly logger: Logger;
  /** Called with what became of a candidate; once more where that was unknown, or is another thing now. */
  readonly observe: (block: FoundBlock, outcome: SubmitOutcome) => void;
}

/** The candidates on one previous block: how many are with the node, and which wait. */
interface Race {
  readonly waiting: FoundBlock[];
  underWay: number;
}

/** Accepted blocks remembered, with what they are made of: up to 8 MB each. */
const SOLVED_MAX = 16;
/** One that has lost a block more often than this refuses it, where another node has taken it. */
const LOSSES_MAX = 3;
/** Candidates remembered by their hash, so that one that is handed in again changes nothing. */
const KNOWN_MAX = 4096;
/** How long a sibling waits for the first one: a node that hangs must not hold up a block that another would take. */
const SIBLING_WAIT_MS = 1000;
/** A chain that is so much higher than a candidate has buried it: as deep as a coinbase that may be spent. */
export const BURIED_BLOCKS = 100;
export const BURIED: SubmitOutcome = { status: 'orphaned', reason: 'buried: no node has judged it in 100 blocks' };
const SIBLING: SubmitOutcome = { status: 'orphaned', reason: 'sibling of a block of this pool' };
const TOO_MANY: SubmitOutcome = { status: 'orphaned', reason: 'too many candidates at once' };

/**
 * Takes block candidates to the node. The submission leaves in the same call that found the block, before anything is
 * logged; the candidate itself is committed right after, so one whose outcome is lost in a crash is submitted again at
 * the next start.
 *
 * Two candidates on the same previous block are worth no more than one: the second waits for the outcome of the first, and
 * is only sent where that did not make it. Where blocks are easy (regtest) there are thousands of siblings.
 */
export class BlockSubmitter {
  readonly #modules: BlockModules;
  readonly #openMax: number;
  /** Blocks of ours that the node has accepted, by their previous block (hex). */
  readonly #solved = new BoundedMap<{ readonly block: FoundBlock; readonly acceptedMs: number }>(SOLVED_MAX);
  /** How often a block that was accepted has been lost by the node. */
  readonly #losses = new WeakMap<FoundBlock, number>();
  /** Hashes of candidates. A share that could not be remembered (the log is stuck) may come again, its block with it. */
  readonly #known = new BoundedMap<true>(KNOWN_MAX);
  /** By previous block, where candidates are with the node. */
  readonly #racing = new Map<string, Race>();
  /** Candidates that no node has judged. */
  #unanswered: FoundBlock[] = [];
  readonly #meter: QueueMeter;
  /** When the candidates came whose outcome is open, for the meter. */
  readonly #entered = new WeakMap<FoundBlock, number>();
  #idle: (() => void) | undefined;

  constructor(options: { readonly openMax: number }, modules: BlockModules) {
    this.#openMax = options.openMax;
    this.#modules = modules;
    this.#meter = new QueueMeter(modules.clock);
  }

  /** Candidates whose outcome is open. */
  get open(): number {
    return this.#meter.counts.depth;
  }

  get queue(): QueueCounts {
    return this.#meter.counts;
  }

  found(block: FoundBlock): void {
    if (this.#known.has(block.hash)) return;
    this.#known.set(block.hash, true);
    const parent = parentOf(block);
    const hopeless = this.#solved.has(parent) ? SIBLING : this.open >= this.#openMax ? TOO_MANY : undefined;
    if (hopeless !== undefined) {
      if (hopeless === TOO_MANY) this.#meter.refuse();
      this.#settle(block, hopeless);
      return;
    }
    this.#enterAndKeep(parent, block);
  }

  /**
   * The node has this template. A block of ours on the same previous block that it had accepted before is not in its chain,
   * then: it was killed before it wrote that to its disk, or told to forget it. It gets the block again, and siblings have
   * their chance where it is not taken.
   */
  nodeBuilds({ previousHash, askedMs }: Pick<BlockTemplate, 'previousHash' | 'askedMs'>): void {
    const parent = toHex(previousHash);
    const solved = this.#solved.get(parent);
    if (!solved || askedMs <= solved.acceptedMs) return;
    this.#solved.delete(parent);
    const { block } = solved;
    const { hash, job } = block;
    const losses = (this.#losses.get(block) ?? 0) + 1;
    this.#losses.set(block, losses);
    const again = losses <= LOSSES_MAX;
    const message = `the node builds beside a block of ours: ${again ? 'it gets it again' : 'it does not want it'}`;
    this.#modules.logger.warn({ hash, height: job.height }, message);
    if (again) this.#enterAndKeep(parent, block);
  }

  /** Resolves when nothing is with the node any more, or after `msMax`: a block on its way should not be cut off. */
  settled(msMax: number): Promise<void> {
    if (this.#racing.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, msMax);
      this.#idle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /**
   * Tries again what no node has judged; call it when a node has a template for `height`. A candidate that is buried deep
   * below that height is given up.
   */
  retry(height: number): void {
    const blocks = this.#unanswered;
    this.#unanswered = [];
    for (const block of blocks) {
      if (height - block.job.height <= BURIED_BLOCKS) {
        this.#enter(parentOf(block), block);
        continue;
      }
      this.#leave(block);
      this.#settle(block, BURIED);
    }
  }

  #enterAndKeep(parent: string, block: FoundBlock): void {
    this.#entered.set(block, this.#meter.enter());
    this.#enter(parent, block);
    this.#modules.recorder.candidate(block);
    // At once, and not with the share: that may be in the journal of a gateway, which waits for this.
    this.#modules.recorder.commit(() => {});
  }

  #enter(parent: string, block: FoundBlock): void {
    const race = this.#racing.get(parent);
    if (race) {
      race.waiting.push(block);
      return;
    }
    const begun: Race = { waiting: [], underWay: 0 };
    this.#racing.set(parent, begun);
    this.#submit(parent, begun, block);
  }

  #submit(parent: string, race: Race, block: FoundBlock): void {
    race.underWay += 1;
    const late = setTimeout(() => this.#release(parent, race), SIBLING_WAIT_MS);
    this.#modules.node
      .submitBlock(block.block)
      .then((outcome) => {
        clearTimeout(late);
        race.underWay -= 1;
        this.#onOutcome(parent, race, block, outcome);
      })
      .catch((error: unknown) => {
        this.#modules.logger.error({ err: error, hash: block.hash }, 'block submission failed in the pool itself');
      });
  }

  #release(parent: string, race: Race): void {
    const next = race.waiting.shift();
    if (next) this.#submit(parent, race, next);
  }

  #onOutcome(parent: string, race: Race, block: FoundBlock, outcome: SubmitOutcome): void {
    if (outcome.status === 'unknown') this.#unanswered.push(block);
    else this.#leave(block);
    this.#settle(block, outcome);
    if (outcome.status === 'accepted') {
      this.#solved.set(parent, { block, acceptedMs: this.#modules.clock.monotonicMs() });
      const siblings = race.waiting.splice(0);
      for (const sibling of siblings) {
        this.#leave(sibling);
        this.#settle(sibling, SIBLING);
      }
    } else this.#release(parent, race);
    if (race.underWay === 0) this.#racing.delete(parent);
    this.#modules.recorder.commit(() => {});
    if (this.#racing.size === 0) this.#idle?.();
  }

  #leave(block: FoundBlock): void {
    this.#meter.serve(this.#entered.get(block) ?? this.#modules.clock.monotonicMs());
  }

  #settle(block: FoundBlock, outcome: SubmitOutcome): void {
    this.#modules.recorder.outcome(block, outcome);
    // One that was lost was accepted before: it is no other block.
    if (outcome.status !== 'accepted' || !this.#losses.has(block)) this.#modules.observe(block, outcome);
  }
}

function parentOf(block: FoundBlock): string {
  return toHex(block.job.previousHash);
}
