import { limits } from '#base/limits';

/** What matters of a session here. */
export interface Idler {
  /** True if shares were accepted with its extranonce. */
  readonly worked: boolean;
  /** True if shares were accepted with its extranonce, or still may be. */
  readonly credited: boolean;
  /** Workers that have logged in. */
  readonly workers: { readonly size: number };
}

/** Sessions that are checked for each new session. */
const LOOKS_MAX = 64;

/** Sessions with an extranonce, by age, to find a session without accepted shares. */
export class Idlers<I extends Idler> {
  /** When each session got its extranonce, monotonic ms, the oldest first. Sessions with accepted shares are removed when found. */
  readonly #since = new Map<I, number>();

  /** A session has got an extranonce. */
  enter(session: I, nowMs: number): void {
    this.#since.delete(session);
    this.#since.set(session, nowMs);
  }

  /** A session is gone, or has no extranonce any more. */
  leave(session: I): void {
    this.#since.delete(session);
  }

  /**
   * Removes and returns the oldest session that has had time to get a share accepted but has none; undefined if there is none.
   */
  next(nowMs: number): I | undefined {
    let looks = 0;
    for (const [session, sinceMs] of this.#since) {
      const ageMs = nowMs - sinceMs;
      if (ageMs < limits.strangerMsMin || looks >= LOOKS_MAX) return undefined;
      looks += 1;
      if (session.worked) this.#since.delete(session);
      else if (!session.credited && ageMs >= (session.workers.size === 0 ? limits.strangerMsMin : limits.idlerMsMin)) {
        this.#since.delete(session);
        return session;
      }
    }
    return undefined;
  }
}
