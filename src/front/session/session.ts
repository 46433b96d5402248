import type { Difficulty } from '#base/domain/difficulty';
import { hostOf } from '#base/domain/ip';
import type { Wire } from '#base/domain/ports';
import type { JudgedShare, ShareFields, Submitter } from '#base/domain/share';
import { limits } from '#base/limits';
import type { Client } from './client.ts';
import { closings } from './closings.ts';
import type { CurrentWork, Seated, SessionContext } from './context.ts';
import type { Estate } from './extranonces/resumable.ts';
import { Seat } from './extranonces/seat.ts';
import { Liveness } from './liveness.ts';
import type { Authorization } from './login/authorize.ts';
import { Logins } from './login/logins.ts';
import { mustSign } from './login/nicehash.ts';
import type { KnownProfile } from './profiles.ts';
import { type Subscribing, subscribe, type TurnedAway } from './subscription.ts';
import { type Agreement, Assignment } from './work/assignment.ts';
import { SharedWish } from './work/shared-wish.ts';
import { WorkerRoll } from './workers/worker-roll.ts';

/** A seat that was taken from an open connection is not taken from the next one sooner than this. */
const SEIZE_MS_MIN = 10_000;

const KEPT_OUT = `too many bad shares of this worker, try again in ${limits.keptOutMs / 1000} s`;

/** The result of a login: the reason of a refusal, or a notice for the client (undefined: none). */
export type LoginOutcome = { readonly refused: string } | { readonly notice: string | undefined };

/**
 * One connection's state, independent of the protocol: identity, workers and work. The session sends work when the client has
 * subscribed and authorised a worker, in either order. It remembers the terms of each job. It judges no share: shares go to the
 * intake with the session's data.
 */
export class Session implements Submitter, Seated {
  readonly sessionId: bigint;
  readonly remoteIp: string;
  readonly #wire: Wire;
  readonly #client: Client;
  readonly #context: SessionContext;
  readonly #forget: (session: Session) => void;
  readonly #liveness: Liveness;
  readonly #assignment: Assignment;
  readonly #seat: Seat;
  #profile: KnownProfile;
  readonly #roll: WorkerRoll;
  /** The account that the coinbases of this connection pay; undefined before the first login, and unless accounts have own coinbases. */
  #account: string | undefined;
  /** Shares that the intake has not answered yet; they were made with the current extranonce. */
  #sharesUnderWay = 0;
  /** A share was accepted with this extranonce. */
  #worked = false;
  readonly logins: Logins;
  readonly #wish = new SharedWish();
  #greeted = false;
  /** The client sends nothing more. */
  #ended = false;
  #closing = false;
  #closed = false;

  /** `talk` makes the conversation with the client. `forget` is called once, when the connection is closed. */
  constructor(
    sessionId: bigint,
    wire: Wire,
    talk: (session: Session) => Client,
    context: SessionContext,
    forget: (session: Session) => void,
  ) {
    this.sessionId = sessionId;
    this.remoteIp = wire.remoteIp;
    this.#wire = wire;
    this.#client = talk(this);
    this.#seat = new Seat(sessionId, wire.remoteIp);
    this.#context = context;
    this.#forget = forget;
    this.#liveness = new Liveness(context.clock.monotonicMs(), context.idleMsMax);
    this.#assignment = new Assignment(wire.remoteIp, this.#client, context);
    this.#profile = context.profileOf('');
    this.#roll = new WorkerRoll(wire.remoteIp, context.options.difficulty.sharesPerMinute, context);
    this.logins = new Logins(context.authorize, wire);
  }

  get transport(): Wire['transport'] {
    return this.#wire.transport;
  }

  get subscribed(): boolean {
    return this.#seat.extranonce !== undefined;
  }

  /** The client's extranonce1; undefined before subscribing. */
  get extranonce(): number | undefined {
    return this.#seat.extranonce;
  }

  get userAgent(): string {
    return this.#seat.source.userAgent;
  }

  /** The session id with which the client may resume; empty if it was sent none. */
  get resumeId(): string {
    return this.#seat.resumeId;
  }

  get worked(): boolean {
    return this.#worked;
  }

  /** True if shares were accepted with its extranonce, or still may be. */
  get credited(): boolean {
    return this.#worked || this.#sharesUnderWay > 0;
  }

  /** Whether it was ever given work for its extranonce. */
  get hasJobs(): boolean {
    return this.#assignment.hasJobs;
  }

  /** The authorised workers. */
  get workers(): WorkerRoll {
    return this.#roll;
  }

  get device(): string {
    return this.#profile.name;
  }

  /** True once the connection is to be closed: nothing new is begun. */
  get closing(): boolean {
    return this.#closing;
  }

  /** Version bits that the pool lets its miners roll, u32. */
  get allowedMask(): number {
    return this.#context.options.versionMask;
  }

  /** While the pool has no work worth doing: why a client that comes now is refused. Empty if none is. */
  get refusedBecause(): string {
    return this.#context.refusedBecause;
  }

  /** Something came from the client. False if the pool takes nothing more: then it is as if that had not been read. */
  hear(): boolean {
    this.#liveness.hear();
    return this.#context.hearing;
  }

  /** The client has half-closed the connection, and waits for the remaining replies. */
  end(): void {
    this.#ended = true;
    this.closeIfAnswered();
  }

  /** Closes the connection of a client that sends nothing more, once it has every reply. */
  closeIfAnswered(): void {
    if (this.#ended && this.#sharesUnderWay === 0 && !this.logins.checking) this.close();
  }

  /** The connection is gone. */
  leave(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#closing = true;
    this.#forget(this);
  }

  /** Closes the connection after queued messages. Sends the reason to the client, if one is given. */
  close(why?: string): void {
    this.#closing = true;
    this.#wire.close(why);
  }

  /** An unexpected error ends this session, and nothing else. */
  fail(where: string, error: unknown): void {
    const { contain } = this.#context;
    contain.caught(where, error);
    contain.attempt(where, () => this.close(closings.failed));
  }

  /** Shows a text to a client that has subscribed. */
  show(text: string): void {
    if (this.subscribed) this.#client.show(text);
  }

  /** Asks a client that has subscribed to reconnect after this many seconds. */
  comeBack(waitSeconds: number): void {
    if (this.subscribed) this.#client.comeBack(waitSeconds);
  }

  /** Passes a share to the intake. The conversation gets `reply` back to answer the share. */
  submit(fields: ShareFields, isMalformed: boolean, reply: unknown): void {
    const unwanted = !this.#assignment.affords();
    if (unwanted) this.#context.counters.shedShares += 1;
    const { workerName, jobName, serial, variant, extranonce2, ntime, nonce, versionBits } = fields;
    const terms = this.#assignment.terms(serial, variant);
    const malformed = isMalformed ? 'malformed' : undefined;
    this.#sharesUnderWay += 1;
    this.#context.intake.take({
      workerName,
      jobName,
      serial,
      variant,
      extranonce2,
      ntime,
      nonce,
      versionBits,
      source: this.#seat.source,
      worker: this.#roll.find(workerName),
      terms,
      versionMask: terms?.versionMask ?? this.#assignment.lateVersionMask(serial),
      coinbase: this.#assignment.coinbaseOf(terms),
      fault: this.subscribed ? malformed : 'not-subscribed',
      unwanted,
      submitter: this,
      reply,
    });
  }

  judged(share: JudgedShare): void {
    this.#wire.judged(share);
  }

  durable(share: JudgedShare): void {
    this.#sharesUnderWay -= 1;
    if (share.verdict === 'accepted') this.#worked = true;
    this.#roll.count(share);
    if (this.#closed) return;
    this.#client.answerShare(share.submission.reply, share.verdict);
    if (share.verdict === 'accepted' && share.terms) {
      this.#shareAmongWorkers();
      this.#assignment.accepted(share.terms.difficulty);
    }
    this.closeIfAnswered();
  }

  /** Sends a new job, with the difficulty and mask that are due. Does nothing for a client that is not ready for work. */
  deliver(work: CurrentWork): void {
    if (!this.subscribed || this.workers.size === 0) return;
    this.#assignment.deliver(work);
  }

  /** Looks after the silent: called every few seconds with the monotonic clock. */
  tick(nowMs: number): void {
    const { subscribed } = this;
    const client = { subscribed, authorized: this.workers.size > 0, answersPing: this.#profile.ping };
    const verdict = this.#liveness.look(nowMs, client);
    if (verdict !== 'fine' && verdict !== 'ask') {
      if (!this.#closing) this.#context.counters.timeouts += 1;
      this.close(closings[verdict]);
      return;
    }
    if (verdict === 'ask') this.#client.ping();
    this.#roll.active.pass(nowMs);
    this.#shareAmongWorkers();
    this.#assignment.review(nowMs);
  }

  #shareAmongWorkers(): void {
    const { active, size } = this.#roll;
    this.#assignment.difficulty.shareAmong(active.count, active.complete ? active.count : size);
  }

  /** The state that a later connection of this client may resume; undefined if there is none. */
  estate(newestSerial: number): Estate | undefined {
    const { extranonce } = this.#seat;
    if (extranonce === undefined || !this.#assignment.hasJobs) return undefined;
    const { history, difficulty } = this.#assignment;
    const closedMs = this.#context.clock.monotonicMs();
    const { credited } = this;
    const host = hostOf(this.remoteIp);
    return {
      host,
      extranonce,
      newestSerial,
      history,
      difficulty: difficulty.wanted,
      credited,
      closedMs,
      seized: false,
    };
  }

  /**
   * Gives this session's extranonce to another connection. This connection goes on with another extranonce if the client supports
   * `mining.set_extranonce` and none of its shares is being judged. Otherwise it is closed. Returns undefined if this client took
   * the extranonce over a moment ago and has authorised since: two clients of one session id would take it from each other for ever.
   */
  vacate(newestSerial: number): Estate | undefined {
    const estate = this.estate(newestSerial);
    if (!estate) return undefined;
    if (estate.closedMs - this.#seat.seizedMs < SEIZE_MS_MIN && this.workers.size > 0) return undefined;
    this.#leaveSeat();
    const moves = this.#seat.movable && this.#sharesUnderWay === 0;
    const extranonce = moves ? this.#context.newExtranonce() : undefined;
    if (extranonce === undefined) this.close(closings.taken);
    else {
      this.#seat.take(extranonce, '');
      this.#context.reseated(this);
      this.#client.giveExtranonce(extranonce);
      this.begin();
    }
    return { ...estate, seized: true };
  }

  /**
   * Gives its extranonce back, so that another client can have it, and closes the connection. To be called only if nothing was
   * credited with that extranonce.
   */
  giveUpExtranonce(): void {
    this.release();
    this.#leaveSeat();
    this.close(closings.idle);
  }

  /** No later connection will resume this session. */
  release(): void {
    this.#assignment.release();
  }

  #leaveSeat(): void {
    this.#seat.leave();
    this.#worked = false;
    this.#assignment.restart();
  }

  /** Gives the client an extranonce, unless it has one. Returns why it can not have any. */
  subscribe(asked: Subscribing): TurnedAway | undefined {
    if (this.subscribed) return undefined;
    const subscription = subscribe(asked, this.#context);
    if (typeof subscription === 'string') return subscription;
    const { extranonce, resumeId, estate } = subscription;
    this.#seat.take(extranonce, resumeId);
    this.#context.seated(resumeId, this);
    this.#introduce(asked.userAgent);
    if (estate) this.#assignment.resume(estate);
    this.#worked = estate?.credited ?? false;
    if (estate?.seized) this.#seat.seizedMs = this.#context.clock.monotonicMs();
    return undefined;
  }

  /** The client understands another extranonce in the middle of its work. */
  makeMovable(): void {
    this.#seat.movable = true;
  }

  /** The user agent from the answer to `client.get_version`. A name that needs a signature is not accepted this way. */
  called(name: string): void {
    const { niceHash, profileOf } = this.#context;
    if (this.userAgent === '' && (!niceHash || !mustSign(profileOf, name))) this.#introduce(name);
  }

  /** Sets the client's user agent, from its subscribe or from its answer. */
  #introduce(userAgent: string): void {
    this.#seat.introduce(userAgent);
    this.#profile = this.#context.profileOf(userAgent);
    this.#assignment.device(this.#profile);
  }

  /** A name and its password have been decided on. */
  login(authorization: Authorization, password: string): LoginOutcome {
    const { counters } = this.#context;
    if ('refused' in authorization) {
      counters.refusedWorkers += 1;
      return authorization;
    }
    const { name } = authorization;
    if (this.#roll.find(name) === undefined && !this.#wire.admits(name)) {
      counters.refusedWorkers += 1;
      return { refused: KEPT_OUT };
    }
    const refused = this.#payTo(authorization.account);
    if (refused !== undefined) {
      counters.refusedWorkers += 1;
      return { refused };
    }
    this.#roll.add(authorization);
    const wish = this.#wish.take(name, password);
    if (wish && 'fix' in wish) this.#assignment.difficulty.fix(wish.fix);
    return { notice: wish && 'refusal' in wish ? wish.refusal : undefined };
  }

  /**
   * If accounts are paid by their own coinbases, a connection has one coinbase, so it has one account: that of its first worker.
   * Returns why another account can not mine over it.
   */
  #payTo(account: string): string | undefined {
    const { payeeOf } = this.#context;
    if (payeeOf === undefined) return undefined;
    if (this.#account === undefined) {
      this.#account = account;
      this.#assignment.payTo(payeeOf(account));
    }
    if (this.#account === account) return undefined;
    return `blocks of this connection pay ${this.#account}: connect once more for another account`;
  }

  /** Sets the negotiated version mask, which holds from the next job id on. */
  agree(agreement: Agreement): void {
    this.#assignment.agree(agreement);
  }

  suggest(difficulty: Difficulty): void {
    this.#assignment.difficulty.suggest(difficulty);
  }

  /** Gives out the current job again if other terms are due. */
  retarget(): void {
    this.#assignment.retarget(this.#context.clock.monotonicMs());
  }

  /** The first work, or why there is none, once the client is ready for it. One that did not say what it is is asked. */
  begin(): void {
    const { work, pausedBecause } = this.#context;
    if (this.#assignment.begun || !this.subscribed || this.workers.size === 0) return;
    if (work) this.deliver(work);
    if (this.#greeted) return;
    this.#greeted = true;
    if (!work && pausedBecause !== '') this.#client.show(pausedBecause);
    if (this.userAgent === '') this.#client.askName();
  }
}
