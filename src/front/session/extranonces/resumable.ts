import type { Difficulty } from '#base/domain/difficulty';
import type { History } from '../work/terms.ts';
import type { Extranonces } from './extranonce.ts';

/** What a client leaves behind when its connection goes. */
export interface Estate {
  readonly extranonce: number;
  /** The newest job that it may have been mined with. */
  readonly newestSerial: number;
  readonly history: History;
  readonly difficulty: Difficulty;
  /** Shares were accepted with its extranonce, or still may be. */
  readonly credited: boolean;
  readonly closedMs: number;
  /** Its connection was still open. */
  readonly seized: boolean;
}

export interface ResumableOptions {
  /** Clients that are waited for at once; beyond it the oldest is given up. */
  readonly sessionsMax: number;
  /** For how long each is waited for, ms. */
  readonly waitMsMax: number;
}

/**
 * Clients whose connection has just gone, by the session id that they were given: 64 random bits, so that nobody else can
 * name it. Until a client is back or given up, its extranonce is nobody's.
 */
export class Resumable {
  readonly #options: ResumableOptions;
  readonly #extranonces: Extranonces;
  /** In the order of their going. */
  readonly #estates = new Map<string, Estate>();

  constructor(options: ResumableOptions, extranonces: Extranonces) {
    this.#options = options;
    this.#extranonces = extranonces;
  }

  get size(): number {
    return this.#estates.size;
  }

  keep(sessionId: string, estate: Estate): void {
    this.#estates.set(sessionId, estate);
    this.expire(estate.closedMs);
  }

  /** Hands over what the client left, once. */
  take(sessionId: string): Estate | undefined {
    const estate = this.#estates.get(sessionId);
    this.#estates.delete(sessionId);
    return estate;
  }

  /** Gives up those who have been gone for too long, or are too many. */
  expire(nowMs: number): void {
    const { sessionsMax, waitMsMax } = this.#options;
    for (const [sessionId, estate] of this.#estates) {
      if (this.#estates.size <= sessionsMax && nowMs - estate.closedMs <= waitMsMax) return;
      this.#giveUp(sessionId, estate);
    }
  }

  #giveUp(sessionId: string, { extranonce, newestSerial, history, credited }: Estate): void {
    this.#estates.delete(sessionId);
    history.ladder.release();
    this.#extranonces.release(extranonce, newestSerial, credited);
  }
}
