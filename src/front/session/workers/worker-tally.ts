import type { WorkerReport } from '#base/domain/miner';
import type { JudgedShare, Worker } from '#base/domain/share';
import { WorkRate } from '#base/telemetry/work-rate';

/** Other counters of a worker's shares. */
export interface ShareCounter {
  count(share: JudgedShare): void;
}

/** A worker's counts over all its connections to this gateway, since it first connected. */
export class WorkerTally implements Worker {
  readonly name: string;
  readonly account: string;
  readonly rig: string;
  /** Those that it is authorised on, once for each spelling of its name. */
  connections = 0;
  acceptedShares = 0;
  rejectedShares = 0;
  /** Sum of the difficulties of its accepted shares. */
  acceptedDifficulty = 0;
  /** Wall clock of its last share, ms; undefined before the first. */
  lastShareMs: number | undefined;
  readonly #miner: ShareCounter;
  readonly #sinceMs: number;
  readonly #rate: WorkRate;

  constructor({ name, account, rig }: Worker, miner: ShareCounter, nowMs: number) {
    this.name = name;
    this.account = account;
    this.rig = rig;
    this.#miner = miner;
    this.#sinceMs = nowMs;
    this.#rate = new WorkRate(nowMs);
  }

  /** Takes a settled share. On the share path. */
  count(share: JudgedShare): void {
    const { verdict, terms, receivedMs } = share;
    this.lastShareMs = receivedMs;
    if (verdict !== 'accepted') this.rejectedShares += 1;
    else {
      const difficulty = terms?.difficulty ?? 0;
      this.acceptedShares += 1;
      this.acceptedDifficulty += difficulty;
      this.#rate.add(difficulty, receivedMs);
    }
    this.#miner.count(share);
  }

  report(nowMs: number): WorkerReport {
    const { rig, connections, lastShareMs, acceptedShares, rejectedShares, acceptedDifficulty } = this;
    const counts = { rig, connections, lastShareMs, acceptedShares, rejectedShares, acceptedDifficulty };
    return { ...counts, sinceMs: this.#sinceMs, hashrate: this.#rate.hashrates(nowMs) };
  }
}
