import type { JudgedShare, Worker } from '../domain/share.ts';
import { limits } from '../limits.ts';
import type { SessionContext } from './context.ts';
import type { WorkerTally } from './worker-tally.ts';

/** A worker of this connection; its tally is the one of all connections that it mines over. */
class RollEntry implements Worker {
  readonly name: string;
  readonly account: string;
  readonly rig: string;
  readonly tally: WorkerTally;

  constructor({ name, account, rig }: Worker, tally: WorkerTally) {
    this.name = name;
    this.account = account;
    this.rig = rig;
    this.tally = tally;
  }
}

/** Those who mine over one connection. Bounded, for a connection and for all together. */
export class WorkerRoll {
  readonly #context: Pick<SessionContext, 'counters' | 'miners'>;
  readonly #entries = new Map<string, RollEntry>();

  constructor(context: Pick<SessionContext, 'counters' | 'miners'>) {
    this.#context = context;
  }

  get size(): number {
    return this.#entries.size;
  }

  find(name: string): Worker | undefined {
    return this.#entries.get(name);
  }

  /** Whether a name is there already or may still be added. */
  takes(name: string): boolean {
    if (this.#entries.has(name)) return true;
    const { authorizedWorkers } = this.#context.counters;
    return this.#entries.size < limits.workersPerSessionMax && authorizedWorkers < limits.workersPerGatewayMax;
  }

  /** Who is there already stays as it is. */
  add(worker: Worker): void {
    if (this.#entries.has(worker.name)) return;
    this.#entries.set(worker.name, new RollEntry(worker, this.#context.miners.enter(worker)));
    this.#context.counters.authorizedWorkers += 1;
  }

  /** What became of a share, whoever it was of. */
  count(share: JudgedShare): void {
    if (share.worker instanceof RollEntry) share.worker.tally.count(share);
  }

  /** The connection is gone. */
  dismiss(): void {
    for (const { tally } of this.#entries.values()) this.#context.miners.leave(tally);
    this.#context.counters.authorizedWorkers -= this.#entries.size;
  }
}
