import type { Clock } from '#base/domain/ports';
import { CommitCadence } from './commit-cadence.ts';
import { type EncodedBatch, type OpenBatch, type Size, sizeOf } from './open-batch.ts';
import type { Timers } from './timers.ts';

export interface CommitWindowOptions {
  /** The size at which the open batch is sealed. A commit is answered when all of its batches are on disk. */
  readonly commitBytesMax: number;
}

export interface CommitWindowModules {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly timers: Timers;
  readonly open: OpenBatch;
  /** Posts a commit to the writer, which calls `durable` when the commit is on disk, in order. */
  readonly post: (batches: readonly EncodedBatch[]) => void;
}

/**
 * The stage between the event loop and the disk: the open batch, the posted commit, and the callbacks that wait for them. One commit
 * is posted at a time. Rows that arrive meanwhile gather in the open batch, so a busier disk gets larger writes. A fast disk would
 * get each share in a write of its own, so the cadence delays commits for a moment.
 */
export class CommitWindow {
  readonly #options: CommitWindowOptions;
  readonly #open: OpenBatch;
  readonly #modules: CommitWindowModules;
  readonly #cadence = new CommitCadence();
  /** Rows of the open batch that the cadence knows of. */
  #openRows = 0;
  /** Takes back the end of a hold; undefined unless the open batch is held. */
  #unhold: (() => void) | undefined;
  /** Nothing is held any more. */
  #draining = false;
  /** Callbacks in order; each waits until `commit` commits are durable. */
  #waiting: { readonly commit: number; readonly durable: () => void }[] = [];
  /** Commits that have reached their bound and wait to be posted, before what is in the open batch. */
  #ready: (readonly EncodedBatch[])[] = [];
  #posted: Size | undefined;
  #postedCommits = 0;
  #durableCommits = 0;
  #flushing = false;
  #drained: (() => void) | undefined;

  constructor(options: CommitWindowOptions, modules: CommitWindowModules) {
    this.#options = options;
    this.#open = modules.open;
    this.#modules = modules;
  }

  /** Rows and bytes that are not on the disk yet. */
  get pending(): Size {
    const sizes = [this.#posted ?? { rows: 0, bytes: 0 }, ...this.#ready.map(sizeOf), this.#open];
    return sizes.reduce<Size>((a, b) => ({ rows: a.rows + b.rows, bytes: a.bytes + b.bytes }), { rows: 0, bytes: 0 });
  }

  /** Callbacks that wait for their commit. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Commits what is in the open batch; `durable` is called when it is on the disk. */
  commit(durable: () => void): void {
    this.#open.seal();
    this.#cadence.arrived(this.#open.rows - this.#openRows, this.#modules.clock.monotonicMs());
    this.#openRows = this.#open.rows;
    const commit = this.#postedCommits + this.#ready.length + (this.#open.rows > 0 ? 1 : 0);
    this.#waiting.push({ commit, durable });
    this.#advance();
    if (this.#open.bytes >= this.#options.commitBytesMax) this.#closeOff();
    // With nothing to wait for, the callback still comes later, and after those before it.
    if (commit <= this.#durableCommits && !this.#flushing) {
      this.#flushing = true;
      queueMicrotask(() => {
        this.#flushing = false;
        this.#flush();
      });
    }
  }

  /** The commit that was posted is on the disk. */
  durable(): void {
    this.#durableCommits += 1;
    this.#posted = undefined;
    // First more work for the writer, then the callbacks: the disk need not wait for replies to be written.
    this.#advance();
    this.#flush();
    this.#checkDrained();
  }

  /** Commits the open batch. Resolves with true when it is on disk, with false if that takes longer than `msMax`. */
  drain(msMax: number): Promise<boolean> {
    this.#draining = true;
    this.#open.seal();
    const drained = new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), msMax);
      this.#drained = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
    this.#advance();
    this.#checkDrained();
    return drained;
  }

  #closeOff(): void {
    const batches = this.#takeOpen();
    if (batches.length > 0) this.#ready.push(batches);
  }

  #takeOpen(): readonly EncodedBatch[] {
    this.#unhold?.();
    this.#unhold = undefined;
    const batches = this.#open.take();
    this.#openRows = this.#open.rows;
    return batches;
  }

  /** Posts the sealed batches, unless the writer is busy or waiting for more rows pays. */
  #advance(): void {
    if (this.#posted !== undefined) return;
    const nowMs = this.#modules.clock.monotonicMs();
    if (this.#ready.length === 0 && this.#holds(nowMs)) return;
    this.#postNext(nowMs);
  }

  /** True if the open batch waits for more rows. Blocks and jobs do not wait. */
  #holds(nowMs: number): boolean {
    if (this.#open.rows === 0 || this.#open.urgent || this.#draining) return false;
    const holdMs = this.#cadence.holdMs(this.#open.rows, nowMs);
    if (holdMs === 0) return false;
    this.#unhold ??= this.#modules.timers.after(Math.ceil(holdMs), () => {
      this.#unhold = undefined;
      const endMs = this.#modules.clock.monotonicMs();
      this.#cadence.held(endMs);
      if (this.#posted === undefined) this.#postNext(endMs);
    });
    return true;
  }

  #postNext(nowMs: number): void {
    const batches = this.#ready.shift() ?? this.#takeOpen();
    if (batches.length === 0) return;
    this.#cadence.posted(nowMs);
    this.#postedCommits += 1;
    this.#posted = sizeOf(batches);
    this.#modules.post(batches);
  }

  #flush(): void {
    const due = this.#waiting.findIndex((waiter) => waiter.commit > this.#durableCommits);
    const ready = this.#waiting.splice(0, due < 0 ? this.#waiting.length : due);
    for (const waiter of ready) waiter.durable();
  }

  #checkDrained(): void {
    if (this.#posted === undefined && this.#ready.length + this.#open.rows === 0) this.#drained?.();
  }
}
