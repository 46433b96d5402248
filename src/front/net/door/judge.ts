import type { Clock } from '#base/domain/ports';
import type { JudgedShare } from '#base/domain/share';
import type { Verdict } from '#base/domain/verdict';
import type { Bans } from './bans.ts';
import type { Misconduct, Offence } from './conduct.ts';
import { dismissals, misconducts } from './dismissals.ts';
import type { Peer, Visit } from './visit.ts';

/** Thresholds of points. */
export interface ConductLimits {
  /** At this many, a connection is closed, a worker expelled, or an address without innocent connections banned. */
  readonly ban: number;
  /** At this many, an address with innocent connections is banned, if none of them has accepted shares. */
  readonly presentBan: number;
  /** At this many, a connection is closed or a worker expelled if their address has earned `ban` points. */
  readonly probation: number;
}

/** The bans as a door needs them. */
export type BanBook = Pick<Bans, 'refuses' | 'allows' | 'punish'>;

export interface JudgeOptions {
  /** Whether conduct has consequences. */
  readonly enabled: boolean;
  readonly points: ConductLimits;
}

export interface JudgeModules {
  readonly clock: Clock;
  readonly bans: BanBook;
  readonly counters: {
    /** Connections closed for their own conduct. */
    misbehaved: number;
    /** Workers expelled from a connection, or refused on one. */
    expelled: number;
  };
}

/**
 * Applies the consequences of misconduct: first to the worker, then to the connection, last to the address. An address is banned
 * only if it has no innocent connection.
 */
export class Judge {
  readonly #options: JudgeOptions;
  readonly #modules: JudgeModules;
  #open = true;

  constructor(options: JudgeOptions, modules: JudgeModules) {
    this.#options = options;
    this.#modules = modules;
  }

  /** The pool closes: connections that end from now on earn no points. */
  close(): void {
    this.#open = false;
  }

  /** True if the address has so many points that its connections are closed at a lower threshold. */
  onProbation({ conduct, standing }: Peer): boolean {
    return this.#options.enabled && conduct.points + standing.knocks.points >= this.#options.points.ban;
  }

  /** A worker has logged in; false if it is kept out. */
  admits({ address, peer }: Visit, name: string): boolean {
    const { clock, bans, counters } = this.#modules;
    if (!peer.standing.keepsOut(name, clock.monotonicMs()) || bans.allows(address)) return true;
    counters.expelled += 1;
    return false;
  }

  offended(visit: Visit, offence: Offence): void {
    const { peer } = visit;
    const knocks = visit.name === undefined;
    if (knocks) {
      visit.conduct.knock(offence);
      peer.standing.knocks.knock(offence);
    } else {
      visit.conduct.offend(offence);
      peer.conduct.offend(offence);
    }
    this.#consider(peer, visit, offence, knocks);
  }

  /** A bad share of a closed connection counts for its address. A ban deletes the points, so the share counts nothing during a ban. */
  badLateShare(peer: Peer, address: string, verdict: Verdict): void {
    if (this.#modules.bans.refuses(address)) return;
    if (peer.conduct.judge(verdict)) this.#consider(peer, undefined, 'shares', false);
  }

  badShare(visit: Visit, { submission, verdict }: JudgedShare): void {
    // A share that was being judged when the connection was closed.
    if (visit.dismissed) return;
    const { peer } = visit;
    const { worker, workerName } = submission;
    const keptOut = verdict === 'unauthorized' && peer.standing.keepsOut(workerName, this.#modules.clock.monotonicMs());
    visit.conduct.judge(verdict, keptOut);
    if (!peer.conduct.judge(verdict, keptOut)) return;
    const watched = worker && visit.watch(worker.name);
    watched?.judge(verdict);
    const pointsMax = this.#pointsMax(peer);
    if (visit.conduct.condemned(pointsMax)) this.#blame(visit, visit.suspects);
    else if (worker !== undefined && watched?.condemned(pointsMax) === true) {
      this.#blame(visit, [worker.name]);
    }
    this.#consider(peer, visit, 'shares', false);
  }

  #pointsMax(peer: Peer): number {
    const { points } = this.#options;
    return this.onProbation(peer) ? points.probation : points.ban;
  }

  /** Refuses logins of these workers for a while. If other workers on the connection work, only these workers are expelled from it. */
  #blame(visit: Visit, names: readonly string[]): void {
    const { clock, bans, counters } = this.#modules;
    if (!this.#open || !this.#options.enabled || bans.allows(visit.address)) return;
    const goesOn = visit.worksWithout(names);
    for (const name of names) {
      if (goesOn) {
        visit.expel(name);
        counters.expelled += 1;
      }
      // Several devices may share a name; those that work may log in again.
      if (!isInnocentElsewhere(visit, name)) visit.peer.standing.keepOut(name, clock.monotonicMs());
    }
  }

  #consider(peer: Peer, visit: Visit | undefined, misconduct: Misconduct, knocks: boolean): void {
    const { enabled } = this.#options;
    if (!this.#open || !enabled) return;
    const address = visit?.address ?? peer.host.replace(/\/.*/, '');
    const { bans, counters } = this.#modules;
    const condemned = visit !== undefined && !visit.dismissed && visit.conduct.condemned(this.#pointsMax(peer));
    if (this.#bans(peer, visit, condemned, knocks)) {
      bans.punish(address, misconducts[misconduct], knocks);
    } else if (condemned && !bans.allows(address)) {
      counters.misbehaved += 1;
      visit.dismiss(dismissals.conduct(misconduct));
    }
  }

  /** Whether to ban an address, for its conduct before logins (`knocks`) or after them. */
  #bans(peer: Peer, visit: Visit | undefined, fresh: boolean, knocks: boolean): boolean {
    const { ban, presentBan } = this.#options.points;
    const conduct = knocks ? peer.standing.knocks : peer.conduct;
    if (!conduct.condemned(ban)) return false;
    const except = visit?.conduct.working === true ? undefined : visit;
    const presence = peer.standing.presence(peer.visits, except, this.#modules.clock.monotonicMs(), fresh);
    if (presence === 'none') return true;
    return presence === 'present' && !knocks && conduct.points >= presentBan;
  }
}

/** Whether another connection of the address that has done nothing wrong logged in with this name. */
function isInnocentElsewhere(visit: Visit, name: string): boolean {
  for (const other of visit.peer.visits) {
    if (other !== visit && other.name === name && other.innocent) return true;
  }
  return false;
}
