import { BoundedMap } from '#base/domain/bounded-map';
import { limits } from '#base/limits';
import { Conduct } from './conduct.ts';

/**
 * Who is at an address beside a connection that misbehaves: somebody whose shares are accepted now, somebody who has logged in and
 * done nothing wrong, or nobody.
 */
export type Presence = 'working' | 'present' | 'none';

/** What matters of a connection here. */
export interface Present {
  readonly innocent: boolean;
  /** Monotonic, ms. */
  readonly sinceMs: number;
  readonly conduct: Pick<Conduct, 'good' | 'working'>;
}

/** What an address is known for, beside its shares. */
export class Standing {
  /** What its connections did wrong before a login. */
  readonly knocks = new Conduct();
  /** Workers that are kept out, and until when, monotonic ms. */
  readonly #keptOut = new BoundedMap<number>(limits.keptOutWorkersMax);
  /** A miner whose connection has just gone counts as present until then: it is about to come back. */
  #graceUntilMs = Number.NEGATIVE_INFINITY;
  #presence: Presence = 'none';
  #lookedMs = Number.NEGATIVE_INFINITY;

  /** True if there is nothing worth remembering. */
  forgotten(nowMs: number): boolean {
    return this.knocks.forgotten && this.#graceUntilMs <= nowMs && this.#keptOut.size === 0;
  }

  keepOut(name: string, nowMs: number): void {
    this.#keptOut.set(name, nowMs + limits.keptOutMs);
  }

  keepsOut(name: string, nowMs: number): boolean {
    const untilMs = this.#keptOut.get(name);
    if (untilMs === undefined) return false;
    if (untilMs > nowMs) return true;
    this.#keptOut.delete(name);
    return false;
  }

  /** A connection of the address is gone. */
  left(visit: Present, nowMs: number): void {
    if (!visit.innocent) return;
    const known = nowMs - visit.sinceMs >= limits.presenceMsMin || visit.conduct.good >= limits.presenceSharesMin;
    if (known) this.#graceUntilMs = nowMs + limits.presenceMs;
  }

  /** Looks at all of the address's connections but one; at most once in half a second unless it has to be `fresh`. */
  presence(visits: ReadonlySet<Present>, except: Present | undefined, nowMs: number, fresh: boolean): Presence {
    if (!fresh && nowMs - this.#lookedMs < limits.presenceLookMs) return this.#presence;
    this.#lookedMs = nowMs;
    this.#presence = this.#graceUntilMs > nowMs ? 'present' : 'none';
    for (const visit of visits) {
      if (visit === except || !visit.innocent) continue;
      this.#presence = 'present';
      if (!visit.conduct.working) continue;
      this.#presence = 'working';
      break;
    }
    return this.#presence;
  }

  /** Time has passed: `factor` is what it leaves of points. Workers whose time is over are forgotten. */
  fade(factor: number, nowMs: number): void {
    this.knocks.fade(factor);
    for (const name of this.#keptOut.keys()) this.keepsOut(name, nowMs);
  }
}
