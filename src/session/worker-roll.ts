import type { JudgedShare, Worker } from '../domain/share.ts';
import { limits } from '../limits.ts';
import type { SessionCounters } from './context.ts';
import { WorkerTally } from './worker-tally.ts';

/** Those who mine over one connection, each with counts of its own. Bounded, for a connection and for all together. */
export class WorkerRoll {
  readonly #counters: Pick<SessionCounters, 'authorizedWorkers'>;
  readonly #tallies = new Map<string, WorkerTally>();

  constructor(counters: Pick<SessionCounters, 'authorizedWorkers'>) {
    this.#counters = counters;
  }

  /** By name. */
  get tallies(): ReadonlyMap<string, WorkerTally> {
    return this.#tallies;
  }

  /** Whether a name is there already or may still be added. */
  takes(name: string): boolean {
    if (this.#tallies.has(name)) return true;
    return (
      this.#tallies.size < limits.workersPerSessionMax && this.#counters.authorizedWorkers < limits.workersPerGatewayMax
    );
  }

  /** Who is there already stays as it is. */
  add(worker: Worker): void {
    if (this.#tallies.has(worker.name)) return;
    this.#tallies.set(worker.name, new WorkerTally(worker));
    this.#counters.authorizedWorkers += 1;
  }

  /** What became of a share, whoever it was of. */
  count(share: JudgedShare): void {
    if (share.worker instanceof WorkerTally) share.worker.count(share);
  }
}
