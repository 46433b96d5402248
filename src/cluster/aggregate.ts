import type { MinerQuery, MinerView } from '#base/domain/miner';
import type { GatewayTally, Metrics } from '#base/telemetry/metrics';
import { addStatus, countersOf, type GatewayStatus, NO_STATUS } from '#gateway/status';
import type { ShareLogStatus } from '#shares/sharelog/share-log';
import { mergeViews } from './merge-views.ts';
import type { FromGateway } from './messages.ts';
import { MinerQuestions } from './miner-questions.ts';
import type { Member } from './supervisor.ts';

export interface AggregateModules {
  readonly metrics: Metrics;
  /** The gateways that have started. */
  readonly members: () => readonly Member[];
  /** Difficulty of the shares accepted since the last call. */
  readonly worked: (difficulty: number) => void;
}

type Report = Extract<FromGateway, { type: 'report' }>;

const NO_CONNECTIONS: GatewayTally['open'] = { tcp: 0, tls: 0, websocket: 0 };

/** The sum of all gateways' reports, including those of ended gateways. Each gateway reports once a second. */
export class Aggregate {
  readonly #modules: AggregateModules;
  readonly #questions = new MinerQuestions();
  /** The last report of each running gateway. */
  readonly #reports = new Map<Member, Report>();
  /** The last report of each ended gateway, if any, for a report that arrives after its end. */
  readonly #left = new WeakMap<Member, GatewayTally | undefined>();
  /** Counters of ended gateways. */
  #retired = NO_STATUS;

  constructor(modules: AggregateModules) {
    this.#modules = modules;
  }

  status(): GatewayStatus {
    return this.#latest().reduce((all, { status }) => addStatus(all, status), this.#retired);
  }

  journals(): ShareLogStatus[] {
    return this.#latest().map(({ journal }) => journal);
  }

  /** What an address's workers have done on all gateways. Rejects if one does not answer. */
  async miner(query: MinerQuery): Promise<MinerView | undefined> {
    const views = await Promise.all(this.#modules.members().map(({ process }) => this.#questions.ask(process, query)));
    return mergeViews(
      views.flatMap((view) => view ?? []),
      query.workersMax,
    );
  }

  heard(member: Member, message: FromGateway): void {
    if (message.type === 'report') this.#report(member, message);
    else if (message.type === 'miner') this.#questions.answered(message.id, message.view);
  }

  /** A gateway ended: its counters stay in the sums, its connections count as closed. */
  left(member: Member): void {
    const last = this.#reports.get(member);
    this.#reports.delete(member);
    const tally = last && { ...last.tally, open: NO_CONNECTIONS };
    this.#left.set(member, tally);
    if (last && tally) {
      this.#modules.metrics.absorb(tally, last.tally);
      this.#retired = addStatus(this.#retired, countersOf(last.status));
    }
    this.#questions.gone(member.process);
  }

  #report(member: Member, report: Report): void {
    const { metrics, worked } = this.#modules;
    const isLate = this.#left.has(member);
    const before = isLate ? this.#left.get(member) : this.#reports.get(member)?.tally;
    const tally = isLate ? { ...report.tally, open: NO_CONNECTIONS } : report.tally;
    metrics.absorb(tally, before);
    worked(tally.acceptedDifficulty - (before?.acceptedDifficulty ?? 0));
    if (isLate) this.#left.set(member, tally);
    else this.#reports.set(member, report);
  }

  /** Of those that have started. */
  #latest(): Report[] {
    return this.#modules.members().flatMap((member) => this.#reports.get(member) ?? []);
  }
}
