import type { RejectReason } from './verdict.ts';

/**
 * Counts of the connected miners. They begin when an address or worker connects to a gateway without having a connection there, and are
 * deleted with its last connection. The tables have the history.
 */

/** Hashes per second, estimated from the difficulty of accepted shares; each as steady as a window of that length. */
export interface Hashrates {
  readonly minute: number;
  readonly tenMinutes: number;
  readonly hour: number;
}

/** One name of a miner, over all connections that authorised it. */
export interface WorkerReport {
  /** What follows the address in the name; may be empty. */
  readonly rig: string;
  /** Connections on which it is authorised; a connection that authorises both `account.rig` and `account_rig` counts twice. */
  readonly connections: number;
  /** Pool clock, ms. */
  readonly sinceMs: number;
  /** Undefined before the first share. */
  readonly lastShareMs: number | undefined;
  readonly acceptedShares: number;
  readonly rejectedShares: number;
  /** Sum over the accepted shares. */
  readonly acceptedDifficulty: number;
  readonly hashrate: Hashrates;
}

/** A miner: an address with everything that mines for it. */
export interface MinerReport {
  readonly account: string;
  /** Names authorised on open connections; a name on two connections counts twice. */
  readonly workers: number;
  readonly sinceMs: number;
  readonly lastShareMs: number | undefined;
  readonly acceptedShares: number;
  readonly rejectedShares: Readonly<Record<RejectReason, number>>;
  readonly acceptedDifficulty: number;
  readonly hashrate: Hashrates;
}

export interface MinerQuery {
  /** As it is paid, in its one spelling. */
  readonly account: string;
  /** Workers come in the order of their rigs' UTF-16 units, from the first after this one; undefined: from the start. */
  readonly after: string | undefined;
  /** Workers that are wanted at most. */
  readonly workersMax: number;
}

export interface MinerView {
  readonly miner: MinerReport;
  readonly workers: readonly WorkerReport[];
}
