import type { Job } from '#base/domain/job';
import type { Clock, ShareIntake } from '#base/domain/ports';
import type { Submission, Terms } from '#base/domain/share';
import { type ApplyModules, Effects } from './apply.ts';
import { PendingShare } from './pending-share.ts';
import { offload } from './policy.ts';
import { type JobLookup, precheck } from './precheck.ts';
import type { InlineRunner, WorkerRunner } from './runners.ts';

export interface VerifierOptions {
  /** Shares taken and not yet settled; beyond it new ones are refused as `overloaded`. */
  readonly sharesInFlightMax: number;
  /** The same for shares of a job whose shares are mostly blocks. Default: sharesInFlightMax. */
  readonly blocksInFlightMax?: number;
  /** Shares of one kernel call. */
  readonly batchMax: number;
  /** Shares that are hashed and applied in one turn of the event loop. */
  readonly turnMax: number;
  /** Version bits that the pool lets miners roll, u32: also those who send them without having asked. */
  readonly versionMask: number;
}

export interface VerifierModules extends ApplyModules {
  readonly clock: Clock;
  readonly jobs: JobLookup;
  readonly inline: InlineRunner;
  readonly workers: readonly WorkerRunner[];
  /** Calls back when the sockets that are readable now have been read: setImmediate, where it is not a test. */
  readonly defer: (flush: () => void) => void;
  /** A worker failed: its shares are hashed inline, and it gets no more. */
  readonly workerFailed: (error: unknown) => void;
  /** Called whenever nothing is in flight any more. */
  readonly drained: () => void;
}

/** What one tick brought in, in the order of arrival. */
interface Batch {
  readonly shares: readonly PendingShare[];
  /** Chunks that a worker has not returned yet. */
  outstanding: number;
}

/**
 * Takes submissions, hashes those of a tick together and applies the verdicts in the order of arrival. A lone share is
 * hashed in the tick that brought it; batching is what happens under load, not something that is waited for.
 */
export class Verifier implements ShareIntake {
  readonly #options: VerifierOptions;
  readonly #modules: VerifierModules;
  readonly #effects: Effects;
  #arriving: PendingShare[] = [];
  /** Undefined until the first share of a turn comes. */
  #arrivalMs: number | undefined;
  #scheduled = false;
  /** Batches in the order of arrival, the first one still waiting for a worker (or empty). */
  readonly #batches: Batch[] = [];
  readonly #idle: WorkerRunner[];
  #inFlight = 0;
  /** Shares that were put into a batch, and shares whose verdicts were applied, since the start. */
  #taken = 0;
  #applied = 0;
  /** What waits until so many shares are applied, in order. */
  readonly #waiting: { readonly taken: number; readonly then: () => void }[] = [];
  #inlineShares = 0;
  #workerShares = 0;

  constructor(options: VerifierOptions, modules: VerifierModules) {
    this.#options = options;
    this.#modules = modules;
    this.#effects = new Effects(modules);
    this.#idle = [...modules.workers];
  }

  /** Shares taken and not yet settled. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Shares hashed since the start, by place. */
  get hashed(): { readonly inline: number; readonly worker: number } {
    return { inline: this.#inlineShares, worker: this.#workerShares };
  }

  /** Calls back when every share taken so far has its verdict, and its row in the open batch: at once if none is on its way. */
  whenApplied(then: () => void): void {
    this.#waiting.push({ taken: this.#taken, then });
    this.#tellWaiting();
  }

  take(submission: Submission): void {
    const { clock, jobs } = this.#modules;
    // What is read in one turn has one time, to the ms; how long each share took is told by the other clock.
    this.#arrivalMs ??= clock.nowMs();
    const arrivedMs = clock.monotonicMs();
    const checked = precheck(submission, jobs, this.#options.versionMask);
    const share = new PendingShare(submission, checked, this.#arrivalMs, arrivedMs);
    if (this.#inFlight >= this.#options.sharesInFlightMax) {
      // A block is worth its hash whatever the state of the log: the node needs no disk of ours.
      if (checked.hashable) this.#runInline([share], 0);
      this.#turnAway(share);
      return;
    }
    if (this.#isFlood(share)) {
      this.#turnAway(share);
      return;
    }
    if (!checked.hashable && checked.refusal) share.judge(checked.refusal, clock.monotonicMs());
    // Counted when nothing can throw any more, or it would be in flight for ever.
    this.#inFlight += 1;
    this.#taken += 1;
    this.#arriving.push(share);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#modules.defer(() => this.#flush());
  }

  /**
   * A block takes ten times as long as another share, so fewer are taken where most shares are blocks. What is over is not
   * hashed if the job has a block already, because the node can use one of them.
   */
  #isFlood({ job, terms }: PendingShare): boolean {
    const { sharesInFlightMax, blocksInFlightMax = sharesInFlightMax } = this.#options;
    if (this.#inFlight < blocksInFlightMax || job === undefined || terms === undefined) return false;
    return this.#effects.isSolved(job) && isEasy(job, terms);
  }

  /**
   * What is in flight is bounded, so that a log which can not commit (a full disk) fills no memory. A refusal does not wait
   * for the log: it overtakes the shares that do.
   */
  #turnAway(share: PendingShare): void {
    this.#effects.refuse(share);
    this.#modules.defer(() => this.#effects.durable(share));
  }

  #flush(): void {
    this.#scheduled = false;
    this.#arrivalMs = undefined;
    // What is over has the next turn, so that timers and other sockets have theirs.
    const rest = this.#arriving.splice(this.#options.turnMax);
    const shares = this.#arriving;
    this.#arriving = rest;
    if (rest.length > 0) this.#schedule();
    const batch: Batch = { shares, outstanding: 0 };
    this.#batches.push(batch);
    const toHash = shares.filter((share) => !share.judged);
    for (let at = 0; at < toHash.length; ) {
      const handOver = offload(toHash.length - at, this.#idle.length, this.#options.batchMax);
      at += handOver > 0 ? this.#runOnWorker(batch, toHash, at, handOver) : this.#runContained(toHash, at);
    }
    this.#applyReady();
  }

  #runInline(shares: readonly PendingShare[], from: number): number {
    const { lane, run } = this.#modules.inline;
    const count = lane.fill(shares, from, this.#options.batchMax);
    run(count);
    lane.read(shares, from, count);
    this.#inlineShares += count;
    return count;
  }

  /** Hashes shares of a chunk one by one if the chunk throws, so that only the share that is to blame is not taken. */
  #runContained(shares: readonly PendingShare[], from: number): number {
    const { contain, clock } = this.#modules;
    try {
      return this.#runInline(shares, from);
    } catch (error) {
      contain.caught('hashing', error);
    }
    const chunk = shares.slice(from, from + this.#options.batchMax);
    for (const share of chunk)
      contain.attempt(
        'hashing',
        () => this.#runInline([share], 0),
        () => share.judge('overloaded', clock.monotonicMs()),
      );
    return chunk.length;
  }

  #runOnWorker(batch: Batch, shares: readonly PendingShare[], from: number, max: number): number {
    const runner = this.#idle.pop();
    if (!runner) throw new Error('verifier: no idle worker');
    let count: number;
    try {
      count = runner.lane.fill(shares, from, max);
    } catch (error) {
      this.#modules.contain.caught('a hand-over', error);
      this.#idle.push(runner);
      return this.#runContained(shares, from);
    }
    batch.outstanding += 1;
    runner.run(count).then(
      () => {
        runner.lane.read(shares, from, count);
        this.#workerShares += count;
        this.#idle.push(runner);
        this.#chunkDone(batch);
      },
      (error: unknown) => {
        this.#modules.workerFailed(error);
        for (let at = from; at < from + count; ) at += this.#runContained(shares.slice(0, from + count), at);
        this.#chunkDone(batch);
      },
    );
    return count;
  }

  #chunkDone(batch: Batch): void {
    batch.outstanding -= 1;
    this.#applyReady();
  }

  /** Applies from the front, so that verdicts keep the order of arrival whoever hashed them. */
  #applyReady(): void {
    for (;;) {
      const batch = this.#batches[0];
      if (!batch || batch.outstanding > 0) return;
      this.#batches.shift();
      this.#effects.apply(batch.shares, () => {
        this.#inFlight -= batch.shares.length;
        if (this.#inFlight === 0) this.#modules.drained();
      });
      this.#applied += batch.shares.length;
      this.#tellWaiting();
    }
  }

  #tellWaiting(): void {
    for (let first = this.#waiting[0]; first !== undefined && first.taken <= this.#applied; first = this.#waiting[0]) {
      this.#waiting.shift();
      this.#modules.contain.attempt('what waits for shares', first.then);
    }
  }
}

/** Whether about every second share of a job, at these terms, is a block: so it is on regtest. */
function isEasy(job: Job, terms: Terms): boolean {
  return job.networkDifficulty < 2 * terms.difficulty;
}
