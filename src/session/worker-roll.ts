import type { JudgedShare, Worker } from '../domain/share.ts';
import { limits } from '../limits.ts';
import type { SessionContext } from './context.ts';
import { WorkerTally } from './worker-tally.ts';

/** Those who mine over one connection. Bounded, for a connection and for all together. */
export class WorkerRoll {
  readonly #context: Pick<SessionContext, 'counters' | 'miners'>;
  readonly #tallies = new Map<string, WorkerTally>();

  constructor(context: Pick<SessionContext, 'counters' | 'miners'>) {
    this.#context = context;
  }

  /** By name. */
  get tallies(): ReadonlyMap<string, WorkerTally> {
    return this.#tallies;
  }

  /** Whether a name is there already or may still be added. */
  takes(name: string): boolean {
    if (this.#tallies.has(name)) return true;
    const { authorizedWorkers } = this.#context.counters;
    return this.#tallies.size < limits.workersPerSessionMax && authorizedWorkers < limits.workersPerGatewayMax;
  }

  /** Who is there already stays as it is. */
  add(worker: Worker): void {
    if (this.#tallies.has(worker.name)) return;
    this.#tallies.set(worker.name, this.#context.miners.enter(worker));
    this.#context.counters.authorizedWorkers += 1;
  }

  /** What became of a share, whoever it was of. */
  count(share: JudgedShare): void {
    if (share.worker instanceof WorkerTally) share.worker.count(share);
  }
}
