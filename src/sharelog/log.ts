import { Worker } from 'node:worker_threads';
import type { Job } from '../domain/job.ts';
import type { FoundBlock, SubmitOutcome } from '../domain/ports.ts';
import type { JudgedShare } from '../domain/share.ts';
import { limits } from '../limits.ts';
import { headOf } from './block-rows.ts';
import { BufferPool } from './buffer-pool.ts';
import { builtEntry } from './built.ts';
import type { BlockHead, Candidate } from './candidate.ts';
import { CommitWindow } from './commit-window.ts';
import { makeFolder } from './make-folder.ts';
import type { KeptStatus, LogReply, LogRequest, LogWorkerData } from './messages.ts';
import { type CommitBody, OpenBatch } from './open-batch.ts';
import type { ShareLog, ShareLogModules, ShareLogOptions, ShareLogStatus } from './share-log.ts';

export type { ShareLog, ShareLogModules, ShareLogOptions, ShareLogStatus } from './share-log.ts';

const CLOSE_MS_MAX = 5_000;

/** Opens the log of a data folder; rejects where another pool has it, or where it can not be written. */
export async function openShareLog(options: ShareLogOptions, modules: ShareLogModules): Promise<ShareLog> {
  makeFolder(options.folder);
  const data: LogWorkerData = {
    folder: options.folder,
    pagesMax: options.pagesMax,
    retain: options.consumers.length > 0,
    keptBytesMax: options.keptBytesMax ?? limits.logKeptBytesMax,
    keptMsMax: options.keptMsMax ?? limits.logKeptMsMax,
    serve: options.serve ?? false,
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
  readonly #window: CommitWindow;
  #kept: KeptStatus;
  #lastCommitMs = 0;
  #droppedRows = 0;
  #failing: string | undefined;
  #dead: string | undefined;
  #closed: Promise<void> | undefined;

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
    this.#open = new OpenBatch({ node: options.node, epoch: this.epoch, bounds }, this.#pool);
    this.#window = new CommitWindow(
      { commitBytesMax: bounds.bytesMax },
      { open: this.#open, post: (body) => this.#post(body) },
    );
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
    this.#window.commit(durable);
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
    const { pending, waiting } = this.#window;
    const { oldestMs, batches, rows, bytes } = this.#kept;
    const keptMs = oldestMs === undefined ? 0 : Math.max(0, this.#modules.clock.nowMs() - oldestMs);
    return {
      healthy: reason === '',
      reason,
      pendingRows: pending.rows,
      pendingBytes: pending.bytes,
      pendingCommits: waiting,
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
    if (await this.#window.drain(this.#closeMsMax)) {
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

  #post(body: CommitBody): void {
    const buffers = body.batches.map((batch) => batch.buffer);
    this.#send({ type: 'commit', commit: { ...body, handedMs: this.#modules.clock.nowMs() } }, buffers);
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
    this.#window.durable(reply.commits);
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
    this.#window.stop();
    this.#modules.fatal(error);
  }
}
