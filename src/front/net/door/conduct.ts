import { type Penalty, penalties, type Verdict } from '#base/domain/verdict';

/** Misconduct of a connection other than bad shares. */
export type Offence =
  /** A line that can not be a message. */
  | 'junk'
  /** Another protocol than Stratum: HTTP, TLS, SSH, anything binary. */
  | 'foreign'
  /** A line over the cap. */
  | 'overlong'
  /** A TLS handshake or PROXY header that failed, or did not come in time; TLS that breaks, or is negotiated anew, later. */
  | 'bad-handshake'
  /** Disconnected during the TLS handshake without an alert. */
  | 'hung-up'
  /** Sent nothing until the time to subscribe was over. */
  | 'silent'
  /** Disconnected without having sent anything. */
  | 'empty'
  /** Disconnected in the middle of its first line. */
  | 'cut'
  /** Did not read the pool's messages. */
  | 'slow-reader'
  /** Sent a new wrong name or password. Repeating the same mistake is no offence. */
  | 'bad-login';

/** Why an address is banned: an offence, or the shares it sent. */
export type Misconduct = Offence | 'shares';

/**
 * Points. A hundred points in a few minutes, not outweighed by accepted shares, cause a ban. 5,000 late shares of a farm proxy
 * after a restart of the pool stay below a hundred. The sixteen junk lines that end a session come to most of it.
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
 * Points for a connection's one offence before its login. Browsers, monitors and miners with a wrong setting reconnect every few
 * seconds for ever; their points fade before they add up to a ban.
 */
const knockPoints: Readonly<Record<Offence, number>> = {
  ...offencePoints,
  junk: 1,
  foreign: 0.5,
  overlong: 1,
  'bad-handshake': 0.5,
};
const sharePoints: Readonly<Record<Penalty, number>> = { none: 0, late: 0.02, 'bad-work': 1, abuse: 5 };
/** Points for a share of an expelled worker: its device keeps sending until it reads the reply. */
const KEPT_OUT_POINTS = 0.002;
/** Below these, nothing is worth remembering. */
const FORGOTTEN_BELOW = 0.5;
/** One accepted share counts as work for eleven minutes. */
export const GOOD_MIN = 0.1;

/** Points fall to 1/e of their value in this time. */
export const MEMORY_MS = 300_000;

/** The factor by which points and merits fade in this time. */
export function fadeFactor(passedMs: number): number {
  return Math.exp(-passedMs / MEMORY_MS);
}

/** The recent conduct of one party: an address, a connection or a worker. */
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

  /** True if the party has more recent accepted shares than points. */
  get working(): boolean {
    return this.#good >= GOOD_MIN && this.#good > this.#points;
  }

  /** True if the party has too many points, and at least as many points as accepted shares. */
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

  /** Fades points and merits by `factor`. */
  fade(factor: number): void {
    this.#good *= factor;
    this.#points *= factor;
  }
}
