import type { MinerQuery, MinerView } from '#base/domain/miner';
import type { Clock } from '#base/domain/ports';
import type { Worker } from '#base/domain/share';
import { MinerTally } from './miner-tally.ts';
import { WorkerTally } from './worker-tally.ts';

/**
 * The connected miners of this gateway, by address and by worker. A worker has one tally for all of its connections, so its counts
 * go on if it reconnects before its old connection is closed. The size is limited by the names on open connections
 * (worker-roll.ts); tallies of disconnected workers are deleted.
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
