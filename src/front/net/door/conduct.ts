import { type Penalty, penalties, type Verdict } from '#base/domain/verdict';

/** What a connection can do wrong beside its shares. */
export type Offence =
  /** A line that can not be a message. */
  | 'junk'
  /** Another protocol than Stratum: HTTP, TLS, SSH, anything binary. */
  | 'foreign'
  /** A line over the cap. */
  | 'overlong'
  /** A TLS handshake or PROXY header that failed, or did not come in time; TLS that breaks, or is negotiated anew, later. */
  | 'bad-handshake'
  /** Went within the TLS handshake, without a word why. */
  | 'hung-up'
  /** Said nothing until its time to subscribe was over. */
  | 'silent'
  /** Went without having said anything. */
  | 'empty'
  /** Went in the middle of its first line. */
  | 'cut'
  /** Did not read what it was sent. */
  | 'slow-reader'
  /** Gave a name or a password that is wrong, and that had not come before: to repeat a mistake is none. */
  | 'bad-login';

/** Why an address is banned: an offence, or the shares it sent. */
export type Misconduct = Offence | 'shares';

/**
 * Points. A hundred in a few minutes, and no honest work to outweigh them, are a ban. A farm proxy that sends 5,000 late
 * shares after a restart of the pool stays below it; sixteen junk lines, after which a session ends, are most of it.
 */
const offencePoints: Readonly<Record<Offence, number>> = {
  junk: 5,
  foreign: 5,
  overlong: 20,
  'bad-handshake': 2,
  'hung-up': 0.2,
  silent: 1,
  empty: 0.1,
  cut: 1,
  'slow-reader': 1,
  'bad-login': 0.5,
};
/**
 * What a connection earns by its one offence before it has logged in. Browsers, monitors and miners with a wrong setting come once
 * every few seconds for ever: their points fade before they are a ban.
 */
const knockPoints: Readonly<Record<Offence, number>> = {
  ...offencePoints,
  junk: 1,
  foreign: 0.5,
  overlong: 1,
  'bad-handshake': 0.5,
};
const sharePoints: Readonly<Record<Penalty, number>> = { none: 0, late: 0.02, 'bad-work': 1, abuse: 5 };
/** A share of a worker that is kept out: its device goes on sending until it hears why. */
const KEPT_OUT_POINTS = 0.002;
/** Below these, nothing is worth remembering. */
const FORGOTTEN_BELOW = 0.5;
/** One accepted share counts as work for eleven minutes. */
export const GOOD_MIN = 0.1;

/** Points go down to 1/e of themselves in this time. */
export const MEMORY_MS = 300_000;

/** What some time leaves of points and merits. */
export function fadeFactor(passedMs: number): number {
  return Math.exp(-passedMs / MEMORY_MS);
}

/** What is known of the conduct of one party (an address, a connection or a worker) lately. */
export class Conduct {
  /** Accepted shares. */
  #good: number;
  #points = 0;

  constructor(good = 0) {
    this.#good = good;
  }

  get good(): number {
    return this.#good;
  }

  get points(): number {
    return this.#points;
  }

  /** Has accepted shares lately, and more of them than points. */
  get working(): boolean {
    return this.#good >= GOOD_MIN && this.#good > this.#points;
  }

  /** Too many points, and at least as many as accepted shares. */
  condemned(pointsMax: number): boolean {
    return this.#points >= pointsMax && this.#points >= this.#good;
  }

  /** True if there is nothing worth remembering. */
  get forgotten(): boolean {
    return this.#good < FORGOTTEN_BELOW && this.#points < FORGOTTEN_BELOW;
  }

  offend(offence: Offence): void {
    this.#points += offencePoints[offence];
  }

  /** An offence of a connection that has not logged in. */
  knock(offence: Offence): void {
    this.#points += knockPoints[offence];
  }

  /** Takes a verdict on one of the party's shares; returns true if it earned points. `keptOut`: its worker is kept out. */
  judge(verdict: Verdict, keptOut = false): boolean {
    if (verdict === 'accepted') {
      this.#good += 1;
      return false;
    }
    const points = keptOut ? KEPT_OUT_POINTS : sharePoints[penalties[verdict]];
    this.#points += points;
    return points > 0;
  }

  /** Takes back points that were another party's alone. */
  forgive(points: number): void {
    this.#points = Math.max(0, this.#points - points);
  }

  /** Time has passed: `factor` is what it leaves of everything. */
  fade(factor: number): void {
    this.#good *= factor;
    this.#points *= factor;
  }
}
