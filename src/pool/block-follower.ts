import { toHex } from '#base/bitcoin/bytes';
import type { Containment } from '#base/domain/contain';
import type { BitcoinNode, BlockOutcome, Standing } from '#base/domain/ports';
import type { BlockTemplate } from '#base/domain/template';
import { limits } from '#base/limits';
import type { BlockHead } from '#shares/sharelog/candidates/candidate';
import type { ShareLog } from '#shares/sharelog/log';
import { OFF_CHAIN } from '#work/node/standings';

export interface BlockFollowerOptions {
  /** Confirmations from which on a block's coins may be spent. */
  readonly maturity: number;
}

export interface BlockFollowerModules {
  readonly node: Pick<BitcoinNode, 'standing'>;
  readonly log: Pick<ShareLog, 'blockOf' | 'resolved' | 'settled' | 'commit'>;
  readonly contain: Pick<Containment, 'caught'>;
  /** Called with the new status of a block; `before` is undefined for a block of an earlier start that is heard of first. */
  readonly changed: (block: BlockHead, outcome: BlockOutcome, before: BlockOutcome | undefined) => void;
  /** Called when all blocks that were due have been looked at. */
  readonly looked: () => void;
}

interface Followed {
  readonly head: BlockHead;
  /** As its last row has it; undefined for a block of an earlier start. */
  outcome: BlockOutcome | undefined;
  /** The chain has confirmed the outcome since, so that it is enough to look again at the next tip. */
  confirmed: boolean;
}

/** Ticks between two looks at all blocks on an unchanged tip: a node that is not the serving one may have lost some. */
const LOOK_TICKS = 10;
const LACKING: BlockOutcome = { status: 'unknown', reason: 'no node has it' };
const BURIED: BlockOutcome = {
  status: 'orphaned',
  reason: `buried: no node has it after ${limits.burialDepth} more blocks`,
};

/**
 * Follows the pool's block candidates in the chain, from the first answer to a submission until the candidate or another block at
 * its height is buried. The first answer is not final: the chain may drop the block or come back to it, and a node may lose it.
 * Each look sends the block to nodes that lack it (`BitcoinNode.standing`).
 *
 * A candidate's file stays until the candidate is settled, so the next start continues to follow it.
 */
export class BlockFollower {
  readonly #modules: BlockFollowerModules;
  readonly #maturity: number;
  /** Blocks on top of a block, or of another one in its place, from which on it is followed no more. */
  readonly #burialDepth: number;
  readonly #blocks = new Map<string, Followed>();
  /** Of the block that is mined now; 0 before the first template. */
  #height = 0;
  #tip = '';
  /** The tip has changed since all blocks were last looked at. */
  #moved = false;
  #ticks = 0;
  #looking = false;
  #closed = false;

  constructor({ maturity }: BlockFollowerOptions, modules: BlockFollowerModules) {
    this.#maturity = maturity;
    // A block is followed at least until it is mature.
    this.#burialDepth = Math.max(limits.burialDepth, maturity);
    this.#modules = modules;
  }

  get size(): number {
    return this.#blocks.size;
  }

  /** Blocks that no node has judged. */
  get undecided(): number {
    let count = 0;
    for (const { outcome } of this.#blocks.values()) if (outcome?.status === 'unknown') count += 1;
    return count;
  }

  /** Follows a candidate whose outcome so far is recorded; undefined for one of an earlier start, whose outcome is not known. */
  follow(head: BlockHead, outcome: BlockOutcome | undefined): void {
    this.#blocks.set(head.hash, { head, outcome, confirmed: false });
    this.#trim();
  }

  /** The nodes have a template; one on another block than before is a reason to look at all blocks. */
  template({ height, previousHash }: Pick<BlockTemplate, 'height' | 'previousHash'>): void {
    this.#height = height;
    const tip = toHex(previousHash);
    if (tip === this.#tip) return;
    this.#tip = tip;
    this.#moved = true;
  }

  /** Call it once a second. Looks at the blocks whose outcome is open, and at all of them if there is a reason. */
  tick(): void {
    this.#ticks += 1;
    if (this.#looking || this.#closed || this.#height === 0) return;
    const all = this.#moved || this.#ticks >= LOOK_TICKS;
    if (all) {
      this.#moved = false;
      this.#ticks = 0;
    }
    const due = [...this.#blocks.values()].filter(({ confirmed }) => all || !confirmed);
    if (due.length === 0) return;
    this.#looking = true;
    // A node takes a block only after its parent.
    due.sort((a, b) => a.head.height - b.head.height);
    void this.#look(due)
      .catch((error: unknown) => this.#modules.contain.caught('the blocks', error))
      .finally(() => {
        this.#looking = false;
      });
  }

  /** Looks at all blocks with the next tick. */
  lookSoon(): void {
    this.#moved = true;
  }

  /** Touches neither nodes nor log again. */
  close(): void {
    this.#closed = true;
  }

  /** One at a time, so that the nodes have time for everything else. */
  async #look(due: readonly Followed[]): Promise<void> {
    const { log } = this.#modules;
    for (const followed of due) {
      const standing = await this.#standing(followed.head.hash);
      if (this.#closed) return;
      if (this.#blocks.get(followed.head.hash) === followed) this.#take(followed, standing);
    }
    this.#trim();
    log.commit(() => {});
    this.#modules.looked();
  }

  /** A block whose file can not be read must not keep the others from being looked at. */
  async #standing(hash: string): Promise<Standing> {
    const { node, log, contain } = this.#modules;
    try {
      return await node.standing(hash, () => log.blockOf(hash));
    } catch (error) {
      contain.caught('the standing of a block', error);
      return { at: 'unknown' };
    }
  }

  #take(followed: Followed, standing: Standing): void {
    const { head } = followed;
    if (standing.at === 'unknown') {
      followed.confirmed = false;
      return;
    }
    const depth = this.#height - head.height;
    const isBuried = depth > this.#burialDepth;
    const isMature = depth >= this.#maturity && standing.at === 'chain' && standing.confirmations >= this.#maturity;
    const outcome: BlockOutcome = isMature ? { status: 'mature' } : outcomeOf(standing, followed.outcome, isBuried);
    followed.confirmed = outcome.status !== 'unknown';
    this.#record(followed, outcome);
    // A node that counts more confirmations than there are blocks settles nothing.
    const isDeep = standing.at !== 'chain' || standing.confirmations >= this.#burialDepth;
    if (isBuried && isDeep) this.#settle(head.hash);
  }

  #record(followed: Followed, outcome: BlockOutcome): void {
    const before = followed.outcome;
    followed.outcome = outcome;
    if (before?.status === outcome.status) return;
    this.#modules.log.resolved(followed.head, outcome);
    this.#modules.changed(followed.head, outcome, before);
  }

  #settle(hash: string): void {
    this.#blocks.delete(hash);
    this.#modules.log.settled(hash);
  }

  /** Stops following the lowest judged blocks if there are too many. */
  #trim(): void {
    const judged = [...this.#blocks.values()].filter(({ outcome }) => (outcome?.status ?? 'unknown') !== 'unknown');
    const excess = judged.length - limits.blocksFollowedMax;
    if (excess <= 0) return;
    judged.sort((a, b) => a.head.height - b.head.height);
    for (const { head } of judged.slice(0, excess)) this.#settle(head.hash);
  }
}

/** What has become of a block that stood as `before`. */
function outcomeOf(
  standing: Exclude<Standing, { at: 'unknown' }>,
  before: BlockOutcome | undefined,
  isBuried: boolean,
): BlockOutcome {
  if (standing.at === 'chain') return { status: 'accepted' };
  if (standing.at === 'side') return { status: 'orphaned', reason: OFF_CHAIN };
  if (standing.refused !== undefined) return { status: 'rejected', reason: standing.refused };
  // Nodes do not keep every block that they have refused, or that came too late.
  if (before?.status === 'rejected' || before?.status === 'orphaned') return before;
  return isBuried ? BURIED : LACKING;
}
