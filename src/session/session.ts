import { VARIANTS_MAX, wireJobId } from '../domain/ids.ts';
import { EXTRANONCE1_BYTES } from '../domain/job.ts';
import type { Wire, WireHandler } from '../domain/ports.ts';
import type { JudgedShare, RequestId, Submitter, Terms, Worker } from '../domain/share.ts';
import { rejects } from '../domain/verdict.ts';
import { limits } from '../limits.ts';
import { decodeMessage } from '../stratum/decode.ts';
import {
  encodeConfigured,
  encodeError,
  encodeNoTransactions,
  encodePong,
  encodeRefusal,
  encodeReject,
  encodeSetDifficulty,
  encodeSetVersionMask,
  encodeSubscribed,
  encodeTrue,
} from '../stratum/encode.ts';
import { u32Hex } from '../stratum/hex.ts';
import type { Extension, Message, ProtocolError } from '../stratum/message.ts';
import type { CurrentWork, SessionContext } from './context.ts';
import { SessionDifficulty } from './difficulty.ts';
import { negotiate } from './negotiate.ts';
import { passwordDifficulty } from './password.ts';
import { TermsLadder } from './terms.ts';

/** A session gets the same job again at another difficulty no sooner than this; a new job carries the change at any time. */
const RETARGET_MS_MIN = 2_000;
/** How far a repeated job's ntime is moved at most: well within what a share's ntime may be ahead. */
const NTIME_AHEAD_MAX_S = 600;
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
  extranonce1: Uint8Array = NO_EXTRANONCE;
  readonly #wire: Wire;
  readonly #context: SessionContext;
  readonly #forget: (session: Session) => void;
  readonly #openedMs: number;
  /** The number behind `extranonce1`; undefined before subscribing. */
  #extranonce: number | undefined;
  readonly #workers = new Map<string, Worker>();
  readonly #difficulty: SessionDifficulty;
  /** Version bits agreed on with mining.configure; 0 before and without. */
  #versionMask = 0;
  readonly #ladder = new TermsLadder({ rungsMax: limits.termsPerSessionMax });
  /** The newest job that this session was sent, and under how many more ids it was sent. */
  #lastSerial = -1;
  #variant = 0;
  /** When terms were last changed; the first do not count. */
  #changedMs = Number.NEGATIVE_INFINITY;
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
    this.#openedMs = context.clock.monotonicMs();
    this.#difficulty = new SessionDifficulty(context.options.difficulty);
  }

  get subscribed(): boolean {
    return this.#extranonce !== undefined;
  }

  /** The number behind `extranonce1`; undefined before subscribing. */
  get extranonce(): number | undefined {
    return this.#extranonce;
  }

  get workers(): number {
    return this.#workers.size;
  }

  worker(name: string): Worker | undefined {
    return this.#workers.get(name);
  }

  terms(serial: number, variant: number): Terms | undefined {
    return this.#ladder.find(serial, variant, this.#lastSerial);
  }

  onMessage(bytes: Uint8Array): void {
    this.#handle(decodeMessage(bytes));
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

  settle(share: JudgedShare): void {
    if (this.#closed) return;
    const { id } = share.request;
    this.#wire.send(share.verdict === 'accepted' ? encodeTrue(id) : encodeReject(id, share.verdict));
    if (share.verdict !== 'accepted' || share.terms === undefined) return;
    this.#difficulty.accept(share.terms.difficulty);
    this.#review(this.#context.clock.monotonicMs());
  }

  /** Sends a new job, with the difficulty and mask that are due. Does nothing for a client that is not ready for work. */
  deliver(work: CurrentWork): void {
    if (!this.subscribed || this.#workers.size === 0) return;
    const { job, line } = work;
    const first = this.#ladder.latest === undefined;
    this.#lastSerial = job.serial;
    this.#variant = 0;
    this.#ladder.prune(work.oldestSerial);
    const due = this.#due();
    if (due && !this.#ladder.full) this.#announce(job.serial, 0, due);
    // Whatever the client had before it came to us is worthless here.
    this.#wire.send(first && !job.cleanJobs ? line.as(job.id, true, 0) : line.text);
  }

  /** Looks after the silent: called every few seconds with the monotonic clock. */
  tick(nowMs: number): void {
    const ageMs = nowMs - this.#openedMs;
    const { subscribeMsMax, authorizeMsMax } = limits;
    if ((!this.subscribed && ageMs > subscribeMsMax) || (this.#workers.size === 0 && ageMs > authorizeMsMax)) {
      if (!this.#closing) this.#context.counters.timeouts += 1;
      this.close();
      return;
    }
    this.#review(nowMs);
  }

  #handle(message: Message): void {
    switch (message.kind) {
      case 'submit':
        this.#context.intake.take(this, message.request);
        return;
      case 'subscribe':
        this.#subscribe(message.id, message.userAgent);
        return;
      case 'authorize':
        this.#authorize(message.id, message.name, message.password);
        return;
      case 'configure':
        this.#configure(message.id, message.extensions);
        return;
      case 'suggest-difficulty':
        this.#difficulty.suggest(message.difficulty);
        this.#acknowledge(message.id);
        this.#retarget(this.#context.clock.monotonicMs());
        return;
      case 'extranonce-subscribe':
        // The extranonce stays as it is for the life of the connection, so there is nothing to be told later.
        this.#wire.send(encodeTrue(message.id));
        return;
      case 'ping':
        this.#wire.send(encodePong(message.id));
        return;
      case 'transactions':
        this.#wire.send(encodeNoTransactions(message.id));
        return;
      case 'acknowledge':
        this.#acknowledge(message.id);
        return;
      case 'reply':
        return;
      case 'error':
        this.#fault(message);
    }
  }

  /** Says yes to advice, unless it came as a notification. */
  #acknowledge(id: RequestId): void {
    if (id !== null) this.#wire.send(encodeTrue(id));
  }

  #fault({ id, fault, code, text }: ProtocolError): void {
    this.#context.counters.protocolErrors[fault] += 1;
    this.#wire.send(encodeError(id, code, text));
    if (fault !== 'unparsable' && fault !== 'invalid-request') return;
    this.#unparsableLines += 1;
    if (this.#unparsableLines >= limits.unparsableLinesMax) this.close();
  }

  #subscribe(id: RequestId, userAgent: string): void {
    if (this.#extranonce === undefined) {
      const extranonce = this.#context.extranonces.allocate();
      if (extranonce === undefined) {
        this.#wire.send(encodeError(id, OTHER, 'No extranonce is free, try again later'));
        this.close();
        return;
      }
      this.#extranonce = extranonce;
      this.extranonce1 = new Uint8Array(EXTRANONCE1_BYTES);
      new DataView(this.extranonce1.buffer).setUint32(0, extranonce);
      this.userAgent = userAgent;
    }
    const sessionId = this.sessionId.toString(16).padStart(16, '0');
    this.#wire.send(encodeSubscribed(id, sessionId, u32Hex(this.#extranonce)));
    this.#begin();
  }

  #authorize(id: RequestId, name: string, password: string): void {
    const known = this.#workers.has(name);
    if (!known && this.#workers.size >= limits.workersPerSessionMax) {
      this.#wire.send(encodeError(id, OTHER, 'Too many workers on this connection'));
      return;
    }
    const authorization = this.#context.authorize(name, password);
    if ('refused' in authorization) {
      this.#context.counters.refusedWorkers += 1;
      const { code, text } = rejects.unauthorized;
      this.#wire.send(encodeRefusal(id, code, text, authorization.refused));
      return;
    }
    this.#workers.set(name, authorization);
    if (!known) this.#context.counters.authorizedWorkers += 1;
    const fixed = passwordDifficulty(password);
    if (fixed !== undefined) this.#difficulty.fix(fixed);
    this.#wire.send(encodeTrue(id));
    this.#begin();
    this.#retarget(this.#context.clock.monotonicMs());
  }

  #configure(id: RequestId, extensions: readonly Extension[]): void {
    const { versionMask, minimumDifficulty, answers } = negotiate(extensions, this.#context.options.versionMask);
    if (versionMask !== undefined) this.#versionMask = versionMask;
    if (minimumDifficulty !== undefined) this.#difficulty.keepAbove(minimumDifficulty);
    this.#wire.send(encodeConfigured(id, answers));
    this.#retarget(this.#context.clock.monotonicMs());
  }

  /** The first work, once the client is ready for it. */
  #begin(): void {
    const { work } = this.#context;
    if (work && this.#ladder.latest === undefined) this.deliver(work);
  }

  /** The terms that the next job id should have, undefined while the latest announced will do. */
  #due(): Terms | undefined {
    const { latest } = this.#ladder;
    const { wanted } = this.#difficulty;
    if (latest?.difficulty === wanted && latest.versionMask === this.#versionMask) return undefined;
    return this.#context.terms.get(wanted, this.#versionMask);
  }

  #review(nowMs: number): void {
    const { latest } = this.#ladder;
    if (latest === undefined) return;
    // A change that is still on its way is waited for: what comes in meanwhile says nothing about it.
    if (latest.difficulty === this.#difficulty.wanted) this.#difficulty.review(nowMs);
    this.#retarget(nowMs);
  }

  /** Gives out the current job again under a new id where other terms are due. */
  #retarget(nowMs: number): void {
    const { work } = this.#context;
    // Without this job in the client's hands the change waits for the first or the next one.
    if (work === undefined || work.job.serial !== this.#lastSerial) return;
    const due = this.#due();
    if (due === undefined || nowMs - this.#changedMs < RETARGET_MS_MIN) return;
    if (this.#ladder.full || this.#variant + 1 >= VARIANTS_MAX) return;
    this.#variant += 1;
    this.#announce(work.job.serial, this.#variant, due);
    const ntimeAheadS = Math.min(this.#variant, NTIME_AHEAD_MAX_S);
    this.#wire.send(work.line.as(wireJobId(work.job.id, this.#variant), false, ntimeAheadS));
  }

  /** Tells the client what changes with the job id that follows at once. */
  #announce(serial: number, variant: number, terms: Terms): void {
    const before = this.#ladder.latest;
    this.#ladder.announce(serial, variant, terms);
    // The first mask is only told to clients that negotiate: others do not know the message.
    if (terms.versionMask !== (before?.versionMask ?? 0)) this.#wire.send(encodeSetVersionMask(terms.versionMask));
    const nowMs = this.#context.clock.monotonicMs();
    if (before) this.#changedMs = nowMs;
    if (terms.difficulty === before?.difficulty) return;
    this.#wire.send(encodeSetDifficulty(terms.difficulty));
    this.#difficulty.begin(nowMs);
    if (before) this.#context.counters.difficultyChanges += 1;
  }
}
