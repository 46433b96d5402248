import type { Clock } from '#base/domain/ports';
import type { JudgedShare } from '#base/domain/share';
import { type Rate, TokenBucket } from '#base/domain/token-bucket';
import { limits } from '#base/limits';
import type { Party } from '../listen/turns.ts';
import { Conduct, GOOD_MIN, type Offence } from './conduct.ts';
import type { Standing } from './standing.ts';

/** What may be received. */
export interface TrafficLimits {
  readonly lines: Rate;
  readonly bytes: Rate;
  readonly submits: Rate;
}

/** Keeps the rates of one party, a connection or an address. */
export class Traffic {
  readonly #lines: TokenBucket;
  readonly #bytes: TokenBucket;
  readonly #submits: TokenBucket;

  constructor({ lines, bytes, submits }: TrafficLimits, nowMs: number) {
    this.#lines = new TokenBucket(lines, nowMs);
    this.#bytes = new TokenBucket(bytes, nowMs);
    this.#submits = new TokenBucket(submits, nowMs);
  }

  /** True if nothing is owed and nothing was spent lately. */
  isFull(nowMs: number): boolean {
    return this.#lines.full(nowMs) && this.#bytes.full(nowMs) && this.#submits.full(nowMs);
  }

  /** Counts received lines and bytes; returns how long to wait before reading on, ms. */
  received(lines: number, bytes: number, submits: number, nowMs: number): number {
    return Math.max(
      this.#lines.spend(lines, nowMs),
      this.#bytes.spend(bytes, nowMs),
      this.#submits.spend(submits, nowMs),
    );
  }
}

/** One address (an IPv6 /64) and its open connections. */
export interface Peer {
  readonly host: string;
  readonly subnet: string;
  readonly visits: Set<Visit>;
  readonly conduct: Conduct;
  readonly standing: Standing;
  /** Connections that never had an accepted share. */
  idlers: number;
  /** Undefined if no limit is kept. */
  readonly traffic: Traffic | undefined;
  /** When the address is within its rate again, monotonic ms; 0 if it never exceeded the rate. */
  owesUntilMs: number;
  /** Its share of the event loop's turns. Undefined if no limit is kept: then each connection has its own. */
  readonly party: Party | undefined;
  /** Undefined if no limit is kept. */
  readonly lookUps: TokenBucket | undefined;
}

/** True if nothing about the address is worth remembering when it has no connection: no points, no debt. */
export function isForgettable({ conduct, standing, traffic, lookUps }: Peer, nowMs: number): boolean {
  const isPaid = (traffic?.isFull(nowMs) ?? true) && (lookUps?.full(nowMs) ?? true);
  return isPaid && conduct.forgotten && standing.forgotten(nowMs);
}

/** Actions of the door on a connection. */
export interface Visitor {
  /** Closes the connection after what is queued for it. The client is told why, if it understands that. */
  close(why: string): void;
  /** Stops reading for this time, if the transport can. */
  hold(ms: number): void;
  /** A worker may not mine on the connection any more. */
  expel(name: string): void;
}

export interface VisitModules {
  readonly clock: Clock;
  /** The client misbehaved. */
  readonly offended: (visit: Visit, offence: Offence) => void;
  /** A worker wants to mine; false if it is kept out. */
  readonly admits: (visit: Visit, name: string) => boolean;
  /** One of its shares has a verdict. */
  readonly judged: (visit: Visit, share: JudgedShare) => void;
  /** The connection is gone. */
  readonly left: (visit: Visit) => void;
}

/** One connection, from the door's side. */
export class Visit {
  readonly address: string;
  readonly peer: Peer;
  readonly conduct = new Conduct();
  readonly visitor: Visitor;
  /** When it came in, monotonic ms. */
  readonly sinceMs: number;
  /** Milliseconds to wait before anything is read: its address has misbehaved. */
  readonly slowedMs: number;
  /** The first worker that has logged in; undefined before a login. */
  name: string | undefined;
  /** Workers that have logged in and were not expelled. */
  workers = 0;
  /** It never had an accepted share. */
  idle = true;
  /** Those of its workers that have sent bad shares. */
  readonly #watched = new Map<string, Conduct>();
  /** It has offended before its login, or was closed by the door: further misconduct earns no points. */
  #settled = false;
  /** Since the start. */
  lines = 0;
  #bytes = 0;
  /** Shares that were judged since the last read: they are held against the next one, so that a share takes no clock. */
  #submits = 0;
  /** What the lines since the last read cost beyond a line, in lines: held against the next read as well. */
  #surcharge = 0;
  /** Lines since the last look that were no accepted shares. */
  noise = 0;
  readonly #modules: VisitModules;
  readonly #traffic: Traffic | undefined;
  /** What it sends while its address owes; undefined until that happens. */
  #modest: TokenBucket | undefined;
  #gone = false;
  #dismissed = false;

  constructor(
    { address, peer, visitor, slowedMs }: Pick<Visit, 'address' | 'peer' | 'visitor' | 'slowedMs'>,
    traffic: TrafficLimits,
    modules: VisitModules,
  ) {
    this.address = address;
    this.peer = peer;
    this.visitor = visitor;
    this.slowedMs = slowedMs;
    this.#modules = modules;
    this.sinceMs = modules.clock.monotonicMs();
    this.#traffic = peer.traffic && new Traffic(traffic, this.sinceMs);
  }

  /** True if limits do not hold. */
  get exempt(): boolean {
    return this.#traffic === undefined;
  }

  /** Counts received lines and bytes. Returns their cost in lines: more than `lines` if names were looked up. */
  received(lines: number, bytes: number): number {
    this.lines += lines;
    this.#bytes += bytes;
    this.noise += lines;
    if (this.#traffic === undefined) return lines;
    const nowMs = this.#modules.clock.monotonicMs();
    const submits = this.#submits;
    this.#submits = 0;
    const charged = lines + this.#surcharge;
    this.#surcharge = 0;
    const ownMs = this.#traffic.received(charged, bytes, submits, nowMs);
    const sharedMs = this.peer.traffic?.received(charged, bytes, submits, nowMs) ?? 0;
    if (sharedMs > 0) this.peer.owesUntilMs = nowMs + sharedMs;
    const ms = Math.max(ownMs, sharedMs > 0 ? this.#shareOf(sharedMs, charged, nowMs) : 0);
    if (ms > 0) this.visitor.hold(ms);
    return charged;
  }

  /**
   * How long this connection has to wait before its bytes are handled, ms, because of what its address owes. 0 if the address owes
   * nothing, or if the connection itself has sent little lately.
   */
  owedMs(): number {
    const { peer } = this;
    // Nearly always.
    if (peer.owesUntilMs === 0) return 0;
    const nowMs = this.#modules.clock.monotonicMs();
    const owedMs = peer.owesUntilMs - nowMs;
    if (owedMs <= 0) {
      peer.owesUntilMs = 0;
      return 0;
    }
    return (this.#modest?.has(0, nowMs) ?? true) ? 0 : owedMs;
  }

  /** Of so many lines, those that may be handled before this connection is held for what its address owes. */
  allowance(lines: number): number {
    return this.peer.owesUntilMs === 0 ? lines : Math.min(lines, limits.modestLineBurst);
  }

  /** How long the debt of its address holds this connection, ms: not for long if it sends little itself. */
  #shareOf(debtMs: number, lines: number, nowMs: number): number {
    const { modestLinesPerSecond: perSecond, modestLineBurst: burst, neighbourHoldMs } = limits;
    this.#modest ??= new TokenBucket({ perSecond, burst }, nowMs);
    return this.#modest.spend(lines, nowMs) > 0 ? debtMs : Math.min(debtMs, neighbourHoldMs);
  }

  /**
   * One of the lines wants a name looked up. False if its address has had too many: the lines of one read are handled
   * before anybody can be held, and a thousand connections may be read at once.
   */
  affords(): boolean {
    const { lookUps } = this.peer;
    if (lookUps === undefined) return true;
    if (!lookUps.take(1, this.#modules.clock.monotonicMs())) return false;
    this.#surcharge += limits.lookUpLines;
    return true;
  }

  /** One of its shares has a verdict. The connection may be gone since. */
  judged(share: JudgedShare): void {
    this.#modules.judged(this, share);
  }

  /** One of the lines was a share, and has been judged. */
  submitted(accepted: boolean): void {
    if (accepted) this.noise -= 1;
    this.#submits += 1;
  }

  /** Before a login a connection offends once, whatever else it sends: except by guessing names, each of which counts. */
  offend(offence: Offence): void {
    if (this.#gone || this.#settled) return;
    if (this.name === undefined && offence !== 'bad-login') this.#settled = true;
    this.#modules.offended(this, offence);
  }

  /** A worker has logged in. Returns false if it may not mine because of its conduct. */
  admits(name: string): boolean {
    if (!this.#modules.admits(this, name)) return false;
    this.#settled = this.#dismissed;
    this.name ??= name;
    this.workers += 1;
    return true;
  }

  /** True if the connection has logged in and its accepted shares outweigh its points. */
  get innocent(): boolean {
    if (this.name === undefined || this.#dismissed) return false;
    return this.conduct.working || this.conduct.points < limits.probationPoints;
  }

  /** True once the connection is gone. */
  get gone(): boolean {
    return this.#gone;
  }

  /** True once the door has closed it. */
  get dismissed(): boolean {
    return this.#dismissed;
  }

  /** Closes the connection and tells the client why. Later misconduct of the connection earns no points. */
  dismiss(why: string): void {
    this.#dismissed = true;
    this.#settled = true;
    this.visitor.close(why);
  }

  /** The conduct of a worker since its first bad share; its earlier accepted shares are estimated. */
  watch(name: string): Conduct {
    let watched = this.#watched.get(name);
    if (watched === undefined) {
      watched = new Conduct(this.conduct.good / Math.max(1, this.workers));
      this.#watched.set(name, watched);
    }
    return watched;
  }

  /** A share was accepted. On the share path: nearly always nobody is watched. */
  worked(name: string | undefined): void {
    this.conduct.judge('accepted');
    if (this.#watched.size > 0 && name !== undefined) this.#watched.get(name)?.judge('accepted');
  }

  /** The workers that have earned points, and at least as many as accepted shares. */
  get suspects(): string[] {
    return [...this.#watched].filter(([, conduct]) => conduct.condemned(1)).map(([name]) => name);
  }

  /** Whether others than these workers have accepted shares on this connection. */
  worksWithout(names: readonly string[]): boolean {
    if (this.workers <= names.length) return false;
    const theirs = names.reduce((good, name) => good + (this.#watched.get(name)?.good ?? 0), 0);
    return this.conduct.good - theirs >= GOOD_MIN;
  }

  /** A worker may not mine here any more; its points go with it. */
  expel(name: string): void {
    this.visitor.expel(name);
    this.conduct.forgive(this.#watched.get(name)?.points ?? 0);
    this.#watched.delete(name);
    this.workers -= 1;
  }

  fade(factor: number): void {
    this.conduct.fade(factor);
    for (const [name, conduct] of this.#watched) {
      conduct.fade(factor);
      if (conduct.forgotten) this.#watched.delete(name);
    }
  }

  /**
   * The connection is closed: by its client, by the pool for misconduct, or by the pool for other reasons. Later calls do
   * nothing.
   */
  leave(how: 'went' | 'dismissed' | 'unwanted'): void {
    if (this.#gone) return;
    if (this.lines === 0 && how !== 'unwanted') {
      this.offend(how === 'dismissed' ? 'silent' : this.#bytes > 0 ? 'cut' : 'empty');
    }
    this.#gone = true;
    this.#modules.left(this);
  }
}
