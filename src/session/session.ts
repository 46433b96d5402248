import { EXTRANONCE1_BYTES } from '../domain/job.ts';
import type { Wire, WireHandler } from '../domain/ports.ts';
import type { JudgedShare, RequestId, SubmitRequest, Submitter, Terms, Worker } from '../domain/share.ts';
import { rejects } from '../domain/verdict.ts';
import { limits } from '../limits.ts';
import { decodeMessage } from '../stratum/decode.ts';
import {
  encodeConfigured,
  encodeError,
  encodePing,
  encodeRefusal,
  encodeReject,
  encodeSubscribed,
  encodeTrue,
} from '../stratum/encode.ts';
import { FastSubmit } from '../stratum/fast-submit.ts';
import { u32Hex } from '../stratum/hex.ts';
import type { Extension, Message, ProtocolError, Request } from '../stratum/message.ts';
import { Assignment } from './assignment.ts';
import type { Authorization } from './authorize.ts';
import type { CurrentWork, SessionContext } from './context.ts';
import { HeldMessages } from './held-messages.ts';
import { Liveness } from './liveness.ts';
import { negotiate } from './negotiate.ts';
import { passwordDifficulty } from './password.ts';
import { plainReply } from './plain-reply.ts';
import type { KnownProfile } from './profiles.ts';
import type { Estate } from './resumable.ts';
import { SubmitBudget } from './submit-budget.ts';
import { subscribe } from './subscription.ts';
import { WorkerTally } from './worker-tally.ts';

/** Stratum's code for everything that has none of its own. */
const OTHER = 20;
const NO_EXTRANONCE = new Uint8Array(EXTRANONCE1_BYTES);

/**
 * One connection's conversation. It gives out work when the client has subscribed and authorised a worker, in either
 * order; it remembers what it promised with each job id; it judges nothing: shares go to the intake, which asks back.
 */
export class Session implements Submitter, WireHandler {
  readonly sessionId: bigint;
  readonly remoteIp: string;
  userAgent = '';
  /** What the client calls itself when asked; empty until it has answered. */
  clientVersion = '';
  extranonce1: Uint8Array = NO_EXTRANONCE;
  readonly #wire: Wire;
  readonly #context: SessionContext;
  readonly #forget: (session: Session) => void;
  readonly #liveness: Liveness;
  readonly #assignment: Assignment;
  /** The number behind `extranonce1`; undefined before subscribing. */
  #extranonce: number | undefined;
  /** What the client may name to go on after its connection is lost; empty before subscribing. */
  #resumeId = '';
  #profile: KnownProfile;
  readonly #workers = new Map<string, WorkerTally>();
  /** What came in while a password is being checked, so that replies keep their order; undefined while none is. */
  #held: HeldMessages | undefined;
  /** Of a device below the pool's minimum difficulty; undefined before its first share. */
  #budget: SubmitBudget | undefined;
  readonly #fastSubmit = new FastSubmit();
  #unparsableLines = 0;
  #closing = false;
  #closed = false;

  /** `forget` is called once, when the connection is gone. */
  constructor(sessionId: bigint, wire: Wire, context: SessionContext, forget: (session: Session) => void) {
    this.sessionId = sessionId;
    this.remoteIp = wire.remoteIp;
    this.#wire = wire;
    this.#context = context;
    this.#forget = forget;
    this.#liveness = new Liveness(context.clock.monotonicMs(), context.idleMsMax);
    this.#assignment = new Assignment(wire, context);
    this.#profile = context.profileOf('');
  }

  get subscribed(): boolean {
    return this.#extranonce !== undefined;
  }

  /** The number behind `extranonce1`; undefined before subscribing. */
  get extranonce(): number | undefined {
    return this.#extranonce;
  }

  /** Those who are authorised, with what they have done. */
  get workers(): ReadonlyMap<string, WorkerTally> {
    return this.#workers;
  }

  get device(): string {
    return this.#profile.name;
  }

  worker(name: string): Worker | undefined {
    return this.#workers.get(name);
  }

  terms(serial: number, variant: number): Terms | undefined {
    return this.#assignment.terms(serial, variant);
  }

  onMessage(bytes: Uint8Array): void {
    this.#liveness.hear();
    if (this.#held) this.#hold(this.#held, bytes);
    else this.#decode(bytes);
  }

  #decode(bytes: Uint8Array): void {
    const submit = this.#fastSubmit.read(bytes);
    if (submit) this.#submit(submit);
    else this.#handle(decodeMessage(bytes));
  }

  onClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#forget(this);
  }

  /** Ends the conversation, after what is queued for the client. */
  close(): void {
    this.#closing = true;
    this.#wire.close();
  }

  /** Sends a message that is no reply, to a client that has said who it is. */
  tell(message: string): void {
    if (this.subscribed) this.#wire.send(message);
  }

  settle(share: JudgedShare): void {
    if (share.worker instanceof WorkerTally) share.worker.count(share);
    if (this.#closed) return;
    const { id } = share.request;
    this.#wire.send(share.verdict === 'accepted' ? encodeTrue(id) : encodeReject(id, share.verdict));
    if (share.verdict === 'accepted' && share.terms) this.#assignment.accepted(share.terms.difficulty);
  }

  /** Sends a new job, with the difficulty and mask that are due. Does nothing for a client that is not ready for work. */
  deliver(work: CurrentWork): void {
    if (!this.subscribed || this.#workers.size === 0) return;
    if (work.coinbaseBytes > this.#profile.coinbaseBytesMax) this.#context.counters.oversizedCoinbases += 1;
    this.#assignment.deliver(work);
  }

  /** Looks after the silent: called every few seconds with the monotonic clock. */
  tick(nowMs: number): void {
    const { subscribed } = this;
    const client = { subscribed, authorized: this.#workers.size > 0, answersPing: this.#profile.ping };
    const verdict = this.#liveness.look(nowMs, client);
    if (verdict === 'gone') {
      if (!this.#closing) this.#context.counters.timeouts += 1;
      this.close();
      return;
    }
    if (verdict === 'ask') this.#wire.send(encodePing(this.#context.nextRequestId()));
    this.#assignment.review(nowMs);
  }

  /** What a later connection of this client may take over; undefined where there is nothing to go on with. */
  estate(newestSerial: number): { readonly resumeId: string; readonly estate: Estate } | undefined {
    if (this.#extranonce === undefined || !this.#assignment.begun) return undefined;
    const { history, difficulty } = this.#assignment;
    const closedMs = this.#context.clock.monotonicMs();
    const estate = { extranonce: this.#extranonce, newestSerial, history, difficulty: difficulty.wanted, closedMs };
    return { resumeId: this.#resumeId, estate };
  }

  #hold(held: HeldMessages, bytes: Uint8Array): void {
    if (!held.add(bytes)) this.close();
  }

  #handle(message: Message): void {
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
        // The answer to a ping is "pong", or true; any other text is the answer to client.get_version.
        if (message.text !== undefined && message.text !== 'pong') this.clientVersion = message.text;
        return;
      case 'error':
        this.#fault(message);
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
    if (this.#unparsableLines >= limits.unparsableLinesMax) this.close();
  }

  #submit(request: SubmitRequest): void {
    // A device that has less than the pool's minimum is weak. Who only says so gets no flood of easy shares through.
    if (this.#assignment.difficulty.belowPool && !this.#affords()) {
      this.#context.counters.shedShares += 1;
      this.#wire.send(encodeReject(request.id, 'overloaded'));
    } else this.#context.intake.take(this, request);
  }

  #affords(): boolean {
    this.#budget ??= new SubmitBudget();
    return this.#budget.spend(this.#context.clock.monotonicMs());
  }

  #subscribe(message: Request & { kind: 'subscribe' }): void {
    const { id, userAgent } = message;
    if (this.#extranonce === undefined) {
      const subscription = subscribe(message, this.#context);
      if (typeof subscription === 'string') {
        this.#turnAway(id, subscription);
        return;
      }
      const { extranonce, profile, resumeId, estate } = subscription;
      this.#extranonce = extranonce;
      this.extranonce1 = new Uint8Array(EXTRANONCE1_BYTES);
      new DataView(this.extranonce1.buffer).setUint32(0, extranonce);
      this.userAgent = userAgent;
      this.#profile = profile;
      this.#resumeId = resumeId;
      this.#assignment.device(profile);
      if (estate) this.#assignment.resume(estate);
    }
    this.#wire.send(encodeSubscribed(id, this.#resumeId, u32Hex(this.#extranonce)));
    this.#begin();
  }

  #turnAway(id: RequestId, why: 'not-signed' | 'no-extranonce'): void {
    const { code, text } = rejects.unauthorized;
    this.#wire.send(
      why === 'not-signed'
        ? encodeRefusal(id, code, text, 'the signature is not NiceHash’s')
        : encodeError(id, OTHER, 'No extranonce is free, try again later'),
    );
    this.close();
  }

  #authorize(id: RequestId, name: string, password: string): void {
    const full =
      this.#workers.size >= limits.workersPerSessionMax ||
      this.#context.counters.authorizedWorkers >= limits.workersPerGatewayMax;
    if (full && !this.#workers.has(name)) {
      this.#wire.send(encodeError(id, OTHER, 'Too many workers'));
      return;
    }
    const authorization = this.#context.authorize(name, password);
    if (!(authorization instanceof Promise)) {
      this.#authorized(id, name, password, authorization);
      return;
    }
    const held = new HeldMessages();
    this.#held = held;
    void authorization.then((decided) => {
      this.#held = undefined;
      if (this.#closed || this.#closing) return;
      this.#authorized(id, name, password, decided);
      for (const bytes of held.take()) this.onMessage(bytes);
    });
  }

  #authorized(id: RequestId, name: string, password: string, authorization: Authorization): void {
    if ('refused' in authorization) {
      this.#context.counters.refusedWorkers += 1;
      const { code, text } = rejects.unauthorized;
      this.#wire.send(encodeRefusal(id, code, text, authorization.refused));
      return;
    }
    if (!this.#workers.has(name)) {
      this.#workers.set(name, this.#context.miners.enter(authorization));
      this.#context.counters.authorizedWorkers += 1;
    }
    const fixed = passwordDifficulty(password);
    if (fixed !== undefined) this.#assignment.difficulty.fix(fixed);
    this.#wire.send(encodeTrue(id));
    this.#begin();
    this.#assignment.retarget(this.#context.clock.monotonicMs());
  }

  #configure(id: RequestId, extensions: readonly Extension[]): void {
    const { versionMask, minimumDifficulty, answers } = negotiate(extensions, this.#context.options.versionMask);
    if (versionMask !== undefined) this.#assignment.versionMask = versionMask;
    if (minimumDifficulty !== undefined) this.#assignment.difficulty.keepAbove(minimumDifficulty);
    this.#wire.send(encodeConfigured(id, answers));
    this.#assignment.retarget(this.#context.clock.monotonicMs());
  }

  /** The first work, once the client is ready for it. */
  #begin(): void {
    const { work } = this.#context;
    if (work && !this.#assignment.begun) this.deliver(work);
  }
}
