import { hostOf, type IpRange, inAnyRange, inRange, parseIp, parseRange } from '../domain/ip.ts';
import type { Ban, Clock, Logger, Wire } from '../domain/ports.ts';
import type { JudgedShare } from '../domain/share.ts';
import { type Rate, TokenBucket } from '../domain/token-bucket.ts';
import { Admission, type AdmissionLimits } from './admission.ts';
import type { Bans } from './bans.ts';
import { Conduct, fadeFactor, type Misconduct, type Offence } from './conduct.ts';
import type { Neighbours } from './neighbours.ts';
import { Overload } from './overload.ts';
import { type Peer, Traffic, type TrafficLimits, Visit, type VisitModules, type Visitor } from './visit.ts';

export interface DoorOptions {
  readonly admission: AdmissionLimits;
  readonly traffic: TrafficLimits;
  /** What an address may receive, in the traffic of one connection. */
  readonly addressShareFactor: number;
  /** Names that an address may have looked up. */
  readonly lookUps: Rate;
  /** Addresses without limits, except on all connections together. */
  readonly exempt: readonly IpRange[];
  /** Whether conduct has consequences. */
  readonly bansEnabled: boolean;
  readonly banPoints: number;
  readonly overloadLagMsMax: number;
  readonly shedSessionsMax: number;
  readonly shedLinesPerSecondMin: number;
  /** Addresses remembered for their conduct. */
  readonly peersMax: number;
}

/** The bans as a door needs them. */
export type BanBook = Pick<Bans, 'refuses' | 'allows' | 'punish'>;

export interface DoorModules {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly bans: BanBook;
  /** Other gateways of the same pool, whose connections count as well. */
  readonly neighbours?: Neighbours | undefined;
}

/** Why connections were not let in, or were shown out; since the start. */
export interface DoorCounters {
  /** Not let in. */
  banned: number;
  limited: number;
  overloaded: number;
  /** Closed: because the address was banned, because of the session's own conduct, because of an overload. */
  evicted: number;
  misbehaved: number;
  shed: number;
}

/** Between two calls of `tick`. */
export const DOOR_TICK_MS = 500;
const FADE_MS = 10_000;

/**
 * Who comes in, and who is shown out. Counts connections and traffic by address, holds conduct against it, and sheds
 * load when the event loop can not keep up. One for all listeners of a process.
 */
export class Door {
  readonly #options: DoorOptions;
  readonly #modules: DoorModules;
  readonly #admission: Admission;
  readonly #overload: Overload;
  readonly #peers = new Map<string, Peer>();
  /** Sessions by what the share path knows of them. */
  readonly #submitters = new Map<object, Visit>();
  readonly #wires = new WeakMap<Wire, Visit>();
  readonly #visitModules: VisitModules;
  #tickedMs: number;
  #fadedMs: number;
  #open = true;
  /** Bans since the last line of log, and the first of them. */
  #bans = 0;
  #firstBan: Ban | undefined;
  readonly counters: DoorCounters = { banned: 0, limited: 0, overloaded: 0, evicted: 0, misbehaved: 0, shed: 0 };

  constructor(options: DoorOptions, modules: DoorModules) {
    const { clock, neighbours } = modules;
    this.#options = options;
    this.#modules = modules;
    this.#admission = new Admission(options.admission, { clock, shared: neighbours !== undefined });
    neighbours?.listen((changes) => this.#admission.hear(changes));
    this.#overload = new Overload(options.overloadLagMsMax);
    this.#tickedMs = this.#fadedMs = clock.monotonicMs();
    this.#visitModules = {
      clock,
      offended: (visit, offence) => this.#offended(visit, offence),
      left: (visit) => this.#left(visit),
    };
  }

  get overloaded(): boolean {
    return this.#overload.active;
  }

  /** Open connections. */
  get visits(): number {
    return this.#admission.open;
  }

  /** Lets a connection in, or not: then it is to be closed without a word. */
  enter(address: string, visitor: Visitor): Visit | undefined {
    const { bans } = this.#modules;
    if (bans.refuses(address)) {
      this.counters.banned += 1;
      return undefined;
    }
    const exempt = this.#exempt(address);
    if (this.#overload.active && !exempt) {
      this.counters.overloaded += 1;
      return undefined;
    }
    if (this.#admission.enter(address, exempt) !== undefined) {
      this.counters.limited += 1;
      return undefined;
    }
    const peer = this.#peer(hostOf(address), exempt);
    const visit = new Visit(address, peer, this.#options.traffic, visitor, this.#visitModules);
    peer.visits.add(visit);
    return visit;
  }

  /** The wire that carries a visit. */
  carry(wire: Wire, visit: Visit): void {
    this.#wires.set(wire, visit);
  }

  /** The session that a wire serves: its shares are that visit's. */
  bind(submitter: object, wire: Wire): void {
    const visit = this.#wires.get(wire);
    if (visit !== undefined) this.#submitters.set(submitter, visit);
  }

  /** The wire is gone. */
  release(submitter: object): void {
    this.#submitters.delete(submitter);
  }

  /** Takes a verdict. On the share path, so it costs two look-ups. */
  observe({ submitter, verdict }: JudgedShare): void {
    const visit = this.#submitters.get(submitter);
    visit?.submitted(verdict === 'accepted');
    // A connection that is gone leaves its shares to its address.
    const peer = visit?.peer ?? this.#peers.get(hostOf(submitter.remoteIp));
    if (peer === undefined) return;
    visit?.conduct.judge(verdict);
    if (peer.conduct.judge(verdict)) this.#consider(peer, visit, 'shares');
  }

  /** Shows out everybody whom a ban is about. */
  evict(ban: Ban): void {
    this.#bans += 1;
    this.#firstBan ??= ban;
    const exact = this.#peers.get(ban.address);
    const range = exact === undefined ? parseRange(ban.address) : undefined;
    const peers = exact === undefined ? this.#peers.values() : [exact];
    for (const { visits } of peers) {
      for (const visit of visits) {
        if (range !== undefined && !inRange(range, parseIp(visit.address) ?? new Uint8Array())) continue;
        if (this.#modules.bans.allows(visit.address)) continue;
        this.counters.evicted += 1;
        visit.visitor.close();
      }
    }
  }

  /** Tells the neighbours who came and went: to be called every TELL_MS where there are any. */
  tell(): void {
    const news = this.#admission.news();
    if (news.length > 0) this.#modules.neighbours?.tell(news);
  }

  /** Time passes: to be called every DOOR_TICK_MS. How late the call is tells how busy the event loop is. */
  tick(): void {
    const nowMs = this.#modules.clock.monotonicMs();
    const passedMs = nowMs - this.#tickedMs;
    this.#tickedMs = nowMs;
    this.#overload.sample(passedMs - DOOR_TICK_MS);
    this.#shed(passedMs);
    this.#report();
    if (nowMs - this.#fadedMs < FADE_MS) return;
    const factor = fadeFactor(nowMs - this.#fadedMs);
    for (const [host, { conduct, visits }] of this.#peers) {
      conduct.fade(factor);
      for (const visit of visits) visit.conduct.fade(factor);
      if (visits.size === 0 && conduct.forgotten) this.#peers.delete(host);
    }
    this.#fadedMs = nowMs;
    this.#admission.sweep();
  }

  /** The pool closes: what ends now is nobody's fault. */
  close(): void {
    this.#open = false;
  }

  #exempt(address: string): boolean {
    return inAnyRange(this.#options.exempt, address) || this.#modules.bans.allows(address);
  }

  #peer(host: string, exempt: boolean): Peer {
    let peer = this.#peers.get(host);
    if (peer === undefined) {
      const { traffic, addressShareFactor, lookUps } = this.#options;
      const nowMs = this.#modules.clock.monotonicMs();
      const limits = { lines: times(traffic.lines), bytes: times(traffic.bytes), submits: times(traffic.submits) };
      function times({ perSecond, burst }: Rate): Rate {
        return { perSecond: perSecond * addressShareFactor, burst: burst * addressShareFactor };
      }
      peer = {
        host,
        visits: new Set(),
        conduct: new Conduct(),
        traffic: exempt ? undefined : new Traffic(limits, nowMs),
        lookUps: exempt ? undefined : new TokenBucket(lookUps, nowMs),
      };
      this.#peers.set(host, peer);
    }
    return peer;
  }

  #offended(visit: Visit, offence: Offence): void {
    visit.conduct.offend(offence);
    visit.peer.conduct.offend(offence);
    this.#consider(visit.peer, visit, offence);
  }

  /** An address is banned for what it did as a whole; among honest ones behind it, a session goes alone. */
  #consider(peer: Peer, visit: Visit | undefined, misconduct: Misconduct): void {
    const { banPoints, bansEnabled } = this.#options;
    if (!this.#open || !bansEnabled) return;
    if (peer.conduct.condemned(banPoints)) {
      this.#modules.bans.punish(visit?.address ?? peer.host.replace(/\/.*/, ''), reasons[misconduct]);
    } else if (visit?.conduct.condemned(banPoints) === true && !this.#modules.bans.allows(visit.address)) {
      this.counters.misbehaved += 1;
      visit.visitor.close();
    }
  }

  #left(visit: Visit): void {
    const { peer } = visit;
    this.#admission.leave(visit.address);
    peer.visits.delete(visit);
    if (peer.visits.size > 0) return;
    if (peer.conduct.forgotten || this.#peers.size > this.#options.peersMax) this.#peers.delete(peer.host);
  }

  /** Closes the noisiest sessions while there is an overload: those whose lines came to no accepted share. */
  #shed(passedMs: number): void {
    const { shedSessionsMax, shedLinesPerSecondMin } = this.#options;
    const noiseMin = (shedLinesPerSecondMin * passedMs) / 1000;
    const noisy: Visit[] = [];
    for (const { visits } of this.#peers.values()) {
      for (const visit of visits) {
        if (this.#overload.active && !visit.exempt && visit.noise > noiseMin) noisy.push(visit);
        else visit.noise = 0;
      }
    }
    noisy.sort((a, b) => b.noise - a.noise);
    for (const visit of noisy.slice(0, shedSessionsMax)) visit.visitor.close();
    for (const visit of noisy) visit.noise = 0;
    this.counters.shed += Math.min(noisy.length, shedSessionsMax);
  }

  /** One line of log for all bans since the last, however many they are. */
  #report(): void {
    const ban = this.#firstBan;
    if (ban === undefined) return;
    const { address, reason, times, untilMs } = ban;
    const until = new Date(untilMs).toISOString();
    this.#modules.logger.warn({ address, reason, times, until, bans: this.#bans }, 'banned');
    this.#bans = 0;
    this.#firstBan = undefined;
  }
}

/** In words, for operators. */
const reasons: Readonly<Record<Misconduct, string>> = {
  shares: 'bad shares',
  junk: 'lines that are no message',
  overlong: 'overlong lines',
  'bad-handshake': 'failed handshakes',
  silent: 'silent connections',
  empty: 'empty connections',
  cut: 'cut logins',
  'slow-reader': 'does not read',
  'bad-login': 'wrong names or passwords',
};
