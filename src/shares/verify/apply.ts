import { workOf } from '#base/bitcoin/target';
import { BoundedMap } from '#base/domain/bounded-map';
import type { Containment } from '#base/domain/contain';
import type { Job } from '#base/domain/job';
import type { Clock, ShareRecorder } from '#base/domain/ports';
import type { JudgedShare, Terms } from '#base/domain/share';
import { MEETS_NETWORK_TARGET, MEETS_SHARE_TARGET } from '#shares/kernel/memory';
import { judge } from './judge.ts';
import type { PendingShare } from './pending-share.ts';
import type { SeenHeaders } from './seen.ts';

/** Who else wants to know of a verdict: each is called once for each submission. */
export interface ApplyModules {
  readonly clock: Clock;
  readonly contain: Containment;
  readonly seen: SeenHeaders;
  readonly recorder: Pick<ShareRecorder, 'share' | 'commit'>;
  /** Counters and estimates. Must be cheap: it is on the share path. */
  readonly observe: (share: JudgedShare) => void;
  /** A block candidate: it goes to the node within this call. */
  readonly foundBlock: (share: JudgedShare) => void;
}

/** As many as the submitter of blocks knows (blocks.ts): the same blocks are no news to either. */
const REFUSED_BLOCKS_MAX = 4096;

/**
 * The only place where a verdict has effects, at two moments. *Judged*: the share's row goes into the open batch, a block to
 * the node, the counters and the client's conduct hear of it. *Durable*: the row is on the disk, and the submitter answers its
 * client, counts for its worker and adjusts the difficulty. An unexpected error in what is done with one share ends the
 * session that sent it, and no more.
 */
export class Effects {
  readonly #modules: ApplyModules;
  /** Jobs of which a share made a block. */
  readonly #solved = new WeakSet<Job>();
  /** Blocks whose shares were refused: one that is sent again and again fills no memory. */
  readonly #refusedBlocks = new BoundedMap<true>(REFUSED_BLOCKS_MAX);

  constructor(modules: ApplyModules) {
    this.#modules = modules;
  }

  /** Whether a share of this job has made a block. */
  isSolved(job: Job): boolean {
    return this.#solved.has(job);
  }

  /**
   * Takes the shares of one batch in the order in which they came in, decides what the hash left open, and hands the batch to
   * the log. `settled` is called when the batch is durable.
   */
  apply(shares: readonly PendingShare[], settled: () => void): void {
    const { clock, contain, recorder } = this.#modules;
    const now = clock.monotonicMs();
    for (const share of shares) this.#judged(share, now);
    // What is judged when the log is closed is not answered.
    contain.attempt('a commit', () =>
      recorder.commit(() => {
        for (const share of shares) this.durable(share);
        settled();
      }),
    );
  }

  /**
   * Judges a share that is refused because too much is in flight: it gets no row, so its durable moment need not wait for the
   * log. Unless it makes a block: then it has its row, which waits for the log with the rows before it.
   */
  refuse(share: PendingShare): void {
    const { clock, contain, recorder } = this.#modules;
    share.block = (share.meets & MEETS_NETWORK_TARGET) !== 0;
    share.judge('overloaded', clock.monotonicMs());
    const hash = `${share.hashHigh} ${share.hashLow}`;
    if (share.block && !this.#refusedBlocks.has(hash)) {
      this.#refusedBlocks.set(hash, true);
      contain.attempt('a block', () => this.#record(share));
      contain.attempt('a block', () => recorder.commit(() => {}));
    }
    this.#tell(share);
  }

  /** The moment of the answer. */
  durable(share: JudgedShare): void {
    try {
      share.submission.submitter.durable(share);
    } catch (error) {
      this.#fail('a reply to a share', error, share);
    }
  }

  #judged(share: PendingShare, now: number): void {
    try {
      if (!share.judged) judgeHashed(share, this.#modules.seen, now);
      if (share.block || !share.submission.unwanted) this.#record(share);
    } catch (error) {
      // Without a row it must not be acknowledged.
      share.judge('overloaded', now);
      this.#fail('a verdict', error, share);
    }
    try {
      this.#tell(share);
    } catch (error) {
      this.#fail('an observed verdict', error, share);
    }
  }

  /**
   * The row of the share comes first: rows of a block are committed as soon as they are there, and none may come to the disk
   * without its share. To write the row into memory takes 2 µs. The block goes to the node even if that fails.
   */
  #record(share: PendingShare): void {
    const { contain, recorder, foundBlock } = this.#modules;
    if (!share.block) {
      recorder.share(share);
      return;
    }
    try {
      recorder.share(share);
    } finally {
      if (share.job) this.#solved.add(share.job);
      contain.attempt('a block', () => foundBlock(share));
    }
  }

  #tell(share: PendingShare): void {
    this.#modules.observe(share);
    share.submission.submitter.judged(share);
  }

  #fail(where: string, error: unknown, { submission }: JudgedShare): void {
    const { contain } = this.#modules;
    contain.caught(where, error);
    contain.attempt(where, () => submission.submitter.close());
  }
}

function judgeHashed(share: PendingShare, seen: SeenHeaders, nowMonotonicMs: number): void {
  const { job } = share;
  if (!job) throw new Error('apply: a hashed share without a job');
  const meetsNetwork = (share.meets & MEETS_NETWORK_TARGET) !== 0;
  if (share.refusal) {
    // A block earns the pool its reward, whatever its share is refused for. Its header is not remembered as credited.
    share.block = meetsNetwork;
    share.judge(share.refusal, nowMonotonicMs);
    return;
  }
  const known = seen.check(job, share.hashLow, share.hashHigh);
  const deserved = judge(share.meets, known);
  // Only what would be paid is refused as too much: what is wrong stays wrong, so that a flood of it is punished.
  const isTooMuch = share.submission.unwanted && deserved === 'accepted' && !meetsNetwork;
  const verdict = isTooMuch ? 'overloaded' : deserved;
  share.judge(verdict, nowMonotonicMs);
  // A block is a block even if its share can not be remembered, and so not credited.
  share.block = meetsNetwork && known !== 'known';
  if (verdict !== 'accepted') return;
  seen.add(job, share.hashLow, share.hashHigh);
  if ((share.meets & MEETS_SHARE_TARGET) === 0 && share.terms) share.terms = networkTerms(job, share.terms);
}

/**
 * What a block is credited that falls short of its share's difficulty: the network's. Whoever asks for shares that are
 * harder than blocks has shown a block's work, and no more.
 */
function networkTerms(job: Job, terms: Terms): Terms {
  const { networkDifficulty: difficulty, networkTarget: target } = job;
  return { ...terms, difficulty, target, work: workOf(difficulty) };
}
