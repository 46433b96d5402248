import type { MinerQuery, MinerView } from '#base/domain/miner';
import type { Clock } from '#base/domain/ports';
import type { Worker } from '#base/domain/share';
import { MinerTally } from './miner-tally.ts';
import { WorkerTally } from './worker-tally.ts';

/**
 * Everybody who mines on this gateway now, by address and by worker. One worker has one tally, however many connections
 * authorise it, so a worker that comes back before its old connection is noticed to be gone goes on counting. As large as the
 * names on open connections, which are bounded (worker-roll.ts); nothing is kept of who has gone.
 */
export class MinerBook {
  readonly #clock: Clock;
  readonly #miners = new Map<string, MinerTally>();

  constructor({ clock }: { readonly clock: Clock }) {
    this.#clock = clock;
  }

  /** Addresses. */
  get size(): number {
    return this.#miners.size;
  }

  /** A connection has authorised this worker. `leave` must be called for it, once. */
  enter(worker: Worker): WorkerTally {
    const { account, rig } = worker;
    const nowMs = this.#clock.nowMs();
    let miner = this.#miners.get(account);
    if (miner === undefined) {
      miner = new MinerTally(account, nowMs);
      this.#miners.set(account, miner);
    }
    let tally = miner.worker(rig);
    if (tally === undefined) {
      tally = new WorkerTally(worker, miner, nowMs);
      miner.add(tally);
    }
    tally.connections += 1;
    miner.authorized += 1;
    return tally;
  }

  /** The connection is closed. */
  leave(tally: WorkerTally): void {
    const miner = this.#miners.get(tally.account);
    if (miner === undefined) throw new Error('miners: somebody leaves who never came');
    miner.authorized -= 1;
    tally.connections -= 1;
    if (tally.connections === 0) miner.remove(tally);
    if (miner.authorized === 0) this.#miners.delete(tally.account);
  }

  /** Undefined if no connected worker mines for the address. */
  view({ account, after, workersMax }: MinerQuery): MinerView | undefined {
    const miner = this.#miners.get(account);
    if (miner === undefined) return undefined;
    const nowMs = this.#clock.nowMs();
    return { miner: miner.report(nowMs), workers: miner.workersAfter(after, workersMax, nowMs) };
  }
}
