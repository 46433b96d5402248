import type { Job } from '../domain/job.ts';
import type { Clock, Logger, ShareIntake, Wire, WireHandler } from '../domain/ports.ts';
import { limits } from '../limits.ts';
import { encodeNotify } from '../stratum/notify.ts';
import type { Authorize } from './authorize.ts';
import type { CurrentWork, SessionContext, SessionCounters, SessionOptions } from './context.ts';
import type { Extranonces } from './extranonce.ts';
import { Session } from './session.ts';
import { TermsCache } from './terms.ts';

export interface SessionModules {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly intake: ShareIntake;
  readonly authorize: Authorize;
  readonly extranonces: Extranonces;
  /** Unique in the data directory. */
  newSessionId(): bigint;
}

/** Sets of terms kept for sharing: vardiff's difficulties are few, miners' wishes are not. */
const TERMS_MAX = 4096;

/** Every connection's session, and the job that they all work on. */
export class SessionRegistry {
  readonly #modules: SessionModules;
  readonly #context: SessionContext & { work: CurrentWork | undefined };
  readonly #sessions = new Set<Session>();
  readonly #sessionsMax: number;
  readonly #jobsMax: number;
  /** Serials of the jobs that may still be answered, oldest first. */
  #serials: number[] = [];
  /** Where the ticks have come to. */
  #round: IterableIterator<Session> | undefined;
  #open = true;
  readonly #counters: SessionCounters = {
    authorizedWorkers: 0,
    refusedWorkers: 0,
    difficultyChanges: 0,
    timeouts: 0,
    protocolErrors: { unparsable: 0, 'invalid-request': 0, 'unknown-method': 0, 'bad-params': 0 },
  };

  /** A session's connection is gone. */
  readonly #forget = (session: Session): void => {
    this.#sessions.delete(session);
    this.#counters.authorizedWorkers -= session.workers;
    if (session.extranonce === undefined) return;
    this.#context.extranonces.release(session.extranonce, this.#serials.at(-1) ?? -1);
  };

  constructor(options: SessionOptions, modules: SessionModules) {
    const { clock, intake, authorize, extranonces } = modules;
    this.#modules = modules;
    this.#sessionsMax = options.sessionsMax ?? limits.connectionsMax;
    this.#jobsMax = options.jobsMax ?? limits.jobsMax;
    this.#context = {
      options,
      clock,
      intake,
      authorize,
      extranonces,
      terms: new TermsCache({ entriesMax: TERMS_MAX }),
      counters: this.#counters,
      work: undefined,
    };
  }

  /** Open connections, whether they have subscribed or not. */
  get sessions(): number {
    return this.#sessions.size;
  }

  get counters(): Readonly<SessionCounters> {
    return this.#counters;
  }

  /** The handler of a new connection; undefined where there are too many, or after `closeAll`. */
  accept(wire: Wire): WireHandler | undefined {
    if (!this.#open || this.#sessions.size >= this.#sessionsMax) return undefined;
    const session = new Session(this.#modules.newSessionId(), wire, this.#context, this.#forget);
    this.#sessions.add(session);
    return session;
  }

  /** Makes the job current and sends it to everyone who works. Jobs come with rising serials. */
  broadcast(job: Job): void {
    this.#serials.push(job.serial);
    if (this.#serials.length > this.#jobsMax) this.#serials = this.#serials.slice(-this.#jobsMax);
    const [oldestSerial = job.serial] = this.#serials;
    this.#context.extranonces.expire(oldestSerial);
    const work = { job, line: encodeNotify(job), oldestSerial };
    this.#context.work = work;
    for (const session of this.#sessions) session.deliver(work);
  }

  /**
   * Time passes: call it about once a second. Looks at a bounded number of sessions and goes on from there next time, so
   * that many connections make the round longer and not the tick.
   */
  tick(): void {
    const nowMs = this.#modules.clock.monotonicMs();
    const count = Math.min(this.#sessions.size, limits.sessionsPerTickMax);
    for (let seen = 0; seen < count; seen += 1) {
      this.#round ??= this.#sessions.values();
      let next = this.#round.next();
      if (next.done === true) {
        this.#round = this.#sessions.values();
        next = this.#round.next();
      }
      if (next.done !== true) next.value.tick(nowMs);
    }
  }

  /** Takes no more connections and closes all there are, after what is queued for them. */
  closeAll(): void {
    this.#open = false;
    this.#modules.logger.info({ sessions: this.#sessions.size }, 'closing all sessions');
    for (const session of this.#sessions) session.close();
  }
}
