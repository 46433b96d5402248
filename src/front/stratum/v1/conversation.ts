import type { Containment } from '#base/domain/contain';
import type { Job } from '#base/domain/job';
import type { Wire, WireHandler } from '#base/domain/ports';
import type { CoinbaseChoice } from '#base/domain/share';
import type { Verdict } from '#base/domain/verdict';
import { limits } from '#base/limits';
import type { Client } from '#front/session/client';
import { closings } from '#front/session/closings';
import type { Authorization } from '#front/session/login/authorize';
import type { Session } from '#front/session/session';
import { decodeMessage } from './decode.ts';
import {
  encodeConfigured,
  encodeError,
  encodeGetVersion,
  encodePing,
  encodeReconnect,
  encodeRefused,
  encodeSetDifficulty,
  encodeSetExtranonce,
  encodeSetVersionMask,
  encodeShowMessage,
  encodeSubscribed,
  encodeTrue,
  encodeTurnedAway,
  encodeVerdict,
} from './encode.ts';
import { OTHER } from './errors.ts';
import { FastSubmit, type LastView } from './fast-submit.ts';
import { u32Hex } from './hex.ts';
import type { Message, ProtocolError, ProtocolFault, Request } from './message.ts';
import { negotiate } from './negotiate.ts';
import type { NotifyLine } from './notify.ts';
import { plainReply } from './plain-reply.ts';
import type { RequestId } from './request-id.ts';
import type { SubmitRequest } from './submit.ts';

/** Shared by all conversations of a gateway. */
export interface SharedByConversations {
  readonly contain: Containment;
  /** Invalid requests, by the kind of error. */
  readonly faults: Record<ProtocolFault, number>;
  readonly views: LastView;
  /** `mining.notify` of a job. */
  notify(job: Job): NotifyLine;
  /** Of something that the pool asks a client. */
  nextRequestId(): number;
}

/** One connection in Stratum V1: decodes the client's messages for its session, and encodes the session's answers. */
export class Conversation implements WireHandler, Client {
  readonly #wire: Wire;
  readonly #session: Session;
  readonly #shared: SharedByConversations;
  readonly #fastSubmit = new FastSubmit();
  #unparsableLines = 0;
  /** A Stratum request has come. */
  #spoken = false;

  constructor(wire: Wire, session: Session, shared: SharedByConversations) {
    this.#wire = wire;
    this.#session = session;
    this.#shared = shared;
  }

  onMessage(bytes: Uint8Array, begin: number, end: number): void {
    const session = this.#session;
    if (!session.hear()) return;
    const { logins } = session;
    if (logins.checking) {
      if (!logins.hold(bytes.subarray(begin, end))) session.close(closings.held);
      return;
    }
    try {
      const submit = this.#fastSubmit.read(bytes, this.#shared.views.of(bytes), begin, end);
      if (submit) this.#submit(submit);
      else this.#handle(decodeMessage(bytes.subarray(begin, end)));
    } catch (error) {
      session.fail('a message', error);
    }
  }

  onEnd(): void {
    this.#shared.contain.attempt('the end of a connection', () => this.#session.end());
  }

  onClose(): void {
    this.#shared.contain.attempt('a closed connection', () => this.#session.leave());
  }

  expel(name: string): void {
    this.#session.workers.remove(name);
  }

  /** A text for the client's display. Undefined if the client has sent no Stratum request: it may speak another protocol. */
  closingMessage(why: string): string | undefined {
    return this.#spoken ? encodeShowMessage(why.slice(0, limits.closingCharsMax)) : undefined;
  }

  tellDifficulty(difficulty: number): void {
    this.#wire.send(encodeSetDifficulty(difficulty));
  }

  tellVersionMask(mask: number): void {
    this.#wire.send(encodeSetVersionMask(mask));
  }

  giveJob(job: Job, variant: number, clean: boolean, coinbase?: CoinbaseChoice): void {
    const line = this.#shared.notify(job);
    const isBroadcast = variant === 0 && clean === job.cleanJobs && coinbase === undefined;
    this.#wire.send(isBroadcast ? line.text : line.as(variant, clean, coinbase));
  }

  giveExtranonce(extranonce: number): void {
    this.#wire.send(encodeSetExtranonce(u32Hex(extranonce)));
  }

  answerShare(reply: unknown, verdict: Verdict): void {
    // It is the id that `#submit` handed in.
    this.#wire.send(encodeVerdict(reply as RequestId, verdict));
  }

  show(text: string): void {
    this.#wire.send(encodeShowMessage(text));
  }

  comeBack(waitSeconds: number): void {
    this.#wire.send(encodeReconnect(waitSeconds));
  }

  ping(): void {
    this.#wire.send(encodePing(this.#shared.nextRequestId()));
  }

  askName(): void {
    this.#wire.send(encodeGetVersion(this.#shared.nextRequestId()));
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
        this.#authorize(message);
        return;
      case 'configure':
        this.#configure(message);
        return;
      case 'suggest-difficulty':
        this.#session.suggest(message.difficulty);
        this.#answer(plainReply({ kind: 'acknowledge', id: message.id }));
        this.#session.retarget();
        return;
      case 'reply':
        if (message.text !== undefined) this.#session.called(message.text);
        return;
      case 'error':
        this.#fault(message);
        return;
      case 'extranonce-subscribe':
        this.#session.makeMovable();
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
    this.#shared.faults[fault] += 1;
    this.#wire.send(encodeError(id, code, text));
    if (fault !== 'unparsable' && fault !== 'invalid-request') return;
    this.#unparsableLines += 1;
    if (this.#unparsableLines >= limits.unparsableLinesMax) this.#session.close(closings.junk);
  }

  #submit(request: SubmitRequest): void {
    this.#session.submit(request, request.malformed !== undefined, request.id);
  }

  #subscribe({ id, userAgent, sessionId, signature }: Request & { kind: 'subscribe' }): void {
    const session = this.#session;
    if (session.closing || this.#refused(id)) return;
    const turnedAway = session.subscribe({ userAgent, resumeId: sessionId, signature });
    if (turnedAway !== undefined) {
      this.#wire.send(encodeTurnedAway(id, turnedAway));
      session.close();
      return;
    }
    this.#wire.send(encodeSubscribed(id, session.resumeId, u32Hex(session.extranonce ?? 0)));
    session.begin();
  }

  /** While the pool has no useful work, new clients get the reason and try their next pool. */
  #refused(id: RequestId): boolean {
    const { refusedBecause } = this.#session;
    if (refusedBecause === '') return false;
    this.#wire.send(encodeError(id, OTHER, refusedBecause));
    this.#session.close();
    return true;
  }

  #authorize({ id, name, password }: Request & { kind: 'authorize' }): void {
    const session = this.#session;
    if (this.#refused(id)) return;
    if (!session.workers.takes(name)) {
      this.#wire.send(encodeError(id, OTHER, 'Too many workers'));
      return;
    }
    const checked = session.logins.decide(
      name,
      password,
      (authorization) => {
        if (!session.closing) this.#authorized(id, password, authorization);
      },
      (message) => {
        if (!session.closing) this.onMessage(message, 0, message.length);
      },
      (error) => session.fail('a login', error),
    );
    void checked?.then(() => session.closeIfAnswered());
  }

  #authorized(id: RequestId, password: string, authorization: Authorization): void {
    const session = this.#session;
    const outcome = session.login(authorization, password);
    if ('refused' in outcome) {
      this.#wire.send(encodeRefused(id, outcome.refused));
      return;
    }
    this.#wire.send(encodeTrue(id));
    if (outcome.notice !== undefined) this.show(outcome.notice);
    session.begin();
    session.retarget();
  }

  #configure({ id, extensions }: Request & { kind: 'configure' }): void {
    const session = this.#session;
    if (extensions.some(({ kind }) => kind === 'subscribe-extranonce')) session.makeMovable();
    const { answers, ...agreement } = negotiate(extensions, session.allowedMask);
    session.agree(agreement);
    this.#wire.send(encodeConfigured(id, answers));
    session.retarget();
  }
}
