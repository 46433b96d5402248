import type { Network } from '#base/bitcoin/address';
import type { Ban } from '#base/domain/ports';
import type { QueueCounts } from '#base/domain/queue';
import type { Counts } from '#base/telemetry/counters';
import type { AdminRequest } from './admin.ts';
import type { HealthReport } from './health-report.ts';
import type { JobReport } from './job-report.ts';
import type { MinerAnswer, MinerPage } from './miners.ts';
import type { PayTerms } from './pay-terms.ts';
import type { Answer } from './response.ts';
import type { Readiness } from './sources.ts';
import type { PoolStatus } from './status.ts';

/** The start parameters of the HTTP process. They hold no secret: a digest does not let its owner in. */
export interface ServerStart {
  /** IPv6 without brackets. */
  readonly host: string;
  /** 0: the system chooses. */
  readonly port: number;
  /** Addresses and ranges without limits per address, and those that are always refused. */
  readonly allow: readonly string[];
  readonly deny: readonly string[];
  /** Sites whose pages may read answers; `*` for all. */
  readonly origins: readonly string[];
  /** The data folder: the ledger's file and the analytics' socket are in it. */
  readonly folder: string;
  readonly network: Network;
  /** Any name may mine, so a name in a path is no address. */
  readonly openNames: boolean;
  readonly terms: PayTerms;
  /** Those in force. */
  readonly bans: readonly Ban[];
  /** SHA-256 of `http.sql-token` as hex; undefined if there is none. */
  readonly sqlTokenDigest: string | undefined;
}

/** Questions of the HTTP process to the pool. */
export type Question =
  | { readonly kind: 'pool' | 'ready' | 'metrics' | 'job' | 'health' }
  | { readonly kind: 'miner'; readonly address: string; readonly page: MinerPage }
  | { readonly kind: 'admin'; readonly request: AdminRequest };

/** The pool's answers, by the question's kind. */
export interface Replies {
  readonly pool: PoolStatus;
  readonly ready: Readiness;
  readonly metrics: string;
  readonly job: JobReport | null;
  readonly health: HealthReport;
  readonly miner: MinerAnswer;
  /** Null if the path is none of the operators'. */
  readonly admin: Answer | null;
}

/** What HTTP has had to do since the process started. */
export interface HttpCounts extends Readonly<Omit<Counts<'http'>, 'restarts'>> {
  /** Requests that wait for their answer. */
  readonly waiting: QueueCounts;
}

/** From the pool to the HTTP process. */
export type ToServer =
  | { readonly type: 'start'; readonly start: ServerStart }
  | { readonly type: 'reply'; readonly id: number; readonly reply: Replies[keyof Replies] }
  /** The pool threw an exception, which it has logged. */
  | { readonly type: 'failed'; readonly id: number }
  | { readonly type: 'ban'; readonly ban: Ban }
  | { readonly type: 'pardon'; readonly address: string };

/** From the HTTP process to the pool. */
export type FromServer =
  | { readonly type: 'hello' }
  | { readonly type: 'listening'; readonly port: number }
  | { readonly type: 'refused'; readonly reason: string }
  | { readonly type: 'ask'; readonly id: number; readonly question: Question }
  | { readonly type: 'counts'; readonly counts: HttpCounts }
  | { readonly type: 'fault'; readonly kind: string; readonly reason: string };
