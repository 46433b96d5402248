import { hostOf, type IpRange, inAnyRange, inRange, parseIp, subnetOf } from '#base/domain/ip';
import type { Ban, Clock, Logger } from '#base/domain/ports';
import type { JudgedShare } from '#base/domain/share';
import { type Rate, TokenBucket } from '#base/domain/token-bucket';
import type { Verdict } from '#base/domain/verdict';
import { limits } from '#base/limits';
import { type Counts, newCounts } from '#base/telemetry/counters';
import { Party } from '../listen/turns.ts';
import { Admission, type AdmissionLimits } from './admission.ts';
import { BanReport } from './ban-report.ts';
import { wideRange } from './bans.ts';
import { Conduct, fadeFactor } from './conduct.ts';
import { Crush, WHOLE_POOL } from './crush.ts';
import { dismissals } from './dismissals.ts';
import { type BanBook, Judge, type JudgeOptions } from './judge.ts';
import type { Neighbours } from './neighbours.ts';
import { Overload } from './overload.ts';
import { Standing } from './standing.ts';
import {
  isForgettable,
  type Peer,
  Traffic,
  type TrafficLimits,
  Visit,
  type VisitModules,
  type Visitor,
} from './visit.ts';

export interface DoorOptions {
  readonly admission: AdmissionLimits;
  readonly traffic: TrafficLimits;
  /** The traffic limit of an address, as a multiple of a connection's limit. */
  readonly addressShareFactor: number;
  /** Names that an address may have looked up. */
  readonly lookUps: Rate;
  /** Addresses without limits, except on all connections together. */
  readonly exempt: readonly IpRange[];
  readonly conduct: JudgeOptions;
  readonly overloadLagMsMax: number;
  readonly shedSessionsMax: number;
  readonly shedLinesPerSecondMin: number;
  /** Addresses remembered for their conduct. */
  readonly peersMax: number;
}

export interface DoorModules {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly bans: BanBook;
  /** Other gateways of the same pool, whose connections count as well. */
  readonly neighbours?: Neighbours | undefined;
}

/** Between two calls of `tick`. */
export const DOOR_TICK_MS = 500;
const FADE_MS = 10_000;

/**
 * Decides which connections are accepted and which are closed. Counts connections and traffic by address, bans addresses for
 * misconduct, and sheds load when the event loop can not keep up. All listeners of a process share one door.
 */
export class Door {
  readonly #options: DoorOptions;
  readonly #modules: DoorModules;
  readonly #admission: Admission;
  readonly #overload: Overload;
  readonly #peers = new Map<string, Peer>();
  readonly #visitModules: VisitModules;
  #tickedMs: number;
  #fadedMs: number;
  readonly #crush = new Crush();
  readonly #judge: Judge;
  readonly #report = new BanReport();
  readonly counters: Counts<'door'> = newCounts('door');

  constructor(options: DoorOptions, modules: DoorModules) {
    const { clock, neighbours } = modules;
    this.#options = options;
    this.#modules = modules;
    this.#admission = new Admission(options.admission, { clock, shared: neighbours !== undefined });
    neighbours?.listen((changes) => this.#admission.hear(changes));
    this.#overload = new Overload(options.overloadLagMsMax);
    this.#judge = new Judge(options.conduct, { clock, bans: modules.bans, counters: this.counters });
    this.#tickedMs = this.#fadedMs = clock.monotonicMs();
    this.#visitModules = {
      clock,
      offended: (visit, offence) => this.#judge.offended(visit, offence),
      admits: (visit, name) => this.#judge.admits(visit, name),
      judged: (visit, share) => this.#judged(visit, share),
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

  /** Admits a connection. If it is refused, the caller closes it without a message. */
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
    const refusal = this.#admission.enter(address, exempt);
    if (refusal !== undefined) {
      this.counters.limited += 1;
      if (refusal === 'connections') this.#crush.refused(this.#admission.fullOf(address));
      return undefined;
    }
    const peer = this.#peer(hostOf(address), exempt);
    const slowedMs = this.#judge.onProbation(peer) && !bans.allows(address) ? limits.slowedMs : 0;
    if (slowedMs > 0) this.counters.slowed += 1;
    const visit = new Visit({ address, peer, visitor, slowedMs }, this.#options.traffic, this.#visitModules);
    peer.visits.add(visit);
    peer.idlers += 1;
    return visit;
  }

  /** A listener refused a connection before asking the door, because its own limit is reached. */
  full(): void {
    this.#crush.refused(WHOLE_POOL);
  }

  /** Closes all connections that a ban covers. */
  evict(ban: Ban): void {
    this.#report.add(ban);
    const range = wideRange(ban.address);
    const exact = this.#peers.get(ban.address);
    // Only operators ban ranges. A ban for conduct costs one look-up, in every gateway.
    const peers = range === undefined ? (exact === undefined ? [] : [exact]) : this.#peers.values();
    for (const { visits, conduct, standing } of peers) {
      if (range === undefined) {
        conduct.forgive(conduct.points);
        standing.knocks.forgive(standing.knocks.points);
      }
      for (const visit of visits) {
        if (range !== undefined && !inRange(range, parseIp(visit.address) ?? new Uint8Array())) continue;
        if (visit.dismissed || this.#modules.bans.allows(visit.address)) continue;
        this.counters.evicted += 1;
        visit.dismiss(dismissals.banned(ban));
      }
    }
  }

  /** Reports opened and closed connections to the other gateways. To be called every TELL_MS if there are any. */
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
    this.#makeRoom(nowMs);
    this.#report.write(this.#modules.logger);
    if (nowMs - this.#fadedMs < FADE_MS) return;
    const factor = fadeFactor(nowMs - this.#fadedMs);
    for (const [host, peer] of this.#peers) {
      const { conduct, standing, visits } = peer;
      conduct.fade(factor);
      standing.fade(factor, nowMs);
      for (const visit of visits) visit.fade(factor);
      if (visits.size === 0 && isForgettable(peer, nowMs)) this.#peers.delete(host);
    }
    this.#fadedMs = nowMs;
    this.#admission.sweep();
  }

  /** The pool closes: connections that end from now on earn no points. */
  close(): void {
    this.#judge.close();
  }

  #exempt(address: string): boolean {
    return inAnyRange(this.#options.exempt, address) || this.#modules.bans.allows(address);
  }

  #peer(host: string, exempt: boolean): Peer {
    let peer = this.#peers.get(host);
    if (peer === undefined) {
      const { traffic, addressShareFactor, lookUps } = this.#options;
      const nowMs = this.#modules.clock.monotonicMs();
      const rates = { lines: times(traffic.lines), bytes: times(traffic.bytes), submits: times(traffic.submits) };
      function times({ perSecond, burst }: Rate): Rate {
        return { perSecond: perSecond * addressShareFactor, burst: burst * addressShareFactor };
      }
      peer = {
        host,
        subnet: subnetOf(host.replace(/\/.*/, '')),
        visits: new Set(),
        conduct: new Conduct(),
        standing: new Standing(),
        idlers: 0,
        traffic: exempt ? undefined : new Traffic(rates, nowMs),
        owesUntilMs: 0,
        party: exempt ? undefined : new Party(),
        lookUps: exempt ? undefined : new TokenBucket(lookUps, nowMs),
      };
      this.#peers.set(host, peer);
    }
    return peer;
  }

  /** Takes a verdict. On the share path. */
  #judged(visit: Visit, share: JudgedShare): void {
    const { verdict } = share;
    if (visit.gone) {
      this.#judgedLate(visit, verdict);
      return;
    }
    const { peer } = visit;
    visit.submitted(verdict === 'accepted');
    if (verdict !== 'accepted') {
      this.#judge.badShare(visit, share);
      return;
    }
    peer.conduct.judge(verdict);
    visit.worked(share.submission.worker?.name);
    if (!visit.idle) return;
    visit.idle = false;
    peer.idlers -= 1;
  }

  /** The conduct of a closed connection counts for its address, if the address is still remembered. */
  #judgedLate({ peer: { host }, address }: Visit, verdict: Verdict): void {
    const peer = this.#peers.get(host);
    if (peer === undefined) return;
    if (verdict === 'accepted') peer.conduct.judge(verdict);
    else this.#judge.badLateShare(peer, address, verdict);
  }

  #left(visit: Visit): void {
    const { peer } = visit;
    this.#admission.leave(visit.address);
    peer.visits.delete(visit);
    if (visit.idle) peer.idlers -= 1;
    const nowMs = this.#modules.clock.monotonicMs();
    peer.standing.left(visit, nowMs);
    if (peer.visits.size > 0) return;
    if (isForgettable(peer, nowMs) || this.#peers.size > this.#options.peersMax) this.#peers.delete(peer.host);
  }

  /** During an overload, closes the sessions with the most lines that led to no accepted share. */
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
    for (const visit of noisy.slice(0, shedSessionsMax)) visit.visitor.close(dismissals.overloaded);
    for (const visit of noisy) visit.noise = 0;
    this.counters.shed += Math.min(noisy.length, shedSessionsMax);
  }

  /** Makes room after connections were refused: closes idle connections in favour of miners. */
  #makeRoom(nowMs: number): void {
    for (const visit of this.#crush.giveWay(this.#peers, nowMs)) {
      this.counters.idle += 1;
      visit.dismiss(dismissals.noRoom);
    }
  }
}
