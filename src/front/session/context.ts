import type { Containment } from '#base/domain/contain';
import type { Job } from '#base/domain/job';
import type { Clock, ShareIntake } from '#base/domain/ports';
import type { Counts } from '#base/telemetry/counters';
import type { Idler } from './extranonces/idlers.ts';
import type { Estate } from './extranonces/resumable.ts';
import type { Authorize } from './login/authorize.ts';
import type { NiceHashKey } from './login/nicehash.ts';
import type { PayeeOf } from './login/payees.ts';
import type { DeviceProfile, ProfileOf } from './profiles.ts';
import type { CoinbaseSizes } from './work/coinbase-sizes.ts';
import type { DifficultyOptions } from './work/difficulty.ts';
import type { EasyShares } from './work/easy-shares.ts';
import type { RungSum, TermsCache } from './work/terms.ts';
import type { MinerBook } from './workers/miner-book.ts';
import type { WorkerCounts } from './workers/worker-counts.ts';

export interface SessionOptions {
  readonly difficulty: DifficultyOptions;
  /** Header version bits that miners may roll, u32 (BIP310, BIP320); 0 for none. */
  readonly versionMask: number;
  /** Sessions at once; further connections are refused. Default: limits.connectionsMax. */
  readonly sessionsMax?: number;
  /** Jobs that stay answerable, as the job store has it. Default: limits.jobsMax. */
  readonly jobsMax?: number;
  /** Silence after which a connection is closed, ms. Default: limits.idleMsMax. */
  readonly idleMsMax?: number;
  /** The operator's device profiles. Default: none. */
  readonly profiles?: readonly DeviceProfile[];
  /** If set, a client that claims to be NiceHash must sign its subscribe. */
  readonly niceHash?: NiceHashKey | undefined;
}

/** For metrics: a gauge, and counters since the start. */
export interface SessionCounters extends Counts<'session'> {
  /** Workers that are authorised on a live connection now. */
  authorizedWorkers: number;
}

/** The job that is current. */
export interface CurrentWork {
  readonly job: Job;
  /** Jobs before this serial can not be answered any more. */
  readonly oldestSerial: number;
  /** Of the whole coinbase without witness. */
  readonly coinbaseBytes: number;
}

/** A session that another connection may go on with. */
export interface Vacating {
  /** Gives up its extranonce and its jobs; undefined if it has none, or has them from another for a moment only. `newestSerial`: the newest job there is. */
  vacate(newestSerial: number): Estate | undefined;
}

/** A session that has an extranonce, and may have to give it up. */
export interface Seated extends Vacating, Idler {
  readonly extranonce: number | undefined;
  readonly resumeId: string;
  /** True if it was ever given work for its extranonce. */
  readonly hasJobs: boolean;
  /** Gives its extranonce back, so that another client can have it, and closes the connection. */
  giveUpExtranonce(): void;
}

/** What a session needs of the registry it lives in. */
export interface SessionContext {
  readonly contain: Containment;
  readonly options: SessionOptions;
  readonly clock: Clock;
  readonly intake: ShareIntake;
  readonly authorize: Authorize;
  readonly profileOf: ProfileOf;
  /** Whom the coinbases of an account's sessions pay; undefined if all mine on the jobs' own coinbases. */
  readonly payeeOf: PayeeOf | undefined;
  /** Of devices, by the bytes that they take; undefined if all mine on coinbases of one size. */
  readonly sizes: CoinbaseSizes | undefined;
  readonly niceHash: NiceHashKey | undefined;
  readonly idleMsMax: number;
  /** The saved state of the client with this session id; undefined if there is none. */
  reclaim(resumeId: string): Estate | undefined;
  /** From now on a session can be found by its id. */
  seated(resumeId: string, session: Seated): void;
  /** A session has gone on with another extranonce, and may have to give that up. */
  reseated(session: Seated): void;
  /** One that nobody else has; undefined if there is none. */
  newExtranonce(): number | undefined;
  /** 16 random hex digits. */
  newResumeId(): string;
  /** Random, from 1 to VARIANTS_MAX - 1. */
  newVariant(): number;
  readonly terms: TermsCache;
  readonly rungs: RungSum;
  readonly counters: SessionCounters;
  readonly easyShares: EasyShares;
  readonly miners: MinerBook;
  readonly workerCounts: WorkerCounts;
  /** Undefined before the first job, and while there is no work that is worth anything. */
  readonly work: CurrentWork | undefined;
  /** Why there is none, for miners; empty if that is not known. */
  readonly pausedBecause: string;
  /** False when the gateway closes: nothing more is taken of what clients send. */
  readonly hearing: boolean;
  /** Why a client that subscribes or logs in now is refused; empty if none is. */
  readonly refusedBecause: string;
}
