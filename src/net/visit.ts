import type { Clock } from '../domain/ports.ts';
import { type Rate, TokenBucket } from '../domain/token-bucket.ts';
import { limits } from '../limits.ts';
import { Conduct, type Offence } from './conduct.ts';

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

  /** Takes what has come in; returns the ms to wait before reading on. */
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
  readonly visits: Set<Visit>;
  readonly conduct: Conduct;
  /** Undefined where no limit is kept. */
  readonly traffic: Traffic | undefined;
  /** Undefined where no limit is kept. */
  readonly lookUps: TokenBucket | undefined;
}

/** What a visit can have done to it. */
export interface Visitor {
  /** Closes the connection, with what is queued for it. */
  close(): void;
  /** Reads nothing for so long, where the transport can do that. */
  hold(ms: number): void;
}

export interface VisitModules {
  readonly clock: Clock;
  /** Something was done wrong. */
  readonly offended: (visit: Visit, offence: Offence) => void;
  /** The connection is gone. */
  readonly left: (visit: Visit) => void;
}

/** One connection, from the door's side. */
export class Visit {
  readonly address: string;
  readonly peer: Peer;
  readonly conduct = new Conduct();
  readonly visitor: Visitor;
  /** Since the start. */
  lines = 0;
  #bytes = 0;
  /** Shares that were judged since the last read: they are held against the next one, so that a share takes no clock. */
  #submits = 0;
  /** What the lines since the last read cost beyond a line, in lines: held against the next read as well. */
  #surcharge = 0;
  /** Lines that came to nothing since the last look: all but accepted shares. */
  noise = 0;
  readonly #modules: VisitModules;
  readonly #traffic: Traffic | undefined;
  #gone = false;

  constructor(address: string, peer: Peer, traffic: TrafficLimits, visitor: Visitor, modules: VisitModules) {
    this.address = address;
    this.peer = peer;
    this.visitor = visitor;
    this.#modules = modules;
    this.#traffic = peer.traffic && new Traffic(traffic, modules.clock.monotonicMs());
  }

  /** True where limits do not hold. */
  get exempt(): boolean {
    return this.#traffic === undefined;
  }

  /** Takes note of what has come in. */
  received(lines: number, bytes: number): void {
    this.lines += lines;
    this.#bytes += bytes;
    this.noise += lines;
    if (this.#traffic === undefined) return;
    const nowMs = this.#modules.clock.monotonicMs();
    const submits = this.#submits;
    this.#submits = 0;
    const charged = lines + this.#surcharge;
    this.#surcharge = 0;
    this.#hold(
      this.#traffic.received(charged, bytes, submits, nowMs),
      this.peer.traffic?.received(charged, bytes, submits, nowMs),
    );
  }

  /**
   * One of the lines wants a name looked up. False where its address has had too many: the lines of one read are handled
   * before anybody can be held, and a thousand connections may be read at once.
   */
  affords(): boolean {
    const { lookUps } = this.peer;
    if (lookUps === undefined) return true;
    if (!lookUps.take(1, this.#modules.clock.monotonicMs())) return false;
    this.#surcharge += limits.lookUpLines;
    return true;
  }

  /** One of the lines was a share, and has been judged. */
  submitted(accepted: boolean): void {
    if (accepted) this.noise -= 1;
    this.#submits += 1;
  }

  offend(offence: Offence): void {
    if (!this.#gone) this.#modules.offended(this, offence);
  }

  /**
   * The connection is gone: it went, or the pool dismissed it, or did not want it whatever it would have said. Later
   * calls do nothing.
   */
  leave(how: 'went' | 'dismissed' | 'unwanted'): void {
    if (this.#gone) return;
    if (this.lines === 0 && how !== 'unwanted') {
      this.offend(how === 'dismissed' ? 'silent' : this.#bytes > 0 ? 'cut' : 'empty');
    }
    this.#gone = true;
    this.#modules.left(this);
  }

  #hold(ownMs: number, sharedMs = 0): void {
    const ms = Math.max(ownMs, sharedMs);
    if (ms > 0) this.visitor.hold(ms);
  }
}
