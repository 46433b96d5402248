import { hostOf } from '#base/domain/ip';
import type { JudgedShare, Worker } from '#base/domain/share';
import { limits } from '#base/limits';
import type { SessionContext } from '../context.ts';
import { ActiveWorkers, type Marked } from '../work/active-workers.ts';
import type { WorkerTally } from './worker-tally.ts';

/** A worker of this connection; its tally is the one of all connections that it mines over. */
class RollEntry implements Worker, Marked {
  readonly name: string;
  readonly account: string;
  readonly rig: string;
  readonly tally: WorkerTally;
  activeIn = -1;

  constructor({ name, account, rig }: Worker, tally: WorkerTally) {
    this.name = name;
    this.account = account;
    this.rig = rig;
    this.tally = tally;
  }
}

type Books = Pick<SessionContext, 'counters' | 'miners' | 'workerCounts'>;

/** The workers of one connection. Their number is limited per connection, per host and in total. */
export class WorkerRoll {
  readonly #context: Books;
  readonly #remoteIp: string;
  readonly #entries = new Map<string, RollEntry>();
  #knownHost: string | undefined;
  /** Those with accepted shares lately. */
  readonly active: ActiveWorkers;

  /** `sharesPerMinute`: what one worker is expected to find. */
  constructor(remoteIp: string, sharesPerMinute: number, context: Books) {
    this.active = new ActiveWorkers(sharesPerMinute);
    this.#remoteIp = remoteIp;
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
    // The first worker of a connection is always accepted, so no client can keep miners out; connections have limits of their own.
    if (this.#entries.size === 0 || this.#entries.has(name)) return true;
    const { counters, workerCounts } = this.#context;
    return (
      this.#entries.size < limits.workersPerSessionMax &&
      counters.authorizedWorkers < limits.workersPerGatewayMax &&
      workerCounts.affords(this.#host)
    );
  }

  /** A worker that is on the roll already is not changed. */
  add(worker: Worker): void {
    if (this.#entries.has(worker.name)) return;
    this.#entries.set(worker.name, new RollEntry(worker, this.#context.miners.enter(worker)));
    this.#context.counters.authorizedWorkers += 1;
    this.#context.workerCounts.add(this.#host, 1);
  }

  /** Forgets a worker; does nothing if there is none of this name. */
  remove(name: string): void {
    const entry = this.#entries.get(name);
    if (entry === undefined) return;
    this.#entries.delete(name);
    this.active.gone(entry);
    this.#context.miners.leave(entry.tally);
    this.#context.counters.authorizedWorkers -= 1;
    this.#context.workerCounts.add(this.#host, -1);
  }

  get #host(): string {
    this.#knownHost ??= hostOf(this.#remoteIp);
    return this.#knownHost;
  }

  /** Counts the verdict on a share of any worker. */
  count(share: JudgedShare): void {
    const { verdict } = share;
    const { worker } = share.submission;
    if (!(worker instanceof RollEntry)) return;
    worker.tally.count(share);
    // A worker that was expelled meanwhile is not counted again.
    if (verdict === 'accepted' && this.#entries.get(worker.name) === worker) this.active.worked(worker);
  }

  /** The connection is gone. */
  dismiss(): void {
    for (const { tally } of this.#entries.values()) this.#context.miners.leave(tally);
    this.#context.counters.authorizedWorkers -= this.#entries.size;
    if (this.#entries.size > 0) this.#context.workerCounts.add(this.#host, -this.#entries.size);
  }
}
