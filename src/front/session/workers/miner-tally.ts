import type { MinerReport, WorkerReport } from '#base/domain/miner';
import type { JudgedShare } from '#base/domain/share';
import { type RejectReason, rejectReasons } from '#base/domain/verdict';
import { WorkRate } from '#base/telemetry/work-rate';
import { SortedNames } from './sorted-names.ts';
import type { ShareCounter, WorkerTally } from './worker-tally.ts';

/** An address with connected workers on this gateway, and the workers' counts since the first of them connected. */
export class MinerTally implements ShareCounter {
  readonly account: string;
  /** By rig, whose names stand in order as well. */
  readonly #workers = new Map<string, WorkerTally>();
  readonly #rigs = new SortedNames();
  /** Names authorised on open connections; a name on two connections counts twice. */
  authorized = 0;
  readonly #sinceMs: number;
  readonly #rate: WorkRate;
  readonly #rejected = Object.fromEntries(rejectReasons.map((reason) => [reason, 0])) as Record<RejectReason, number>;
  #accepted = 0;
  #acceptedDifficulty = 0;
  #lastShareMs: number | undefined;

  constructor(account: string, nowMs: number) {
    this.account = account;
    this.#sinceMs = nowMs;
    this.#rate = new WorkRate(nowMs);
  }

  worker(rig: string): WorkerTally | undefined {
    return this.#workers.get(rig);
  }

  add(worker: WorkerTally): void {
    this.#workers.set(worker.rig, worker);
    this.#rigs.add(worker.rig);
  }

  remove({ rig }: WorkerTally): void {
    this.#workers.delete(rig);
    this.#rigs.delete(rig);
  }

  /** The first `max` workers after a name, in the order of their names. */
  workersAfter(after: string | undefined, max: number, nowMs: number): WorkerReport[] {
    return this.#rigs.after(after, max).flatMap((rig) => this.#workers.get(rig)?.report(nowMs) ?? []);
  }

  count({ verdict, terms, receivedMs }: JudgedShare): void {
    this.#lastShareMs = receivedMs;
    if (verdict !== 'accepted') {
      this.#rejected[verdict] += 1;
      return;
    }
    const difficulty = terms?.difficulty ?? 0;
    this.#accepted += 1;
    this.#acceptedDifficulty += difficulty;
    this.#rate.add(difficulty, receivedMs);
  }

  report(nowMs: number): MinerReport {
    return {
      account: this.account,
      workers: this.authorized,
      sinceMs: this.#sinceMs,
      lastShareMs: this.#lastShareMs,
      acceptedShares: this.#accepted,
      rejectedShares: { ...this.#rejected },
      acceptedDifficulty: this.#acceptedDifficulty,
      hashrate: this.#rate.hashrates(nowMs),
    };
  }
}
