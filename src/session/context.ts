import type { Job } from '../domain/job.ts';
import type { Clock, ShareIntake } from '../domain/ports.ts';
import type { ProtocolFault } from '../stratum/message.ts';
import type { NotifyLine } from '../stratum/notify.ts';
import type { Authorize } from './authorize.ts';
import type { DifficultyOptions } from './difficulty.ts';
import type { Extranonces } from './extranonce.ts';
import type { TermsCache } from './terms.ts';

export interface SessionOptions {
  readonly difficulty: DifficultyOptions;
  /** Header version bits that miners may roll, u32 (BIP310, BIP320); 0 for none. */
  readonly versionMask: number;
  /** Sessions at once; further connections are refused. Default: limits.connectionsMax. */
  readonly sessionsMax?: number;
  /** Jobs that stay answerable, as the job store has it. Default: limits.jobsMax. */
  readonly jobsMax?: number;
}

/** For metrics; gauges and counters since the start. */
export interface SessionCounters {
  /** Workers that are authorised on a live connection now. */
  authorizedWorkers: number;
  /** Names that were refused. */
  refusedWorkers: number;
  /** Difficulties announced after the first of a session. */
  difficultyChanges: number;
  /** Connections closed for not subscribing or not authorising in time. */
  timeouts: number;
  /** Error replies that are no verdict on a share, by kind. */
  readonly protocolErrors: Record<ProtocolFault, number>;
}

/** The job that is current, as sessions send it. */
export interface CurrentWork {
  readonly job: Job;
  readonly line: NotifyLine;
  /** Jobs before this serial can not be answered any more. */
  readonly oldestSerial: number;
}

/** What a session needs of the registry it lives in. */
export interface SessionContext {
  readonly options: SessionOptions;
  readonly clock: Clock;
  readonly intake: ShareIntake;
  readonly authorize: Authorize;
  readonly extranonces: Extranonces;
  readonly terms: TermsCache;
  readonly counters: SessionCounters;
  /** Undefined before the first job. */
  readonly work: CurrentWork | undefined;
}
