import { limits } from '#base/limits';

/** What matters of a session here. */
export interface Idler {
  /** True if shares were accepted with its extranonce. */
  readonly worked: boolean;
  /** True if shares were accepted with its extranonce, or still may be. */
  readonly credited: boolean;
  /** Those who have logged in. */
  readonly workers: { readonly size: number };
}

/** Sessions that are looked at for each newcomer. */
const LOOKS_MAX = 64;

/** Sessions that hold an extranonce, by age, to find one that has done nothing with it. */
export class Idlers<I extends Idler> {
  /** With when each got its extranonce, monotonic ms: the oldest first. Those that have worked are sorted out by and by. */
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
   * The oldest session that has had time to get a share accepted and has not; undefined if there is none. It has left from then
   * on.
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
