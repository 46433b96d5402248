import type { Wire } from '#base/domain/ports';
import type { RejectReason } from '#base/domain/verdict';

/** What `/api/v1/pool` answers: the pool as it is now. Rates are in hashes a second, times in seconds. */
export interface PoolStatus {
  readonly name: string;
  readonly version: string;
  readonly network: string;
  readonly uptimeSeconds: number;
  /** Open connections. */
  readonly connections: Readonly<Record<Wire['transport'], number>>;
  /** Sessions that have subscribed. */
  readonly sessions: number;
  /** Workers authorised on open connections. */
  readonly workers: number;
  /** Estimated from accepted shares over the last minute, ten minutes, hour. */
  readonly hashrate: Readonly<Record<'1m' | '10m' | '1h', number>>;
  /** What miners work on; null before the first template. */
  readonly job: JobStatus | null;
  /** Since the start. */
  readonly shares: { readonly accepted: number; readonly rejected: Readonly<Record<RejectReason, number>> };
  /** Since the start. */
  readonly blocks: Readonly<Record<'accepted' | 'orphaned' | 'rejected' | 'unknown', number>>;
  readonly stratum: StratumCounts;
}

/** What the front had to do with its clients, since the start. */
export interface StratumCounts {
  /** Connections that were not let in, and of those: banned, over a limit, during an overload. */
  readonly refused: number;
  readonly banned: number;
  readonly overLimit: number;
  readonly overloaded: number;
  /** Connections that were closed: because of a ban, for their own conduct, to shed load. */
  readonly evicted: number;
  readonly misbehaved: number;
  readonly shed: number;
  /** Connections without an accepted share that were closed because others found no room. */
  readonly idle: number;
  /** Workers that were expelled from a connection, or refused on one, for their conduct. */
  readonly expelled: number;
  /** New connections that had to wait because of what their address did. */
  readonly slowed: number;
  /** Connections that were closed: for a failed handshake, a line over the cap, not reading, and for silence. */
  readonly badHandshakes: number;
  readonly overlong: number;
  readonly slowReaders: number;
  /** Connections that had the most of what waits in memory, and were closed because that was too much in all. */
  readonly overMemory: number;
  readonly timeouts: number;
  /** Clients that came back and went on where they were. */
  readonly resumed: number;
  /** Sessions without an accepted share that were closed because no extranonce was free for others. */
  readonly takenBack: number;
  /** Names that may not mine here. */
  readonly refusedWorkers: number;
  readonly difficultyChanges: number;
  /** Shares that could be credited as blocks alone, of those below the pool's least difficulty who sent too many. */
  readonly shedShares: number;
  /** Jobs sent to devices that are known to take no coinbase of that length. */
  readonly oversizedCoinbases: number;
  /** Messages that were no valid request. */
  readonly protocolErrors: Readonly<Record<'unparsable' | 'invalid-request' | 'unknown-method' | 'bad-params', number>>;
}

export interface JobStatus {
  readonly id: string;
  readonly height: number;
  readonly networkDifficulty: number;
  /** Without the coinbase. */
  readonly transactions: number;
  readonly ageSeconds: number;
}
