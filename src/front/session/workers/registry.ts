import { randomBytes, randomInt } from 'node:crypto';
import type { Containment } from '#base/domain/contain';
import { VARIANTS_MAX } from '#base/domain/ids';
import { EXTRANONCE1_BYTES, EXTRANONCE2_BYTES, type Job, VARIANT_BYTES } from '#base/domain/job';
import type { MinerQuery, MinerView } from '#base/domain/miner';
import type { Clock, Logger, ShareIntake, Wire } from '#base/domain/ports';
import { limits } from '#base/limits';
import { newCounts } from '#base/telemetry/counters';
import type { Metrics } from '#base/telemetry/metrics';
import type { Client } from '../client.ts';
import { closings } from '../closings.ts';
import type { CurrentWork, Seated, SessionContext, SessionCounters, SessionOptions, Vacating } from '../context.ts';
import type { Extranonces } from '../extranonces/extranonce.ts';
import { Idlers } from '../extranonces/idlers.ts';
import { type Estate, Resumable } from '../extranonces/resumable.ts';
import type { Authorize } from '../login/authorize.ts';
import type { PayeeOf } from '../login/payees.ts';
import { deviceProfiles } from '../profiles.ts';
import { Session } from '../session.ts';
import { CoinbaseSizes } from '../work/coinbase-sizes.ts';
import { EasyShares } from '../work/easy-shares.ts';
import { RungSum, TermsCache } from '../work/terms.ts';
import { MinerBook } from './miner-book.ts';
import { WorkerCounts } from './worker-counts.ts';

/** From the system's randomness: 1 to VARIANTS_MAX - 1. */
export const randomVariant = (): number => randomInt(1, VARIANTS_MAX);

export interface SessionModules {
  readonly clock: Clock;
  readonly contain: Containment;
  readonly logger: Logger;
  readonly intake: ShareIntake;
  readonly authorize: Authorize;
  /** Whom the coinbases of an account's sessions pay. Default: those whom the jobs' own coinbases pay. */
  readonly payeeOf?: PayeeOf | undefined;
  /** Jobs have shorter coinbases for devices that take no longer ones. Default: false. */
  readonly sizedCoinbases?: boolean;
  readonly extranonces: Extranonces;
  /** 16 random hex digits. Default: from the system's randomness. */
  readonly newResumeId?: () => string;
  /** Random, from 1 to VARIANTS_MAX - 1. Default: `randomVariant`. */
  readonly newVariant?: () => number;
  /** Called for each connection while it is open. Default: none. */
  readonly connections?: Pick<Metrics, 'opened' | 'closed'>;
  /** Unique in the data directory. */
  newSessionId(): bigint;
}

/** A session as statistics see it. */
export type ConnectedSession = Pick<Session, 'sessionId' | 'remoteIp' | 'userAgent' | 'device' | 'workers'>;

/** When the clients of a pool that closes shall be back, seconds. */
const RECONNECT_S_MIN = 5;
const RECONNECT_SPREAD_S = 30;
/** Sets of terms kept for sharing: vardiff's difficulties are few, miners' wishes are not. */
const TERMS_MAX = 4096;

/** Every connection's session, and the job that they all work on. */
export class SessionRegistry {
  readonly #modules: SessionModules;
  readonly #context: SessionContext & {
    work: CurrentWork | undefined;
    hearing: boolean;
    pausedBecause: string;
    refusedBecause: string;
  };
  readonly #sessions = new Set<Session>();
  readonly #resumable: Resumable;
  /** Subscribed sessions, by session id. */
  readonly #seated = new Map<string, Vacating>();
  /** Subscribed sessions, which may be closed to free their extranonces. */
  readonly #idlers = new Idlers<Seated>();
  readonly #sessionsMax: number;
  readonly #jobsMax: number;
  /** Serials of the jobs that may still be answered, oldest first. */
  #serials: number[] = [];
  /** Where the ticks have come to. */
  #round: IterableIterator<Session> | undefined;
  #open = true;
  readonly #counters: SessionCounters = { authorizedWorkers: 0, ...newCounts('session') };

  /** A session's connection is closed. */
  readonly #forget = (session: Session): void => {
    this.#modules.connections?.closed(session.transport);
    this.#sessions.delete(session);
    session.workers.dismiss();
    const { extranonce, resumeId } = session;
    this.#idlers.leave(session);
    if (extranonce === undefined) {
      session.release();
      return;
    }
    this.#seated.delete(resumeId);
    const estate = this.#open && resumeId !== '' ? session.estate(this.#newestSerial) : undefined;
    if (estate) {
      this.#resumable.keep(resumeId, estate);
      return;
    }
    session.release();
    this.#giveBack(session, extranonce);
  };

  constructor(options: SessionOptions, modules: SessionModules) {
    const { clock, contain, intake, authorize, extranonces } = modules;
    this.#resumable = new Resumable(
      {
        sessionsMax: limits.resumableSessionsMax,
        sessionsPerHostMax: limits.resumablePerAddressMax,
        waitMsMax: limits.resumeMsMax,
      },
      extranonces,
    );
    this.#modules = modules;
    this.#sessionsMax = options.sessionsMax ?? limits.connectionsMax;
    this.#jobsMax = options.jobsMax ?? limits.jobsMax;
    this.#context = {
      options,
      clock,
      contain,
      intake,
      authorize,
      profileOf: deviceProfiles(options.profiles ?? [], options.difficulty.min),
      payeeOf: modules.payeeOf,
      sizes: modules.sizedCoinbases === true ? new CoinbaseSizes() : undefined,
      niceHash: options.niceHash,
      idleMsMax: options.idleMsMax ?? limits.idleMsMax,
      reclaim: (resumeId) => this.#reclaim(resumeId),
      seated: (resumeId, session) => {
        this.#seated.set(resumeId, session);
        this.#idlers.enter(session, clock.monotonicMs());
      },
      newExtranonce: () => extranonces.allocate() ?? this.#takeBack(),
      reseated: (session) => this.#idlers.enter(session, clock.monotonicMs()),
      newResumeId: modules.newResumeId ?? (() => randomBytes(8).toString('hex')),
      newVariant: modules.newVariant ?? randomVariant,
      rungs: new RungSum({ rungsMax: limits.termsPerGatewayMax }),
      terms: new TermsCache({ entriesMax: TERMS_MAX }),
      counters: this.#counters,
      easyShares: new EasyShares(clock.monotonicMs()),
      miners: new MinerBook({ clock }),
      workerCounts: new WorkerCounts(),
      work: undefined,
      hearing: true,
      pausedBecause: '',
      refusedBecause: '',
    };
  }

  /** Open connections, whether they have subscribed or not. */
  get sessions(): number {
    return this.#sessions.size;
  }

  /** All connected sessions. */
  connected(): Iterable<ConnectedSession> {
    return this.#sessions;
  }

  /** What an address's workers have done; undefined if none of them is connected. */
  miner(query: MinerQuery): MinerView | undefined {
    return this.#context.miners.view(query);
  }

  /** Difficulty changes that are remembered, of all sessions and of clients that may come back. */
  get rungs(): number {
    return this.#context.rungs.rungs;
  }

  get counters(): Readonly<SessionCounters> {
    return this.#counters;
  }

  get #newestSerial(): number {
    return this.#serials.at(-1) ?? -1;
  }

  /**
   * Also of a connection that is still open: nearly always it has died without a word, and its client is back before that
   * is noticed. Only the client knows the id.
   */
  #reclaim(resumeId: string): Estate | undefined {
    const estate = this.#resumable.take(resumeId) ?? this.#seated.get(resumeId)?.vacate(this.#newestSerial);
    if (!estate) return undefined;
    this.#seated.delete(resumeId);
    const { ladder } = estate.history;
    ladder.prune(this.#serials[0] ?? 0);
    if (!ladder.full) return estate;
    // Nothing more could be promised beside what was. With a new history, and this extranonce, headers that were promised
    // at one difficulty could be handed in at another: so the client gets another extranonce instead.
    ladder.release();
    this.#modules.extranonces.release(estate.extranonce, estate.newestSerial, estate.credited);
    return undefined;
  }

  /** An extranonce of a session that does nothing, which is closed; undefined if there is none. */
  #takeBack(): number | undefined {
    const nowMs = this.#modules.clock.monotonicMs();
    let session = this.#idlers.next(nowMs);
    // Another connection has gone on in its place.
    while (session && session.extranonce === undefined) session = this.#idlers.next(nowMs);
    if (session?.extranonce === undefined) return undefined;
    const { extranonce, resumeId } = session;
    this.#counters.takenBack += 1;
    this.#seated.delete(resumeId);
    this.#giveBack(session, extranonce);
    session.giveUpExtranonce();
    return this.#modules.extranonces.allocate();
  }

  #giveBack({ hasJobs, credited }: Seated, extranonce: number): void {
    this.#modules.extranonces.release(extranonce, hasJobs ? this.#newestSerial : undefined, credited);
  }

  /**
   * Begins a session. `talk` makes its client's end of the conversation, which is returned; undefined if there are too many
   * sessions, or after `closeAll`.
   */
  open<C extends Client>(wire: Wire, talk: (session: Session) => C): C | undefined {
    if (!this.#open || this.#sessions.size >= this.#sessionsMax) return undefined;
    const { newSessionId, connections } = this.#modules;
    let client: C | undefined;
    const begin = (session: Session): C => {
      client = talk(session);
      return client;
    };
    this.#sessions.add(new Session(newSessionId(), wire, begin, this.#context, this.#forget));
    connections?.opened(wire.transport);
    return client;
  }

  /** Takes nothing more of what clients send: a flood could keep shares in flight for ever. */
  stopHearing(): void {
    this.#context.hearing = false;
  }

  /** Makes the job current and sends it to everyone who works. Jobs come with rising serials. */
  broadcast(job: Job): void {
    this.#serials.push(job.serial);
    if (this.#serials.length > this.#jobsMax) this.#serials = this.#serials.slice(-this.#jobsMax);
    const [oldestSerial = job.serial] = this.#serials;
    this.#modules.extranonces.expire(oldestSerial);
    const coinbaseBytes = job.coinb1.length + VARIANT_BYTES + EXTRANONCE1_BYTES + EXTRANONCE2_BYTES + job.coinb2.length;
    const work = { job, oldestSerial, coinbaseBytes };
    this.#context.work = work;
    this.#context.pausedBecause = '';
    this.#context.refusedBecause = '';
    this.#each('a new job', (session) => session.deliver(work));
  }

  /**
   * Time passes: call it about once a second. Looks at a bounded number of sessions and goes on from there next time, so
   * that many connections make the round longer and not the tick.
   */
  tick(): void {
    const { clock, contain } = this.#modules;
    const nowMs = clock.monotonicMs();
    this.#resumable.expire(nowMs);
    this.#context.easyShares.sweep(nowMs);
    const count = Math.min(this.#sessions.size, limits.sessionsPerTickMax);
    for (let seen = 0; seen < count; seen += 1) {
      this.#round ??= this.#sessions.values();
      let next = this.#round.next();
      if (next.done === true) {
        this.#round = this.#sessions.values();
        next = this.#round.next();
      }
      if (next.done === true) return;
      const session = next.value;
      contain.attempt(
        'a look at a session',
        () => session.tick(nowMs),
        () => session.close(closings.failed),
      );
    }
  }

  /**
   * There is no useful work: no session gets work until the next broadcast. All clients get the reason, including those that connect
   * meanwhile.
   */
  pause(message: string): void {
    this.#context.work = undefined;
    this.#context.pausedBecause = message;
    this.#each('a pause', (session) => session.show(message));
  }

  /**
   * As `pause`, and every subscribed session ends, so that firmware goes to its next pool. Until the next broadcast each
   * subscribe and authorize is refused with the message, also on connections that were open before.
   */
  letGo(message: string): void {
    this.pause(message);
    this.#context.refusedBecause = message;
    this.#modules.logger.info({ sessions: this.#sessions.size }, 'letting all sessions go');
    this.#each('letting go', (session) => {
      if (session.subscribed) session.close();
    });
  }

  /**
   * Refuses new connections and closes all others after their queued messages. Clients are asked to reconnect a few seconds later,
   * at different times.
   */
  closeAll(message = 'The pool is closing this connection'): void {
    this.#open = false;
    this.#modules.logger.info({ sessions: this.#sessions.size }, 'closing all sessions');
    let place = 0;
    this.#each('closing', (session) => {
      session.show(message);
      session.comeBack(RECONNECT_S_MIN + (place % RECONNECT_SPREAD_S));
      session.close();
      place += 1;
    });
  }

  /** Does something with every session. A session for which that fails is closed. */
  #each(where: string, act: (session: Session) => void): void {
    this.#modules.contain.each(where, this.#sessions, act, (session) => session.close(closings.failed));
  }
}
