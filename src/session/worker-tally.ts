import type { JudgedShare, Worker } from '../domain/share.ts';

/** A worker of one connection, with what it has done there. */
export class WorkerTally implements Worker {
  readonly name: string;
  readonly account: string;
  readonly rig: string;
  acceptedShares = 0;
  rejectedShares = 0;
  /** Sum of the difficulties of its accepted shares. */
  acceptedDifficulty = 0;
  /** Wall clock of its last share, ms; undefined before the first. */
  lastShareMs: number | undefined;

  constructor({ name, account, rig }: Worker) {
    this.name = name;
    this.account = account;
    this.rig = rig;
  }

  count({ verdict, terms, receivedMs }: JudgedShare): void {
    this.lastShareMs = receivedMs;
    if (verdict !== 'accepted') this.rejectedShares += 1;
    else {
      this.acceptedShares += 1;
      this.acceptedDifficulty += terms?.difficulty ?? 0;
    }
  }
}
