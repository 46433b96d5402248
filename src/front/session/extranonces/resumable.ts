import type { Difficulty } from '#base/domain/difficulty';
import type { History } from '../work/terms.ts';
import type { Extranonces } from './extranonce.ts';

/** The state of a client that is kept after its connection is closed. */
export interface Estate {
  /** Where it connected from: an IPv4 address or an IPv6 /64. */
  readonly host: string;
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
  /** Clients that are waited for at once. */
  readonly sessionsMax: number;
  /** Of these, clients of one host that are waited for whatever other hosts have. */
  readonly sessionsPerHostMax: number;
  /** For how long each is waited for, ms. */
  readonly waitMsMax: number;
}

/**
 * States of recently disconnected clients, by session id: 64 random bits, so that no other client can guess it. The extranonce stays
 * reserved until the client resumes or its state is dropped.
 *
 * If there are too many states, the oldest state of a host with more than \`sessionsPerHostMax\` is dropped. If there is no such
 * host, the oldest of all is dropped.
 */
export class Resumable {
  readonly #options: ResumableOptions;
  readonly #extranonces: Extranonces;
  /** In the order of their going. */
  readonly #estates = new Map<string, Estate>();
  /** The session ids of each host, in the order of their going. */
  readonly #ofHost = new Map<string, Set<string>>();
  /** Hosts with more than \`sessionsPerHostMax\`. */
  readonly #greedy = new Set<string>();

  constructor(options: ResumableOptions, extranonces: Extranonces) {
    this.#options = options;
    this.#extranonces = extranonces;
  }

  get size(): number {
    return this.#estates.size;
  }

  /** Hosts that clients are waited for from. */
  get hosts(): number {
    return this.#ofHost.size;
  }

  keep(sessionId: string, estate: Estate): void {
    const { host } = estate;
    this.#estates.set(sessionId, estate);
    const ids = this.#ofHost.get(host) ?? new Set();
    this.#ofHost.set(host, ids.add(sessionId));
    if (ids.size > this.#options.sessionsPerHostMax) this.#greedy.add(host);
    this.expire(estate.closedMs);
  }

  /** Removes and returns the client's state. */
  take(sessionId: string): Estate | undefined {
    const estate = this.#estates.get(sessionId);
    if (!estate) return undefined;
    const { host } = estate;
    this.#estates.delete(sessionId);
    const ids = this.#ofHost.get(host);
    ids?.delete(sessionId);
    if (ids?.size === 0) this.#ofHost.delete(host);
    if ((ids?.size ?? 0) <= this.#options.sessionsPerHostMax) this.#greedy.delete(host);
    return estate;
  }

  /** Drops states that are too old, or too many. */
  expire(nowMs: number): void {
    const { sessionsMax, waitMsMax } = this.#options;
    for (const [sessionId, { closedMs }] of this.#estates) {
      if (nowMs - closedMs <= waitMsMax) break;
      this.#giveUp(sessionId);
    }
    while (this.#estates.size > sessionsMax) this.#giveUp(this.#superfluous());
  }

  #superfluous(): string {
    const [host] = this.#greedy;
    const [sessionId = ''] = (host === undefined ? undefined : this.#ofHost.get(host)) ?? this.#estates.keys();
    return sessionId;
  }

  #giveUp(sessionId: string): void {
    const estate = this.take(sessionId);
    if (!estate) return;
    estate.history.ladder.release();
    this.#extranonces.release(estate.extranonce, estate.newestSerial, estate.credited);
  }
}
