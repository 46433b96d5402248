import type { Hashrates, MinerView, WorkerReport } from '#base/domain/miner';
import { addCounts } from '#base/std/add-counts';

/**
 * A miner as several gateways see it, as one; undefined if none knows it. Each gateway gives the first `workersMax` of
 * its workers in order, so the first `workersMax` of all are among them, each with all its parts.
 */
export function mergeViews(views: readonly MinerView[], workersMax: number): MinerView | undefined {
  const [first, ...more] = views;
  if (first === undefined) return undefined;
  const workers = new Map<string, WorkerReport>();
  for (const worker of views.flatMap((view) => view.workers)) {
    const known = workers.get(worker.rig);
    workers.set(worker.rig, known ? addWorkers(known, worker) : worker);
  }
  const rigs = [...workers.keys()].sort().slice(0, workersMax);
  return {
    miner: more.reduce(
      (all, { miner }) => ({
        ...times(all, miner),
        account: all.account,
        workers: all.workers + miner.workers,
        acceptedShares: all.acceptedShares + miner.acceptedShares,
        rejectedShares: addCounts(all.rejectedShares, miner.rejectedShares),
      }),
      first.miner,
    ),
    workers: rigs.flatMap((rig) => workers.get(rig) ?? []),
  };
}

function addWorkers(a: WorkerReport, b: WorkerReport): WorkerReport {
  return {
    ...times(a, b),
    rig: a.rig,
    connections: a.connections + b.connections,
    acceptedShares: a.acceptedShares + b.acceptedShares,
    rejectedShares: a.rejectedShares + b.rejectedShares,
  };
}

interface Timed {
  readonly sinceMs: number;
  readonly lastShareMs: number | undefined;
  readonly acceptedDifficulty: number;
  readonly hashrate: Hashrates;
}

/** What both kinds of report have, beside what they count. */
function times(a: Timed, b: Timed): Timed {
  return {
    sinceMs: Math.min(a.sinceMs, b.sinceMs),
    lastShareMs:
      a.lastShareMs === undefined || b.lastShareMs === undefined
        ? (a.lastShareMs ?? b.lastShareMs)
        : Math.max(a.lastShareMs, b.lastShareMs),
    acceptedDifficulty: a.acceptedDifficulty + b.acceptedDifficulty,
    hashrate: addCounts(a.hashrate, b.hashrate),
  };
}
