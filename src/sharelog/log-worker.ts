import { join } from 'node:path';
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import Database from 'better-sqlite3';
import { type FolderLock, lockFile } from './folder-lock.ts';
import { countBoot, LOG_LOCK_FILE, type LogIdentity, openLogFile } from './log-file.ts';
import { type CommitOrigin, LogServer } from './log-server.ts';
import { type Commit, LogStore } from './log-store.ts';
import type { KeptStatus, LogReply, LogRequest, LogWorkerData } from './messages.ts';

const RETRY_MS_MIN = 20;
const RETRY_MS_MAX = 2_000;
/** Deleting is done in steps, so that a commit waits for one step at most: about 4 ms. */
const TRIM_STEP_BYTES = 2 * 1024 * 1024;
/** Commits that follow one another without a pause let a step of deleting in between this often. */
const TRIM_EVERY_MS = 100;

/** A commit, and the other process that it came from; undefined for this pool's own event loop. */
interface Queued {
  readonly commit: Commit;
  readonly origin: CommitOrigin | undefined;
}

/**
 * The log's thread: the only one that writes the log's file. Whatever has been handed over when it gets to it is one
 * transaction, so commits that wait for the disk together share one sync.
 */
class LogWorker {
  readonly #options: LogWorkerData;
  readonly #port: MessagePort;
  readonly #lock: FolderLock;
  #database: Database.Database;
  #store: LogStore;
  readonly #server: LogServer | undefined;
  readonly #identity: LogIdentity;
  #queue: Queued[] = [];
  /** The commits of the running transaction; tried again as they are, so that a doubtful one can be told from a lost one. */
  #group: Queued[] = [];
  #confirmedSeq = 0;
  #trimmedAtMs = 0;
  #retryMs = RETRY_MS_MIN;
  #closing = false;
  #scheduled = false;

  constructor(options: LogWorkerData, port: MessagePort) {
    this.#options = options;
    this.#port = port;
    const lock = lockFile(join(options.folder, LOG_LOCK_FILE));
    if (lock === undefined) throw new Error('another pool is running on this data folder');
    this.#lock = lock;
    this.#database = openLogFile(options);
    this.#identity = countBoot(this.#database);
    this.#store = new LogStore(this.#database);
    this.#server = options.serve
      ? new LogServer(options, { take: (commit, origin) => this.#takeFrom(commit, origin) })
      : undefined;
    port.on('message', (request: LogRequest) => {
      this.#take(request);
      this.#run();
    });
  }

  /** Says that the log is open; before that, lets gateways in. */
  async start(): Promise<void> {
    await this.#server?.listen();
    this.#reply({ type: 'ready', identity: this.#identity, unresolved: this.#store.unresolved(), kept: this.#kept() });
  }

  #takeFrom(commit: Commit, origin: CommitOrigin): void {
    this.#queue.push({ commit, origin });
    this.#run();
  }

  #reply(reply: LogReply, transfer: ArrayBuffer[] = []): void {
    this.#port.postMessage(reply, transfer);
  }

  #kept(): KeptStatus {
    return { ...this.#store.kept, oldestMs: this.#store.oldestStoredMs() };
  }

  #take(request: LogRequest): void {
    if (request.type === 'commit') this.#queue.push({ commit: request.commit, origin: undefined });
    else if (request.type === 'confirmed') this.#confirmedSeq = Math.max(this.#confirmedSeq, request.seq);
    else this.#closing = true;
  }

  /** Takes what else has come in, and does one step. */
  #run(): void {
    if (this.#scheduled) return;
    for (let next = receiveMessageOnPort(this.#port); next !== undefined; next = receiveMessageOnPort(this.#port)) {
      this.#take(next.message as LogRequest);
    }
    if (this.#group.length === 0) {
      this.#group = this.#queue;
      this.#queue = [];
    }
    if (this.#group.length > 0) this.#commit();
    else if (this.#closing) this.#close();
    else if (this.#trim()) this.#later(0);
  }

  #later(ms: number): void {
    this.#scheduled = true;
    const again = (): void => {
      this.#scheduled = false;
      this.#run();
    };
    if (ms === 0) setImmediate(again);
    else setTimeout(again, ms);
  }

  #commit(): void {
    const startedMs = performance.now();
    try {
      this.#store.write(this.#group.map(({ commit }) => commit));
    } catch (error) {
      this.#failed(error);
      return;
    }
    const endedMs = performance.now();
    const group = this.#group;
    this.#group = [];
    this.#retryMs = RETRY_MS_MIN;
    const own = group.filter(({ origin }) => origin === undefined);
    const buffers = own.flatMap(({ commit }) => commit.batches.map((batch) => batch.buffer));
    const droppedRows = this.#options.retain ? 0 : this.#cut(group.at(-1)?.commit.handedMs ?? 0);
    for (const [origin, commits] of countByOrigin(group)) origin.durable(commits);
    this.#reply(
      {
        type: 'durable',
        commits: own.length,
        buffers,
        commitMs: endedMs - startedMs,
        kept: this.#kept(),
        droppedRows,
      },
      buffers,
    );
    if (endedMs - this.#trimmedAtMs >= TRIM_EVERY_MS) this.#trim();
    this.#later(0);
  }

  #failed(error: unknown): void {
    this.#reply({ type: 'failing', reason: reasonOf(error) });
    try {
      // Room may be there for the taking; and after an I/O error SQLite's own view of the file is not to be trusted.
      if (codeOf(error) !== 'SQLITE_FULL') this.#reopen();
      this.#trim();
      if (this.#store.clean()) this.#splitGroup();
    } catch (again) {
      this.#reply({ type: 'failing', reason: reasonOf(again) });
    }
    this.#later(this.#retryMs);
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS_MAX);
  }

  /** Where there is no room for all of the group there may be for its first commit. */
  #splitGroup(): void {
    this.#queue.unshift(...this.#group.splice(1));
  }

  #reopen(): void {
    try {
      this.#database.close();
    } finally {
      this.#database = openLogFile(this.#options);
      this.#store = new LogStore(this.#database, this.#store.last);
    }
  }

  /** Deletes one step of what is confirmed; true where something was deleted. */
  #trim(): boolean {
    this.#trimmedAtMs = performance.now();
    if (this.#store.trim(this.#confirmedSeq, TRIM_STEP_BYTES) === 0) return false;
    this.#reply({ type: 'trimmed', kept: this.#kept() });
    return true;
  }

  /** Cuts a log that is kept for nobody to its bounds; returns the rows dropped. */
  #cut(nowMs: number): number {
    const { keptBytesMax, keptMsMax } = this.#options;
    let dropped = 0;
    while (
      this.#store.kept.bytes > keptBytesMax ||
      (this.#store.oldestStoredMs() ?? Number.POSITIVE_INFINITY) < nowMs - keptMsMax
    ) {
      const rows = this.#store.trim(this.#store.last.seq, 1);
      if (rows === 0) break;
      dropped += rows;
    }
    return dropped;
  }

  #close(): void {
    this.#server?.close();
    this.#database.close();
    this.#lock.release();
    this.#reply({ type: 'closed' });
    this.#port.close();
  }
}

function countByOrigin(group: readonly Queued[]): Map<CommitOrigin, number> {
  const counts = new Map<CommitOrigin, number>();
  for (const { origin } of group) if (origin !== undefined) counts.set(origin, (counts.get(origin) ?? 0) + 1);
  return counts;
}

function codeOf(error: unknown): string {
  return error instanceof Database.SqliteError ? error.code : '';
}

function reasonOf(error: unknown): string {
  const code = codeOf(error);
  if (code === 'SQLITE_FULL') return 'disk full';
  const message = error instanceof Error ? error.message : String(error);
  return code === '' ? message : `${message} (${code})`;
}

if (parentPort !== null) {
  const port = parentPort;
  const refuse = (error: unknown): void => {
    port.postMessage({ type: 'refused', reason: reasonOf(error) } satisfies LogReply);
    port.close();
  };
  try {
    new LogWorker(workerData as LogWorkerData, port).start().catch(refuse);
  } catch (error) {
    refuse(error);
  }
}
