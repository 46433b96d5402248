import type { Clock } from '#base/domain/ports';
import type { JudgedShare } from '#base/domain/share';
import type { Verdict } from '#base/domain/verdict';
import type { Bans } from './bans.ts';
import type { Misconduct, Offence } from './conduct.ts';
import { dismissals, misconducts } from './dismissals.ts';
import type { Peer, Visit } from './visit.ts';

/** Points at which something comes of them. */
export interface ConductLimits {
  /** Of a connection or a worker, which is shown out; of an address with nobody innocent, which is banned. */
  readonly ban: number;
  /** Of an address with somebody innocent who has no accepted shares: it is banned. */
  readonly presentBan: number;
  /** Of a connection or a worker at an address that has earned `ban`: it is shown out. */
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
 * What comes of misconduct. It is the worker's first, then the connection's, and the address's last: an address is banned only if
 * nobody innocent is there.
 */
export class Judge {
  readonly #options: JudgeOptions;
  readonly #modules: JudgeModules;
  #open = true;

  constructor(options: JudgeOptions, modules: JudgeModules) {
    this.#options = options;
    this.#modules = modules;
  }

  /** The pool closes: what ends from now on is nobody's fault. */
  close(): void {
    this.#open = false;
  }

  /** True if the address has earned so many points that its connections are allowed fewer. */
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

  /** A bad share whose connection has gone counts for its address. Points end with a ban, so it counts nothing during one. */
  badLateShare(peer: Peer, address: string, verdict: Verdict): void {
    if (this.#modules.bans.refuses(address)) return;
    if (peer.conduct.judge(verdict)) this.#consider(peer, undefined, 'shares', false);
  }

  badShare(visit: Visit, { submission, verdict }: JudgedShare): void {
    // What was under way when the connection was shown out.
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

  /** Keeps workers out for a while. If others on their connection work, they are expelled from it, and it goes on. */
  #blame(visit: Visit, names: readonly string[]): void {
    const { clock, bans, counters } = this.#modules;
    if (!this.#open || !this.#options.enabled || bans.allows(visit.address)) return;
    const goesOn = visit.worksWithout(names);
    for (const name of names) {
      if (goesOn) {
        visit.expel(name);
        counters.expelled += 1;
      }
      // Under one name there may be several devices; those that work may come back.
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

  /** Whether an address is to be banned for what it did before logins, or else for what it did after them. */
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
