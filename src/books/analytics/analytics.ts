import type { Readable } from 'node:stream';
import type { Happening } from '#base/domain/happening';
import type { Logger } from '#base/domain/ports';
import { NO_QUEUE, type QueueCounts } from '#base/domain/queue';
import { addCounts } from '#base/std/add-counts';
import { SupervisedChild } from '#base/std/supervised-child';
import { systemClock } from '#base/std/system-clock';
import { LATE, within } from '#base/std/within';
import { chdbInstalled } from './chdb-engine.ts';
import { type AnalyticsChild, startChild } from './child.ts';
import type { Priority } from './child-priority.ts';
import { HappeningQueue } from './happenings.ts';
import type { ChildReply } from './messages.ts';
import { QueryError, requestQuery } from './query-client.ts';
import { SOCKET_FILE } from './query-server.ts';
import type { ShipStatus } from './shipper.ts';
import { cpuMsOf, isRunnable, Starvation } from './starvation.ts';

/** The name under which analytics reads the share log. */
export const ANALYTICS_CONSUMER = 'analytics';

export interface AnalyticsOptions {
  /** The data folder, with the share log in it. */
  readonly folder: string;
  /** The pool's name, which no other data folder may have in that ClickHouse; undefined: the data folder's own. */
  readonly name?: string | undefined;
  /** A ClickHouse server, `http://user:password@host:port/database`; without it the embedded ClickHouse. */
  readonly url?: string;
  /** A query waits no longer to see what was acknowledged before it. */
  readonly catchUpMsMax?: number;
  /** A child that is silent for so many seconds hangs, and is killed. */
  readonly hungSecondsMax?: number;
}

export interface AnalyticsModules {
  readonly logger: Logger;
  /** All batches of a journal up to and including `seq` are in ClickHouse for good. */
  readonly delivered: (journal: string, seq: number) => void;
}

export interface AnalyticsStatus extends ShipStatus {
  readonly mode: 'embedded' | 'server' | 'off';
  /** The child has said lately how far it is. */
  readonly reporting: boolean;
  /** The child runs and its last shipment went through. */
  readonly healthy: boolean;
  /** Why not; empty where it is. */
  readonly reason: string;
  /** Times that the child had to be started again. */
  readonly restarts: number;
  /** SQL queries that wait for their turn, over all children. */
  readonly queries: QueueCounts;
  /** Its process; undefined where none runs. */
  readonly pid: number | undefined;
}

export interface Analytics {
  status(): AnalyticsStatus;
  /** The result's bytes in one of ClickHouse's formats; rejects with a QueryError whose message is for the user. */
  query(sql: string, format: string): Promise<Readable>;
  /** Keeps what happened beside the shares, in its table. Returns at once; what is not written yet is lost in a crash. */
  tell(happening: Happening): void;
  /** Lets the child ship what it can, then ends it, in `msMax` at most. */
  close(msMax?: number): Promise<void>;
}

/** A pool does not wait longer for its analytics: they come when they come. */
const START_MS_MAX = 10_000;
/** Nor longer for a server's first answer. */
const TRY_MS_MAX = 3_000;
const RESTART = { msMin: 500, msMax: 30_000 };
/** A child whose parent was killed is gone well within this. */
const LOCK_MS_MAX = 5_000;
/** A query sees what was acknowledged before it, unless ClickHouse is further behind than this. */
const CATCH_UP_MS_MAX = 3_000;
/** Reports come every second; where none has come for this long, in seconds, that is worth a word. */
const SILENCE_S_MAX = 15;
/** A child that has not reported for so many seconds waits for the processor, or for something else. */
const OVERDUE_S = 2;
/** Much longer than a query may take, or than a child that gets no turn on a machine that is full is likely to. */
const HUNG_S_MAX = 180;

/** False where there is neither a server's URL nor the optional package `chdb`: then nobody reads the share log. */
export function analyticsAvailable(url?: string): boolean {
  return url !== undefined || chdbInstalled();
}

/**
 * Starts the child process that ships the share log into ClickHouse; resolves when it serves queries, or is off. Rejects if
 * the server says that another data folder has the pool's name: its rows could not be told from this pool's.
 */
export async function startAnalytics(options: AnalyticsOptions, modules: AnalyticsModules): Promise<Analytics> {
  if (!analyticsAvailable(options.url)) {
    modules.logger.warn(
      {},
      'analytics is off: the optional package chdb is not installed and clickhouse.url is not set',
    );
    return new NoAnalytics();
  }
  const analytics = new ChildAnalytics(options, modules);
  await analytics.start();
  const refused = await analytics.refused();
  if (refused === undefined) return analytics;
  await analytics.close();
  throw new Error(refused);
}

const NOTHING_SHIPPED: ShipStatus = { lagRows: 0, lagMs: 0, shippedRows: 0, missingRows: 0, lastError: '' };

class NoAnalytics implements Analytics {
  status(): AnalyticsStatus {
    const reason = 'analytics is off';
    const nothing = { ...NOTHING_SHIPPED, queries: NO_QUEUE, restarts: 0, pid: undefined };
    return { ...nothing, mode: 'off', reporting: false, healthy: false, reason };
  }

  async query(): Promise<Readable> {
    throw new QueryError('analytics is off: install the optional package chdb or set clickhouse.url');
  }

  tell(): void {}

  async close(): Promise<void> {}
}

class ChildAnalytics implements Analytics {
  readonly #options: AnalyticsOptions;
  readonly #modules: AnalyticsModules;
  readonly #supervised: SupervisedChild<AnalyticsChild>;
  readonly #happenings = new HappeningQueue(systemClock);
  #shipped = NOTHING_SHIPPED;
  #queries = NO_QUEUE;
  /** Of children that are gone. */
  #retiredQueries = NO_QUEUE;
  /** It has said that work waits. */
  #busy = false;
  #starvation = new Starvation();
  #lookedMs = performance.now();
  #inTurn = false;
  /** `turn` where the system does not let this user take a child out of the idle policy. */
  #priority: Priority = 'last';
  #starting = '';
  /** Resolves when the latest child is there, or has failed. */
  #started: Promise<void> = Promise.resolve();
  #closed: Promise<void> | undefined;
  /** Resolves when ClickHouse was tried for the first time. */
  readonly #tried: Promise<string | undefined>;
  #onTried: (refused: string | undefined) => void = () => {};

  constructor(options: AnalyticsOptions, modules: AnalyticsModules) {
    this.#options = options;
    this.#modules = modules;
    const { hungSecondsMax = HUNG_S_MAX } = options;
    this.#supervised = new SupervisedChild(
      { restart: RESTART, hungSecondsMax },
      {
        start: () => this.#fork(),
        ended: () => this.#onEnd(),
        hangs: ({ pid }) => modules.logger.error({ pid }, 'the analytics process hangs; it is killed'),
        tick: () => {
          this.#feed();
          this.#handOver();
        },
      },
    );
    this.#tried = new Promise((resolve) => {
      this.#onTried = resolve;
    });
  }

  /** Why the pool may not ship to the server; undefined if it may, or the server has not answered for a while. */
  async refused(): Promise<string | undefined> {
    // The embedded ClickHouse is the data folder's own.
    if (this.#options.url === undefined) return undefined;
    const refused = await within(this.#tried, TRY_MS_MAX, { ref: false });
    return refused === LATE ? undefined : refused;
  }

  /** Resolves when the child is there, or has failed, or takes too long: a pool starts without its analytics. */
  async start(): Promise<void> {
    this.#supervised.start();
    await within(this.#started, START_MS_MAX, { ref: false });
  }

  #fork(): AnalyticsChild {
    this.#starting = 'starting';
    const { folder, name, url, catchUpMsMax = CATCH_UP_MS_MAX } = this.#options;
    const child = startChild(
      { folder, name, url, socketFile: SOCKET_FILE, lockMsMax: LOCK_MS_MAX, catchUpMsMax },
      { logger: this.#modules.logger, onReply: (reply) => this.#onReply(reply) },
      this.#priority,
    );
    this.#starvation = new Starvation();
    this.#inTurn = false;
    this.#started = child.ready.then(
      () => {
        this.#starting = '';
        this.#supervised.works();
      },
      (error: unknown) => {
        this.#starting = error instanceof Error ? error.message : String(error);
        if (this.#closed !== undefined) return;
        this.#modules.logger.error({ reason: this.#starting }, 'analytics could not start; it will be tried again');
      },
    );
    return child;
  }

  status(): AnalyticsStatus {
    const { silentSeconds, restarts, child } = this.#supervised;
    const silence = silentSeconds > SILENCE_S_MAX ? `no report for ${silentSeconds} s` : '';
    const reason = this.#starting || this.#shipped.lastError || silence;
    return {
      ...this.#shipped,
      mode: this.#options.url === undefined ? 'embedded' : 'server',
      reporting: this.#starting === '' && silence === '',
      healthy: reason === '',
      reason,
      restarts,
      queries: addCounts(this.#retiredQueries, this.#queries),
      pid: child?.pid,
    };
  }

  async query(sql: string, format: string): Promise<Readable> {
    if (this.#closed !== undefined) throw new Error('analytics: used after close');
    return requestQuery(this.#options.folder, sql, format);
  }

  tell(happening: Happening): void {
    this.#happenings.put(happening);
  }

  close(msMax?: number): Promise<void> {
    this.#handOver();
    this.#closed ??= this.#close(msMax);
    return this.#closed;
  }

  async #close(msMax?: number): Promise<void> {
    const ended = (await this.#supervised.close()?.close(msMax)) ?? true;
    if (!ended) this.#modules.logger.warn({}, 'the analytics were ended half-way: they go on there at the next start');
  }

  /** To a child that serves; until then they wait. */
  #handOver(): void {
    const { child } = this.#supervised;
    if (child === undefined || this.#starting !== '') return;
    const happenings = this.#happenings.take();
    if (happenings.length > 0) child.tell(happenings);
  }

  /** Gives a starved child a turn, and takes the turn back when nothing waits. */
  #feed(): void {
    const { child, silentSeconds } = this.#supervised;
    const nowMs = performance.now();
    const passedMs = nowMs - this.#lookedMs;
    this.#lookedMs = nowMs;
    // It starts without the idle policy.
    if (child?.pid === undefined || this.#starting !== '') return;
    const wants = this.#busy || silentSeconds > OVERDUE_S;
    const { pid } = child;
    const turn = this.#starvation.look({ cpuMs: cpuMsOf(pid), passedMs, wants, runnable: () => isRunnable(pid) });
    if (turn === this.#inTurn) return;
    this.#inTurn = turn;
    void (turn ? this.#takeTurn(child) : child.beIdle());
  }

  async #takeTurn(child: AnalyticsChild): Promise<void> {
    if ((await child.takeTurn()) || this.#priority === 'turn') return;
    // Only a new process comes out of the idle policy then; its successor never goes in.
    this.#priority = 'turn';
    this.#modules.logger.warn(
      {},
      'the analytics process gets no processor time under the idle policy; it is started again without that policy',
    );
    child.kill();
  }

  #onReply(reply: ChildReply): void {
    this.#supervised.heard();
    if (reply.type === 'status') {
      [this.#shipped, this.#busy, this.#queries] = [reply.status, reply.busy, reply.queries];
    } else if (reply.type === 'tried') this.#onTried(reply.refused);
    else if (reply.type === 'delivered') this.#modules.delivered(reply.journal, reply.seq);
  }

  #onEnd(): void {
    this.#retiredQueries = addCounts(this.#retiredQueries, { ...this.#queries, depth: 0 });
    this.#queries = NO_QUEUE;
    if (this.#starting === '') this.#modules.logger.error({}, 'the analytics process ended; it is started again');
    this.#starting ||= 'the analytics process ended';
  }
}
