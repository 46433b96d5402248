import { mkdirSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { Job } from '../domain/job.ts';
import type { FoundBlock, SubmitOutcome } from '../domain/ports.ts';
import type { JudgedShare } from '../domain/share.ts';
import { limits } from '../limits.ts';
import { headOf } from './block-rows.ts';
import { BufferPool } from './buffer-pool.ts';
import { builtEntry } from './built.ts';
import type { BlockHead, Candidate } from './candidate.ts';
import type { KeptStatus, LogReply, LogRequest, LogWorkerData } from './messages.ts';
import { type CommitBody, OpenBatch } from './open-batch.ts';
import type { ShareLog, ShareLogModules, ShareLogOptions, ShareLogStatus } from './share-log.ts';

export type { ShareLog, ShareLogModules, ShareLogOptions, ShareLogStatus } from './share-log.ts';

/**
 * Messages that the thread may have at a time: one being written, one waiting. What is committed meanwhile gathers in the
 * open batch, so the busier the disk, the larger the transactions; up to a bound, since a transaction is written whole or
 * not at all, and a disk that is nearly full may take a small one.
 */
const POSTED_MAX = 2;
const CLOSE_MS_MAX = 5_000;

/** Opens the log of a data folder; rejects where another pool has it, or where it can not be written. */
export async function openShareLog(options: ShareLogOptions, modules: ShareLogModules): Promise<ShareLog> {
  mkdirSync(options.folder, { recursive: true });
  const data: LogWorkerData = {
    folder: options.folder,
    pagesMax: options.pagesMax,
    retain: options.consumers.length > 0,
    keptBytesMax: options.keptBytesMax ?? limits.logKeptBytesMax,
    keptMsMax: options.keptMsMax ?? limits.logKeptMsMax,
  };
  const worker = new Worker(builtEntry('sharelog/log-worker.ts'), { workerData: data });
  const reply = await new Promise<LogReply>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  worker.removeAllListeners('error');
  if (reply.type !== 'ready') {
    const reason = reply.type === 'refused' ? reply.reason : `its thread answered ${reply.type}`;
    throw new Error(`the share log in ${options.folder} can not be opened: ${reason}`);
  }
  return new WorkerShareLog(options, data, modules, worker, reply);
}

class WorkerShareLog implements ShareLog {
  readonly logId: string;
  readonly epoch: number;
  readonly unresolved: readonly Candidate[];
  readonly #modules: ShareLogModules;
  readonly #data: LogWorkerData;
  readonly #closeMsMax: number;
  readonly #worker: Worker;
  readonly #pool = new BufferPool(4, limits.logBatchBytesMax * 2);
  readonly #open: OpenBatch;
  readonly #positions: Map<string, number>;
  /** Callbacks in order; each waits until `commit` commits are durable. */
  #waiting: { readonly commit: number; readonly durable: () => void }[] = [];
  readonly #commitBytesMax: number;
  /** Commits that have reached their bound and wait to be posted, before what is in the open batch. */
  #ready: CommitBody[] = [];
  #postedCommits = 0;
  #durableCommits = 0;
  #postedSizes: Size[] = [];
  #kept: KeptStatus;
  #lastCommitMs = 0;
  #droppedRows = 0;
  #failing: string | undefined;
  #dead: string | undefined;
  #flushing = false;
  #closed: Promise<void> | undefined;
  #drained: (() => void) | undefined;

  constructor(
    options: ShareLogOptions,
    data: LogWorkerData,
    modules: ShareLogModules,
    worker: Worker,
    ready: Extract<LogReply, { type: 'ready' }>,
  ) {
    this.logId = ready.identity.logId;
    this.epoch = ready.identity.epoch;
    this.unresolved = ready.unresolved;
    this.#kept = ready.kept;
    this.#modules = modules;
    this.#data = data;
    this.#worker = worker;
    this.#closeMsMax = options.closeMsMax ?? CLOSE_MS_MAX;
    this.#positions = new Map(options.consumers.map((consumer) => [consumer, 0]));
    const bounds = {
      rowsMax: options.batchRowsMax ?? limits.logBatchRowsMax,
      bytesMax: options.batchBytesMax ?? limits.logBatchBytesMax,
    };
    this.#commitBytesMax = bounds.bytesMax;
    this.#open = new OpenBatch({ node: options.node, epoch: this.epoch, bounds }, this.#pool);
    worker.on('message', (reply: LogReply) => this.#onReply(reply));
    worker.on('error', (error) => this.#onDeath(error));
    worker.on('exit', () => this.#onDeath(new Error('the share log’s thread ended')));
  }

  share(share: JudgedShare): void {
    this.#assertOpen();
    this.#open.share(share);
  }

  job(job: Job): void {
    this.#assertOpen();
    this.#open.job(job);
  }

  candidate(block: FoundBlock): void {
    this.#assertOpen();
    // A copy: the bytes may be part of a larger buffer, and the thread gets a clone of the whole.
    this.#open.candidate({ ...headOf(block), block: new Uint8Array(block.block) });
  }

  outcome(block: FoundBlock, outcome: SubmitOutcome): void {
    this.resolved(headOf(block), outcome);
  }

  resolved(candidate: BlockHead, outcome: SubmitOutcome): void {
    this.#assertOpen();
    this.#open.outcome(candidate, outcome);
  }

  commit(durable: () => void): void {
    this.#assertOpen();
    this.#open.seal();
    const commit = this.#postedCommits + this.#ready.length + (this.#open.rows > 0 ? 1 : 0);
    this.#waiting.push({ commit, durable });
    this.#post();
    if (this.#open.bytes >= this.#commitBytesMax) this.#closeOff();
    // With nothing to wait for, the callback still comes later, and after those before it.
    if (commit <= this.#durableCommits && !this.#flushing) {
      this.#flushing = true;
      queueMicrotask(() => {
        this.#flushing = false;
        this.#flush();
      });
    }
  }

  confirm(consumer: string, seq: number): void {
    if (this.#closed !== undefined) return;
    const position = this.#positions.get(consumer);
    if (position === undefined) throw new Error(`sharelog: no consumer ${consumer}`);
    if (seq <= position) return;
    this.#positions.set(consumer, seq);
    this.#send({ type: 'confirmed', seq: Math.min(...this.#positions.values()) });
  }

  status(): ShareLogStatus {
    const reason = this.#dead ?? this.#failing ?? '';
    const pending = [...this.#postedSizes, ...this.#ready.map(sizeOf), this.#open].reduce(addSizes, NOTHING);
    const { oldestMs, batches, rows, bytes } = this.#kept;
    const keptMs = oldestMs === undefined ? 0 : Math.max(0, this.#modules.clock.nowMs() - oldestMs);
    return {
      healthy: reason === '',
      reason,
      pendingRows: pending.rows,
      pendingBytes: pending.bytes,
      pendingCommits: this.#waiting.length,
      lastCommitMs: this.#lastCommitMs,
      keptBatches: batches,
      keptRows: rows,
      keptBytes: bytes,
      keptMs,
      alarm: this.#alarm(keptMs, bytes),
      droppedRows: this.#droppedRows,
    };
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    if (this.#dead !== undefined) return;
    this.#open.seal();
    const drained = new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), this.#closeMsMax);
      this.#drained = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
    this.#post();
    this.#checkDrained();
    if (await drained) {
      const exited = new Promise<void>((resolve) => void this.#worker.once('exit', () => resolve()));
      this.#send({ type: 'close' });
      await exited;
      return;
    }
    const { reason, pendingRows } = this.status();
    this.#modules.logger.error({ reason, pendingRows }, 'share log closed with rows that never reached the disk');
    await this.#worker.terminate();
  }

  #alarm(keptMs: number, bytes: number): string | undefined {
    if (this.#positions.size === 0) return undefined;
    if (keptMs > this.#data.keptMsMax) return `a consumer is ${Math.round(keptMs / 3_600_000)} h behind`;
    if (bytes > this.#data.keptBytesMax) return `a consumer is ${Math.round(bytes / 2 ** 20)} MiB behind`;
    return undefined;
  }

  #assertOpen(): void {
    if (this.#closed !== undefined) throw new Error('sharelog: used after close');
  }

  #closeOff(): void {
    const body = this.#open.take();
    if (body !== undefined) this.#ready.push(body);
  }

  /** Gives the thread what is sealed, unless it has enough to do. */
  #post(): void {
    while (this.#postedSizes.length < POSTED_MAX && this.#dead === undefined) {
      const body = this.#ready.shift() ?? this.#open.take();
      if (body === undefined) return;
      this.#postedCommits += 1;
      this.#postedSizes.push(sizeOf(body));
      const buffers = body.batches.map((batch) => batch.buffer);
      this.#send({ type: 'commit', commit: { ...body, handedMs: this.#modules.clock.nowMs() } }, buffers);
    }
  }

  #send(request: LogRequest, transfer: ArrayBuffer[] = []): void {
    this.#worker.postMessage(request, transfer);
  }

  #onReply(reply: LogReply): void {
    if (reply.type === 'durable') this.#onDurable(reply);
    else if (reply.type === 'trimmed') this.#kept = reply.kept;
    else if (reply.type === 'failing') this.#onFailing(reply.reason);
  }

  #onDurable(reply: Extract<LogReply, { type: 'durable' }>): void {
    if (this.#failing !== undefined) this.#modules.logger.info({}, 'share log writes again');
    this.#failing = undefined;
    this.#lastCommitMs = reply.commitMs;
    this.#kept = reply.kept;
    this.#droppedRows += reply.droppedRows;
    for (const buffer of reply.buffers) this.#pool.give(buffer);
    this.#durableCommits += reply.commits;
    this.#postedSizes.splice(0, reply.commits);
    // First more work for the thread, then the callbacks: the disk need not wait for replies to be written.
    this.#post();
    this.#flush();
    this.#checkDrained();
  }

  #onFailing(reason: string): void {
    if (this.#failing !== reason) {
      this.#modules.logger.error({ reason }, 'share log can not write: shares are not acknowledged until it can');
    }
    this.#failing = reason;
  }

  #onDeath(error: Error): void {
    if (this.#closed !== undefined || this.#dead !== undefined) return;
    this.#dead = error.message;
    this.#modules.fatal(error);
  }

  #flush(): void {
    const due = this.#waiting.findIndex((waiter) => waiter.commit > this.#durableCommits);
    const ready = this.#waiting.splice(0, due < 0 ? this.#waiting.length : due);
    for (const waiter of ready) waiter.durable();
  }

  #checkDrained(): void {
    if (this.#postedSizes.length + this.#ready.length + this.#open.rows === 0) this.#drained?.();
  }
}

interface Size {
  readonly rows: number;
  readonly bytes: number;
}

const NOTHING: Size = { rows: 0, bytes: 0 };

function addSizes(a: Size, b: Size): Size {
  return { rows: a.rows + b.rows, bytes: a.bytes + b.bytes };
}

function sizeOf({ batches }: CommitBody): Size {
  return batches.map((batch) => ({ rows: batch.rows, bytes: batch.length })).reduce(addSizes, NOTHING);
}
