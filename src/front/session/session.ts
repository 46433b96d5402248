import { hostOf } from '#base/domain/ip';
import type { Wire, WireHandler } from '#base/domain/ports';
import type { JudgedShare, Source, Submitter } from '#base/domain/share';
import { limits } from '#base/limits';
import { decodeMessage } from '#front/stratum/v1/decode';
import {
  encodeConfigured,
  encodeError,
  encodeGetVersion,
  encodePing,
  encodeRefused,
  encodeSetExtranonce,
  encodeShowMessage,
  encodeSubscribed,
  encodeTrue,
  encodeVerdict,
} from '#front/stratum/v1/encode';
import { OTHER } from '#front/stratum/v1/errors';
import { FastSubmit } from '#front/stratum/v1/fast-submit';
import type { Extension, Message, ProtocolError, Request } from '#front/stratum/v1/message';
import type { RequestId } from '#front/stratum/v1/request-id';
import type { SubmitRequest } from '#front/stratum/v1/submit';
import { closings } from './closings.ts';
import type { CurrentWork, Seated, SessionContext } from './context.ts';
import type { Estate } from './extranonces/resumable.ts';
import { Seat } from './extranonces/seat.ts';
import { Liveness } from './liveness.ts';
import type { Authorization } from './login/authorize.ts';
import { Logins } from './login/logins.ts';
import { mustSign } from './login/nicehash.ts';
import { plainReply } from './plain-reply.ts';
import type { KnownProfile } from './profiles.ts';
import { encodeTurnedAway, subscribe } from './subscription.ts';
import { Assignment } from './work/assignment.ts';
import { SharedWish } from './work/shared-wish.ts';
import { WorkerRoll } from './workers/worker-roll.ts';

/** A seat that was taken from an open connection is not taken from the next one sooner than this. */
const SEIZE_MS_MIN = 10_000;

const KEPT_OUT = `too many bad shares of this worker, try again in ${limits.keptOutMs / 1000} s`;

/**
 * One connection's conversation. It gives out work when the client has subscribed and authorised a worker, in either
 * order; it remembers what it promised with each job id; it judges nothing: shares go to the intake with all that it knows of them.
 */
export class Session implements Submitter, Seated, WireHandler {
  readonly sessionId: bigint;
  readonly remoteIp: string;
  #source: Source;
  readonly #wire: Wire;
  readonly #context: SessionContext;
  readonly #forget: (session: Session) => void;
  readonly #liveness: Liveness;
  readonly #assignment: Assignment;
  readonly #seat = new Seat();
  #profile: KnownProfile;
  readonly #roll: WorkerRoll;
  /** Shares that the intake has and has not settled: they were made with `extranonce1` as it is. */
  #sharesUnderWay = 0;
  /** A share was accepted with this extranonce. */
  #worked = false;
  readonly #logins: Logins;
  readonly #wish = new SharedWish();
  readonly #fastSubmit = new FastSubmit();
  #unparsableLines = 0;
  #greeted = false;
  /** A Stratum request has come. */
  #spoken = false;
  /** The client sends nothing more. */
  #ended = false;
  #closing = false;
  #closed = false;

  /** `forget` is called once, when the connection is gone. */
  constructor(sessionId: bigint, wire: Wire, context: SessionContext, forget: (session: Session) => void) {
    this.sessionId = sessionId;
    this.remoteIp = wire.remoteIp;
    this.#wire = wire;
    this.#source = { sessionId, extranonce1: this.#seat.extranonce1, remoteIp: wire.remoteIp, userAgent: '' };
    this.#context = context;
    this.#forget = forget;
    this.#liveness = new Liveness(context.clock.monotonicMs(), context.idleMsMax);
    this.#assignment = new Assignment(wire, context);
    this.#profile = context.profileOf('');
    this.#roll = new WorkerRoll(wire.remoteIp, context.options.difficulty.sharesPerMinute, context);
    this.#logins = new Logins(context.authorize, wire);
  }

  get subscribed(): boolean {
    return this.#seat.extranonce !== undefined;
  }

  /** The number behind `extranonce1`; undefined before subscribing. */
  get extranonce(): number | undefined {
    return this.#seat.extranonce;
  }

  get userAgent(): string {
    return this.#source.userAgent;
  }

  /** What the client may name to go on after its connection is lost; empty where it was told nothing of the kind. */
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

  /** Those who are authorised. */
  get workers(): WorkerRoll {
    return this.#roll;
  }

  get device(): string {
    return this.#profile.name;
  }

  expel(name: string): void {
    this.#roll.remove(name);
  }

  onMessage(bytes: Uint8Array, begin: number, end: number): void {
    this.#liveness.hear();
    if (this.#logins.checking) {
      if (!this.#logins.hold(bytes.subarray(begin, end))) this.close(closings.held);
      return;
    }
    try {
      const submit = this.#fastSubmit.read(bytes, this.#context.views.of(bytes), begin, end);
      if (submit) this.#submit(submit);
      else this.#handle(decodeMessage(bytes.subarray(begin, end)));
    } catch (error) {
      this.#failed('a message', error);
    }
  }

  onEnd(): void {
    this.#ended = true;
    this.#closeIfAnswered();
  }

  /** Closes the connection of a client that sends nothing more, once it has every reply. */
  #closeIfAnswered(): void {
    if (this.#ended && this.#sharesUnderWay === 0 && !this.#logins.checking) this.close();
  }

  onClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#closing = true;
    this.#forget(this);
  }

  /** Ends the conversation after what is queued for the client, which is told why if a reason is given. */
  close(why?: string): void {
    this.#closing = true;
    this.#wire.close(why);
  }

  /** A text for the client's display. Undefined if the client has sent no Stratum request: it may speak another protocol. */
  closingMessage(why: string): string | undefined {
    return this.#spoken ? encodeShowMessage(why.slice(0, limits.closingCharsMax)) : undefined;
  }

  /** An unexpected error ends this session, and nothing else. */
  #failed(where: string, error: unknown): void {
    const { contain } = this.#context;
    contain.caught(where, error);
    contain.attempt(where, () => this.close(closings.failed));
  }

  /** Sends a message that is no reply, to a client that has said who it is. */
  tell(message: string): void {
    if (this.subscribed) this.#wire.send(message);
  }

  judged(share: JudgedShare): void {
    this.#wire.judged(share);
  }

  durable(share: JudgedShare): void {
    this.#sharesUnderWay -= 1;
    if (share.verdict === 'accepted') this.#worked = true;
    this.#roll.count(share);
    if (this.#closed) return;
    this.#wire.send(encodeVerdict(share.submission.reply as RequestId, share.verdict));
    if (share.verdict === 'accepted' && share.terms) {
      this.#shareAmongWorkers();
      this.#assignment.accepted(share.terms.difficulty);
    }
    this.#closeIfAnswered();
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
    if (verdict === 'ask') this.#wire.send(encodePing(this.#context.nextRequestId()));
    this.#roll.active.pass(nowMs);
    this.#shareAmongWorkers();
    this.#assignment.review(nowMs);
  }

  #shareAmongWorkers(): void {
    const { active, size } = this.#roll;
    this.#assignment.difficulty.shareAmong(active.count, active.complete ? active.count : size);
  }

  /** What a later connection of this client may take over; undefined where there is nothing to go on with. */
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
   * Leaves its seat to another connection. Should there be somebody at this one after all, he goes on with another extranonce
   * where he understands that and nothing of his is being judged; else he is closed, and comes back. Undefined where he has
   * seized the seat himself a moment ago, and went on to authorise: two clients with one id would do so in turns without end.
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
      this.#takeSeat(extranonce, '');
      this.#context.reseated(this);
      this.#wire.send(encodeSetExtranonce(this.#seat.hex));
      this.#begin();
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

  /** Nobody will go on from where it is. */
  release(): void {
    this.#assignment.release();
  }

  #takeSeat(extranonce: number, resumeId: string): void {
    this.#seat.take(extranonce, resumeId);
    this.#source = { ...this.#source, extranonce1: this.#seat.extranonce1 };
  }

  #leaveSeat(): void {
    this.#seat.leave();
    this.#worked = false;
    this.#assignment.restart();
  }

  #handle(message: Message): void {
    this.#spoken ||= message.kind !== 'error' && message.kind !== 'reply';
    switch (message.kind) {
      case 'submit':
        this.#submit(message.request);
        return;
      case 'subscribe':
        this.#subscribe(message);
        return;
      case 'authorize':
        this.#authorize(message.id, message.name, message.password);
        return;
      case 'configure':
        this.#configure(message.id, message.extensions);
        return;
      case 'suggest-difficulty':
        this.#assignment.difficulty.suggest(message.difficulty);
        this.#answer(plainReply({ kind: 'acknowledge', id: message.id }));
        this.#assignment.retarget(this.#context.clock.monotonicMs());
        return;
      case 'reply':
        if (message.text !== undefined && this.userAgent === '') this.#called(message.text);
        return;
      case 'error':
        this.#fault(message);
        return;
      case 'extranonce-subscribe':
        this.#seat.movable = true;
        this.#wire.send(encodeTrue(message.id));
        return;
      default:
        this.#answer(plainReply(message));
    }
  }

  #answer(reply: string | undefined): void {
    if (reply !== undefined) this.#wire.send(reply);
  }

  #fault({ id, fault, code, text }: ProtocolError): void {
    this.#context.counters.protocolErrors[fault] += 1;
    this.#wire.send(encodeError(id, code, text));
    if (fault !== 'unparsable' && fault !== 'invalid-request') return;
    this.#unparsableLines += 1;
    if (this.#unparsableLines >= limits.unparsableLinesMax) this.close(closings.junk);
  }

  #submit(request: SubmitRequest): void {
    const unwanted = !this.#assignment.affords();
    if (unwanted) this.#context.counters.shedShares += 1;
    const { workerName, jobName, serial, variant, extranonce2, ntime, nonce, versionBits } = request;
    const malformed = request.malformed === undefined ? undefined : 'malformed';
    const terms = this.#assignment.terms(serial, variant);
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
      source: this.#source,
      worker: this.#roll.find(workerName),
      terms,
      versionMask: terms?.versionMask ?? this.#assignment.lateVersionMask(serial),
      fault: this.subscribed ? malformed : 'not-subscribed',
      unwanted,
      submitter: this,
      reply: request.id,
    });
  }

  #subscribe(message: Request & { kind: 'subscribe' }): void {
    if (this.#closing || this.#refused(message.id)) return;
    const { id, userAgent } = message;
    if (!this.subscribed) {
      const subscription = subscribe(message, this.#context);
      if (typeof subscription === 'string') {
        this.#wire.send(encodeTurnedAway(id, subscription));
        this.close();
        return;
      }
      const { extranonce, resumeId, estate } = subscription;
      this.#takeSeat(extranonce, resumeId);
      this.#context.seated(resumeId, this);
      this.#introduce(userAgent);
      if (estate) this.#assignment.resume(estate);
      this.#worked = estate?.credited ?? false;
      if (estate?.seized) this.#seat.seizedMs = this.#context.clock.monotonicMs();
    }
    this.#wire.send(encodeSubscribed(id, this.#seat.resumeId, this.#seat.hex));
    this.#begin();
  }

  /** While the pool has no work worth doing, whoever comes hears why and goes to its next pool. */
  #refused(id: RequestId): boolean {
    const { refusedBecause } = this.#context;
    if (refusedBecause === '') return false;
    this.#wire.send(encodeError(id, OTHER, refusedBecause));
    this.close();
    return true;
  }

  /** What the client said when it was asked. The name that needs a signature is not to be had in this way. */
  #called(name: string): void {
    const { niceHash, profileOf } = this.#context;
    if (!niceHash || !mustSign(profileOf, name)) this.#introduce(name);
  }

  /** What the client calls itself, when it subscribes or when it is asked. */
  #introduce(userAgent: string): void {
    this.#source = { ...this.#source, userAgent };
    this.#profile = this.#context.profileOf(userAgent);
    this.#assignment.device(this.#profile);
  }

  #authorize(id: RequestId, name: string, password: string): void {
    if (this.#refused(id)) return;
    if (!this.#roll.takes(name)) {
      this.#wire.send(encodeError(id, OTHER, 'Too many workers'));
      return;
    }
    const checked = this.#logins.decide(
      name,
      password,
      (authorization) => {
        if (!this.#closing) this.#authorized(id, password, authorization);
      },
      (message) => {
        if (!this.#closing) this.onMessage(message, 0, message.length);
      },
      (error) => this.#failed('a login', error),
    );
    void checked?.then(() => this.#closeIfAnswered());
  }

  #authorized(id: RequestId, password: string, authorization: Authorization): void {
    if ('refused' in authorization) {
      this.#context.counters.refusedWorkers += 1;
      this.#wire.send(encodeRefused(id, authorization.refused));
      return;
    }
    if (this.#roll.find(authorization.name) === undefined && !this.#wire.admits(authorization.name)) {
      this.#context.counters.refusedWorkers += 1;
      this.#wire.send(encodeRefused(id, KEPT_OUT));
      return;
    }
    this.#roll.add(authorization);
    const wish = this.#wish.take(authorization.name, password);
    if (wish && 'fix' in wish) this.#assignment.difficulty.fix(wish.fix);
    this.#wire.send(encodeTrue(id));
    if (wish && 'refusal' in wish) this.#wire.send(encodeShowMessage(wish.refusal));
    this.#begin();
    this.#assignment.retarget(this.#context.clock.monotonicMs());
  }

  #configure(id: RequestId, extensions: readonly Extension[]): void {
    if (extensions.some(({ kind }) => kind === 'subscribe-extranonce')) this.#seat.movable = true;
    this.#wire.send(encodeConfigured(id, this.#assignment.configure(extensions)));
    this.#assignment.retarget(this.#context.clock.monotonicMs());
  }

  /** The first work, or why there is none, once the client is ready for it. One that did not say what it is is asked. */
  #begin(): void {
    const { work, pausedBecause } = this.#context;
    if (this.#assignment.begun || !this.subscribed || this.workers.size === 0) return;
    if (work) this.deliver(work);
    if (this.#greeted) return;
    this.#greeted = true;
    if (!work && pausedBecause !== '') this.tell(encodeShowMessage(pausedBecause));
    if (this.userAgent === '') this.#wire.send(encodeGetVersion(this.#context.nextRequestId()));
  }
}
