import { type Penalty, rejects, type Verdict } from '../domain/verdict.ts';

/** What a connection can do wrong beside its shares. */
export type Offence =
  /** A line that can not be a message. */
  | 'junk'
  /** A line over the cap. */
  | 'overlong'
  /** A TLS handshake or PROXY header that failed, or did not come in time. */
  | 'bad-handshake'
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
 * Points. A hundred in a few minutes, and no honest work to outweigh them, are a ban. A health check that connects and
 * goes (`empty`) may do so three times a second; a farm proxy that sends 5,000 late shares after a restart of the pool
 * stays below it; sixteen junk lines, after which a session ends, are most of it.
 */
const offencePoints: Readonly<Record<Offence, number>> = {
  junk: 5,
  overlong: 20,
  'bad-handshake': 2,
  silent: 1,
  empty: 0.1,
  cut: 1,
  'slow-reader': 1,
  'bad-login': 0.5,
};
const sharePoints: Readonly<Record<Penalty, number>> = { none: 0, late: 0.02, 'bad-work': 1, abuse: 5 };

/** Points go down to 1/e of themselves in this time. */
export const MEMORY_MS = 300_000;

/** What some time leaves of points and merits. */
export function fadeFactor(passedMs: number): number {
  return Math.exp(-passedMs / MEMORY_MS);
}

/** What is known of the conduct of one party, an address or a connection, lately. */
export class Conduct {
  /** Accepted shares. */
  #good = 0;
  #points = 0;

  /** Too many points, and at least as many as accepted shares. */
  condemned(pointsMax: number): boolean {
    return this.#points >= pointsMax && this.#points >= this.#good;
  }

  /** True where there is nothing worth remembering. */
  get forgotten(): boolean {
    return this.#good < 0.5 && this.#points < 0.5;
  }

  offend(offence: Offence): void {
    this.#points += offencePoints[offence];
  }

  /** Takes a verdict on one of the party's shares; true where it earned points. */
  judge(verdict: Verdict): boolean {
    if (verdict === 'accepted') {
      this.#good += 1;
      return false;
    }
    const points = sharePoints[rejects[verdict].penalty];
    this.#points += points;
    return points > 0;
  }

  /** Time has passed: `factor` is what it leaves of everything. */
  fade(factor: number): void {
    this.#good *= factor;
    this.#points *= factor;
  }
}
