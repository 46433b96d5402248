import type { Clock } from '#base/domain/ports';
import { type KernelBuild, loadKernel } from '#shares/kernel/kernel';
import { type Endpoint, parseEndpoint } from './endpoint.ts';
import { Hasher } from './hasher.ts';
import type { Link, LinkHandler } from './link.ts';
import { type FoundShare, StratumSession } from './session.ts';
import { openTcpLink } from './tcp-link.ts';
import { openWebSocketLink } from './websocket-link.ts';

export interface MinerOptions {
  /** `stratum+tcp://host:port` or `stratum+ws://host:port/path`. */
  readonly url: string;
  readonly user: string;
  /** Default `x`, as pools expect where it means nothing. */
  readonly password?: string;
  /** Hashing threads, default 1. */
  readonly threads?: number;
  /** Difficulty to suggest to the pool. */
  readonly suggestDifficulty?: number;
  /** Version bits to ask for, u32, default BIP320's 1fffe000; 0 for none. */
  readonly versionMask?: number;
  readonly userAgent?: string;
  readonly build?: KernelBuild | 'auto';
}

/** The miner's events, for display. */
export type MinerEvent =
  | { readonly kind: 'connected'; readonly endpoint: Endpoint }
  | { readonly kind: 'work'; readonly jobId: string; readonly difficulty: number; readonly clean: boolean }
  | { readonly kind: 'submitted' | 'accepted'; readonly jobId: string; readonly difficulty: number }
  | { readonly kind: 'rejected'; readonly jobId: string; readonly reason: string }
  | { readonly kind: 'message'; readonly text: string }
  /** The pool broke the protocol; `disconnected` follows. */
  | { readonly kind: 'problem'; readonly problem: string }
  | { readonly kind: 'disconnected'; readonly reason: string; readonly retryInMs: number };

export interface MinerModules {
  readonly clock: Clock;
  /** Calls `task` once after `delayMs`; the result cancels it. setTimeout, where it is not a test. */
  readonly schedule: (delayMs: number, task: () => void) => () => void;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly onEvent: (event: MinerEvent) => void;
}

export interface MinerCounters {
  readonly hashes: number;
  readonly submitted: number;
  readonly accepted: number;
  readonly rejected: number;
  /** By the pool's text. */
  readonly rejectedByReason: Readonly<Record<string, number>>;
  /** Submitted, but the connection ended before the reply. */
  readonly unanswered: number;
  /** Found and not sent: no connection, or too many replies outstanding. */
  readonly dropped: number;
  readonly protocolProblems: number;
  readonly connects: number;
  /** Of the newest work; 0 before the first. */
  readonly difficulty: number;
}

export interface Miner {
  counters(): MinerCounters;
  /** Resolves when stopped. Rejects if the pool refuses the user, or hashing fails. */
  readonly finished: Promise<void>;
  /** Stops hashing, waits a little for outstanding replies, closes. Resolves when all threads have ended. */
  stop(): Promise<void>;
}

/** Submits without a reply; beyond it hashing pauses, so that a slow pool is not flooded. */
const UNANSWERED_MAX = 64;
/** A pool that answers nothing for so long has forgotten this connection. */
const REPLY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 5_000;
const BACKOFF_MS_MIN = 500;
const BACKOFF_MS_MAX = 60_000;
const REASONS_MAX = 64;

/** Connects to a pool and mines until stopped. Throws at once if the options are wrong. */
export function runMiner(options: MinerOptions, modules: MinerModules): Miner {
  return new RunningMiner(options, modules);
}

class RunningMiner implements Miner {
  readonly #options: MinerOptions;
  readonly #modules: MinerModules;
  readonly #hasher: Hasher;
  readonly finished: Promise<void>;
  #settle: { resolve: () => void; reject: (error: Error) => void } = { resolve() {}, reject() {} };
  #endpoint: Endpoint;
  #link: Link | undefined;
  #session: StratumSession | undefined;
  #submitsUnanswered = 0;
  #cancelTimeout: () => void = () => {};
  #cancelRetry: () => void = () => {};
  #backoffMs = BACKOFF_MS_MIN;
  /** Set by the pool's `client.reconnect`; takes the place of the backoff once. */
  #reconnectInMs: number | undefined;
  #stopping: Promise<void> | undefined;
  #failure: Error | undefined;
  #drained: () => void = () => {};
  readonly #counts = {
    submitted: 0,
    accepted: 0,
    rejected: 0,
    unanswered: 0,
    dropped: 0,
    protocolProblems: 0,
    connects: 0,
    difficulty: 0,
  };
  readonly #reasons = new Map<string, number>();

  constructor(options: MinerOptions, modules: MinerModules) {
    const { threads = 1, build = 'auto' } = options;
    if (!Number.isInteger(threads) || threads < 1 || threads > 1024) {
      throw new RangeError(`miner: ${threads} threads are not 1…1024`);
    }
    if (options.user === '') throw new RangeError('miner: an empty user');
    this.#options = options;
    this.#modules = modules;
    this.#endpoint = parseEndpoint(options.url);
    this.finished = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.#hasher = new Hasher({ threads, code: loadKernel({ build }) }, modules.clock, {
      ready: () => this.#submitsUnanswered < UNANSWERED_MAX,
      onShare: (share) => this.#submit(share),
      onError: (error) => this.#fail(error),
    });
    this.#connect();
  }

  counters(): MinerCounters {
    const rejectedByReason = Object.fromEntries(this.#reasons);
    return { hashes: this.#hasher.hashes, ...this.#counts, rejectedByReason };
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#drain().then(() => this.#close());
    return this.#stopping;
  }

  /** Nothing more can be done: ends without waiting for replies. */
  #fail(error: Error): void {
    this.#failure ??= error;
    this.#stopping ??= this.#close();
  }

  async #drain(): Promise<void> {
    this.#cancelRetry();
    this.#hasher.setWork(undefined, true);
    if (this.#submitsUnanswered === 0) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#modules.schedule(STOP_TIMEOUT_MS, resolve);
      this.#drained = () => {
        cancel();
        resolve();
      };
    });
  }

  async #close(): Promise<void> {
    this.#cancelRetry();
    this.#link?.close();
    await this.#hasher.close();
    if (this.#failure) this.#settle.reject(this.#failure);
    else this.#settle.resolve();
  }

  #connect(): void {
    this.#counts.connects += 1;
    const handler: LinkHandler = {
      onOpen: () => {
        this.#modules.onEvent({ kind: 'connected', endpoint: this.#endpoint });
        this.#expectReply();
        this.#session?.start();
      },
      onMessage: (text) => {
        const before = this.#session?.unanswered;
        this.#session?.receive(text);
        if (this.#session?.unanswered !== before) this.#expectReply();
      },
      onClose: (reason) => this.#disconnected(reason),
    };
    const link =
      this.#endpoint.transport === 'tcp'
        ? openTcpLink(this.#endpoint, handler)
        : openWebSocketLink(this.#endpoint, handler);
    this.#link = link;
    this.#session = this.#makeSession(link);
  }

  #makeSession(link: Link): StratumSession {
    const {
      user,
      password = 'x',
      userAgent = 'sluice-miner',
      suggestDifficulty,
      versionMask = 0x1fffe000,
    } = this.#options;
    return new StratumSession(
      { user, password, userAgent, suggestDifficulty, versionMask },
      {
        send: (messages) => link.send(messages),
        onWork: (work, clean) => {
          if (this.#stopping) return;
          this.#backoffMs = BACKOFF_MS_MIN;
          this.#counts.difficulty = work.difficulty;
          this.#modules.onEvent({ kind: 'work', jobId: work.job.id, difficulty: work.difficulty, clean });
          this.#hasher.setWork(work, clean);
        },
        onVerdict: (share, reason) => this.#judged(share, reason),
        onReconnect: (host, port, waitMs) => this.#reconnect(host, port, waitMs),
        onShowMessage: (text) => this.#modules.onEvent({ kind: 'message', text }),
        onRefused: (reason) => this.#fail(new Error(`the pool refused: ${reason}`)),
        onProblem: (problem) => {
          this.#counts.protocolProblems += 1;
          this.#modules.onEvent({ kind: 'problem', problem: `the pool sent ${problem}` });
          link.close();
        },
      },
    );
  }

  #submit(share: FoundShare): void {
    if (this.#stopping || !this.#session || !this.#link) {
      this.#counts.dropped += 1;
      return;
    }
    this.#counts.submitted += 1;
    this.#submitsUnanswered += 1;
    const { job, difficulty } = share.work;
    this.#modules.onEvent({ kind: 'submitted', jobId: job.id, difficulty });
    this.#session.submit(share);
    if (this.#submitsUnanswered === 1) this.#expectReply();
  }

  #judged(share: FoundShare, reason: string | undefined): void {
    this.#submitsUnanswered -= 1;
    const { job, difficulty } = share.work;
    if (reason === undefined) {
      this.#counts.accepted += 1;
      this.#modules.onEvent({ kind: 'accepted', jobId: job.id, difficulty });
    } else {
      this.#counts.rejected += 1;
      const key = this.#reasons.has(reason) || this.#reasons.size < REASONS_MAX ? reason : 'other';
      this.#reasons.set(key, (this.#reasons.get(key) ?? 0) + 1);
      this.#modules.onEvent({ kind: 'rejected', jobId: job.id, reason });
    }
    if (this.#submitsUnanswered === 0) this.#drained();
    this.#hasher.resume();
  }

  /** Restarts the time-out for the pool's next reply, if a reply is pending. */
  #expectReply(): void {
    this.#cancelTimeout();
    const session = this.#session;
    if (!session) return;
    this.#cancelTimeout = this.#modules.schedule(REPLY_TIMEOUT_MS, () => {
      if (session === this.#session && session.unanswered > 0) this.#link?.close();
    });
  }

  /** Obeyed only within the host that was configured: a pool must not send its miners to somebody else's. */
  #reconnect(host: string, port: number, waitMs: number): void {
    if (host !== '' && host !== this.#endpoint.host) {
      this.#modules.onEvent({ kind: 'problem', problem: `the pool asked to reconnect to ${host}; not done` });
      return;
    }
    if (port !== 0) this.#endpoint = { ...this.#endpoint, port };
    this.#reconnectInMs = waitMs;
    this.#link?.close();
  }

  #disconnected(reason: string): void {
    this.#cancelTimeout();
    this.#link = undefined;
    this.#session = undefined;
    this.#counts.unanswered += this.#submitsUnanswered;
    this.#submitsUnanswered = 0;
    this.#drained();
    this.#hasher.setWork(undefined, true);
    if (this.#stopping) return;
    const retryInMs = this.#reconnectInMs ?? this.#nextBackoffMs();
    this.#reconnectInMs = undefined;
    this.#modules.onEvent({ kind: 'disconnected', reason, retryInMs });
    this.#cancelRetry = this.#modules.schedule(retryInMs, () => this.#connect());
  }

  /** Doubles up to a bound, with jitter, so that a pool's miners do not all come back at once. */
  #nextBackoffMs(): number {
    const [jitter = 0] = this.#modules.randomBytes(1);
    const delayMs = Math.round(this.#backoffMs * (0.5 + jitter / 256));
    this.#backoffMs = Math.min(BACKOFF_MS_MAX, this.#backoffMs * 2);
    return delayMs;
  }
}
