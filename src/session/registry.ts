import { randomBytes } from 'node:crypto';
import { EXTRANONCE1_BYTES, EXTRANONCE2_BYTES, type Job, VARIANT_BYTES } from '../domain/job.ts';
import type { MinerQuery, MinerView } from '../domain/miner.ts';
import type { Clock, Logger, ShareIntake, Wire, WireHandler } from '../domain/ports.ts';
import { limits } from '../limits.ts';
import { encodeGetVersion, encodeReconnect, encodeShowMessage } from '../stratum/encode.ts';
import { encodeNotify } from '../stratum/notify.ts';
import type { Authorize } from './authorize.ts';
import type { CurrentWork, SessionContext, SessionCounters, SessionOptions } from './context.ts';
import type { Extranonces } from './extranonce.ts';
import { MinerBook } from './miner-book.ts';
import { deviceProfiles } from './profiles.ts';
import { Resumable } from './resumable.ts';
import { Session } from './session.ts';
import { TermsCache } from './terms.ts';

export interface SessionModules {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly intake: ShareIntake;
  readonly authorize: Authorize;
  readonly extranonces: Extranonces;
  /** 16 hex digits that nobody can guess. Default: from the system's randomness. */
  readonly newResumeId?: () => string;
  /** Unique in the data directory. */
  newSessionId(): bigint;
}

/** A session as statistics see it. */
export type ConnectedSession = Pick<
  Session,
  'sessionId' | 'remoteIp' | 'userAgent' | 'clientVersion' | 'device' | 'workers'
>;

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
    resumed: 0,
    shedShares: 0,
    oversizedCoinbases: 0,
    protocolErrors: { unparsable: 0, 'invalid-request': 0, 'unknown-method': 0, 'bad-params': 0 },
  };

  /** A session's connection is gone. */
  readonly #forget = (session: Session): void => {
    this.#sessions.delete(session);
    this.#counters.authorizedWorkers -= session.workers.size;
    for (const worker of session.workers.values()) this.#context.miners.leave(worker);
    if (session.extranonce === undefined) return;
    const newestSerial = this.#serials.at(-1) ?? -1;
    const left = this.#open ? session.estate(newestSerial) : undefined;
    if (left) this.#context.resumable.keep(left.resumeId, left.estate);
    else this.#modules.extranonces.release(session.extranonce, newestSerial);
  };

  constructor(options: SessionOptions, modules: SessionModules) {
    const { clock, intake, authorize, extranonces } = modules;
    const resumable = new Resumable(
      { sessionsMax: limits.resumableSessionsMax, waitMsMax: limits.resumeMsMax },
      extranonces,
    );
    let asked = 0;
    this.#modules = modules;
    this.#sessionsMax = options.sessionsMax ?? limits.connectionsMax;
    this.#jobsMax = options.jobsMax ?? limits.jobsMax;
    this.#context = {
      options,
      clock,
      intake,
      authorize,
      profileOf: deviceProfiles(options.profiles ?? [], options.difficulty.min),
      niceHash: options.niceHash,
      resumable,
      idleMsMax: options.idleMsMax ?? limits.idleMsMax,
      newExtranonce: () => extranonces.allocate() ?? (resumable.yieldOne() ? extranonces.allocate() : undefined),
      newResumeId: modules.newResumeId ?? (() => randomBytes(8).toString('hex')),
      nextRequestId: () => ++asked,
      terms: new TermsCache({ entriesMax: TERMS_MAX }),
      counters: this.#counters,
      miners: new MinerBook({ clock }),
      work: undefined,
    };
  }

  /** Open connections, whether they have subscribed or not. */
  get sessions(): number {
    return this.#sessions.size;
  }

  /** Everybody who is connected now. */
  connected(): Iterable<ConnectedSession> {
    return this.#sessions;
  }

  /** What an address's workers have done; undefined where none of them is connected. */
  miner(query: MinerQuery): MinerView | undefined {
    return this.#context.miners.view(query);
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
    this.#modules.extranonces.expire(oldestSerial);
    const coinbaseBytes = job.coinb1.length + VARIANT_BYTES + EXTRANONCE1_BYTES + EXTRANONCE2_BYTES + job.coinb2.length;
    const work = { job, line: encodeNotify(job), oldestSerial, coinbaseBytes };
    this.#context.work = work;
    for (const session of this.#sessions) session.deliver(work);
  }

  /**
   * Time passes: call it about once a second. Looks at a bounded number of sessions and goes on from there next time, so
   * that many connections make the round longer and not the tick.
   */
  tick(): void {
    const nowMs = this.#modules.clock.monotonicMs();
    this.#context.resumable.expire(nowMs);
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

  /** There is no work that is worth anything: no session gets any until the next broadcast, and all are told why. */
  pause(message: string): void {
    this.#context.work = undefined;
    this.showMessage(message);
  }

  /** Shows a text to everybody. */
  showMessage(text: string): void {
    this.#tellAll(encodeShowMessage(text));
  }

  /** Asks everybody what software they are; the answers are in `sessions`. */
  askVersions(): void {
    this.#tellAll(encodeGetVersion(this.#context.nextRequestId()));
  }

  /** Asks everybody to come again in so many seconds, spread so that they do not come all at once. */
  reconnect(waitSeconds: number, spreadSeconds = 0): void {
    let place = 0;
    for (const session of this.#sessions) {
      session.tell(encodeReconnect(waitSeconds + (spreadSeconds === 0 ? 0 : place++ % spreadSeconds)));
    }
  }

  #tellAll(message: string): void {
    for (const session of this.#sessions) session.tell(message);
  }

  /** Takes no more connections and closes all there are, after what is queued for them. */
  closeAll(message = 'The pool is closing this connection'): void {
    this.#open = false;
    this.#modules.logger.info({ sessions: this.#sessions.size }, 'closing all sessions');
    this.showMessage(message);
    for (const session of this.#sessions) session.close();
  }
}
