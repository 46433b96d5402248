import { toHex } from '#base/bitcoin/bytes';
import { BoundedMap } from '#base/domain/bounded-map';
import type { Job } from '#base/domain/job';
import type { BitcoinNode, Clock, FoundBlock, Logger, ShareRecorder, SubmitOutcome } from '#base/domain/ports';
import type { QueueCounts } from '#base/domain/queue';
import type { BlockTemplate } from '#base/domain/template';
import { QueueMeter } from '#base/std/queue-meter';

export interface BlockModules {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly node: Pick<BitcoinNode, 'submitBlock'>;
  readonly recorder: Pick<ShareRecorder, 'candidate' | 'outcome' | 'settled' | 'commit'>;
  readonly logger: Logger;
  /** Called with the outcome of a candidate; `contested` if a node has had it, so that it is not a sibling or one too many. */
  readonly observe: (block: FoundBlock, outcome: SubmitOutcome, contested: boolean) => void;
  /** Takes over a candidate after the nodes' first answer. It stays in its file. */
  readonly follow: (block: FoundBlock, outcome: SubmitOutcome) => void;
  /** Candidates taken over that no node has judged yet. */
  readonly undecided: () => number;
  /** The node has lost a block of ours. */
  readonly lost: () => void;
}

/** A block of ours that the node has accepted. */
interface Solved {
  readonly hash: string;
  readonly height: number;
  readonly acceptedMs: number;
}

/** A block whose outcome is open. */
interface Entrant {
  readonly block: FoundBlock;
  /** Resolves when a kill can not take what its row needs; undefined if it can not now. */
  readonly named: Promise<void> | undefined;
  readonly enteredMs: number;
}

/** The candidates on one previous block: how many are with the node, and which wait. */
interface Race {
  readonly waiting: Entrant[];
  underWay: number;
}

/** Previous blocks on which a block of ours was accepted. */
const SOLVED_MAX = 16;
/** Candidates remembered by their hash, so that one that is handed in again changes nothing. */
const KNOWN_MAX = 4096;
/** How long a sibling waits for the first one: a node that hangs must not hold up a block that another would take. */
const SIBLING_WAIT_MS = 1000;
const SIBLING: SubmitOutcome = { status: 'orphaned', reason: 'sibling of a block of this pool' };
const TOO_MANY: SubmitOutcome = { status: 'orphaned', reason: 'too many candidates at once' };

/**
 * Takes block candidates to the node. Before a block leaves, the log's folder names it, which waits for no sync, and
 * its job has its row, which is so but for the first milliseconds of a job: whatever the node takes can be credited after a kill.
 * The candidate itself is committed meanwhile, so one whose outcome is lost in a crash is handed in again after the next start.
 * The first answer is not final: `follow` takes the block over from then on.
 *
 * Two candidates on the same previous block are worth no more than one: the second waits for the outcome of the first, and
 * is only sent where that did not make it. Where blocks are easy (regtest) there are thousands of siblings.
 */
export class BlockSubmitter {
  readonly #modules: BlockModules;
  readonly #openMax: number;
  /** Blocks of ours that the node has accepted, by their previous block (hex). */
  readonly #solved = new BoundedMap<Solved>(SOLVED_MAX);
  /** Hashes of candidates. A share that could not be remembered (the log is stuck) may come again, its block with it. */
  readonly #known = new BoundedMap<true>(KNOWN_MAX);
  /** By previous block, where candidates are with the node. */
  readonly #racing = new Map<string, Race>();
  readonly #meter: QueueMeter;
  /** The parent of each job (hex): easy blocks come by the thousand, all on one. */
  readonly #parents = new WeakMap<Job, string>();
  #idle: (() => void) | undefined;

  constructor(options: { readonly openMax: number }, modules: BlockModules) {
    this.#openMax = options.openMax;
    this.#modules = modules;
    this.#meter = new QueueMeter(modules.clock);
  }

  /** Candidates that are with the nodes, or wait for one that is. */
  get open(): number {
    return this.#meter.depth;
  }

  /** The same candidates as a queue, from when they are found to the nodes' first answer. */
  get queue(): QueueCounts {
    return this.#meter.counts;
  }

  found(block: FoundBlock): void {
    if (this.#known.has(block.hash)) return;
    this.#known.set(block.hash, true);
    const parent = this.#parentOf(block);
    const { recorder } = this.#modules;
    // The first one on a parent is never one too many: the others may all be siblings on an older parent.
    const tooMany = this.#full && this.#racing.has(parent);
    const hopeless = this.#solved.has(parent) ? SIBLING : tooMany ? TOO_MANY : undefined;
    if (hopeless !== undefined) {
      if (hopeless === TOO_MANY) this.#meter.refuse();
      this.#record(block, hopeless, false);
      return;
    }
    const named = recorder.candidate(block);
    this.#enter(parent, { block, named, enteredMs: this.#meter.enter() });
    // At once, and not with the share: that may be in the journal of a gateway, which waits for this.
    recorder.commit(() => {});
  }

  /**
   * The node has this template. A block of ours on the same previous block that it had accepted before is not in its chain,
   * then: it was killed before it wrote that to its disk, or told to forget it. Siblings have their chance, and `lost` is called.
   */
  nodeBuilds({ previousHash, askedMs }: Pick<BlockTemplate, 'previousHash' | 'askedMs'>): void {
    const parent = toHex(previousHash);
    const solved = this.#solved.get(parent);
    if (!solved || askedMs <= solved.acceptedMs) return;
    this.#solved.delete(parent);
    const { hash, height } = solved;
    this.#modules.logger.warn({ hash, height }, 'the node builds beside a block of ours');
    this.#modules.lost();
  }

  get #full(): boolean {
    return this.open + this.#modules.undecided() >= this.#openMax;
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

  #enter(parent: string, entrant: Entrant): void {
    const race = this.#racing.get(parent);
    if (race) {
      race.waiting.push(entrant);
      return;
    }
    const begun: Race = { waiting: [], underWay: 0 };
    this.#racing.set(parent, begun);
    this.#submit(parent, begun, entrant);
  }

  #submit(parent: string, race: Race, entrant: Entrant): void {
    const { block, named } = entrant;
    const { node } = this.#modules;
    race.underWay += 1;
    const late = setTimeout(() => this.#release(parent, race), SIBLING_WAIT_MS);
    const submitted =
      named === undefined ? node.submitBlock(block.block) : named.then(() => node.submitBlock(block.block));
    submitted
      .then((outcome) => {
        clearTimeout(late);
        race.underWay -= 1;
        this.#onOutcome(parent, race, entrant, outcome);
      })
      .catch((error: unknown) => {
        this.#modules.logger.error({ err: error, hash: block.hash }, 'block submission failed in the pool itself');
      });
  }

  #release(parent: string, race: Race): void {
    const next = race.waiting.shift();
    if (next) this.#submit(parent, race, next);
  }

  #onOutcome(parent: string, race: Race, entrant: Entrant, outcome: SubmitOutcome): void {
    const { clock, recorder, follow } = this.#modules;
    const { block } = entrant;
    this.#meter.serve(entrant.enteredMs);
    this.#record(block, outcome, true);
    follow(block, outcome);
    if (outcome.status === 'accepted') {
      const { hash, job } = block;
      this.#solved.set(parent, { hash, height: job.height, acceptedMs: clock.monotonicMs() });
      const siblings = race.waiting.splice(0);
      for (const sibling of siblings) {
        this.#meter.serve(sibling.enteredMs);
        this.#record(sibling.block, SIBLING, false);
        recorder.settled(sibling.block.hash);
      }
    } else this.#release(parent, race);
    if (race.underWay === 0) this.#racing.delete(parent);
    recorder.commit(() => {});
    if (this.#racing.size === 0) this.#idle?.();
  }

  #parentOf({ job }: FoundBlock): string {
    let parent = this.#parents.get(job);
    if (parent === undefined) {
      parent = toHex(job.previousHash);
      this.#parents.set(job, parent);
    }
    return parent;
  }

  #record(block: FoundBlock, outcome: SubmitOutcome, contested: boolean): void {
    this.#modules.recorder.outcome(block, outcome);
    this.#modules.observe(block, outcome, contested);
  }
}
