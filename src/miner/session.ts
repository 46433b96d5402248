import { toHex } from '#base/bitcoin/bytes';
import {
  type Extranonce,
  type PoolMessage,
  type PoolReply,
  parseExtranonce,
  parsePoolMessage,
  u32,
} from './message.ts';
import { makeWork, type Work } from './work.ts';

export interface SessionOptions {
  readonly user: string;
  readonly password: string;
  readonly userAgent: string;
  /** Difficulty to suggest; undefined suggests none. */
  readonly suggestDifficulty: number | undefined;
  /** Version bits to ask for (BIP310), u32; 0 asks for none. */
  readonly versionMask: number;
}

/** A share that was found and checked. */
export interface FoundShare {
  readonly work: Work;
  readonly extranonce2: Uint8Array;
  /** As hashed. */
  readonly version: number;
  readonly nonce: number;
}

export interface SessionHandler {
  send(messages: readonly string[]): void;
  /** Work to do from now on; what came before it is worthless where `clean`. */
  onWork(work: Work, clean: boolean): void;
  /** `reason` undefined: accepted. */
  onVerdict(share: FoundShare, reason: string | undefined): void;
  onReconnect(host: string, port: number, waitMs: number): void;
  onShowMessage(text: string): void;
  /** The pool said no to the user: trying again would be no use. */
  onRefused(reason: string): void;
  /** The pool broke the protocol; the connection is to be closed. */
  onProblem(problem: string): void;
}

type Pending =
  | { readonly method: 'configure' | 'subscribe' | 'authorize' | 'suggest' }
  | { readonly method: 'submit'; readonly share: FoundShare };

/** Stratum V1 as a client speaks it, for one connection; knows no socket. Each reply is checked. */
export class StratumSession {
  readonly #options: SessionOptions;
  readonly #handler: SessionHandler;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #extranonce: Extranonce | undefined;
  #authorized = false;
  #versionMask = 0;
  /** Until the pool sets one (the de-facto default). */
  #difficulty = 1;
  /** A job that came before the subscription or the authorization was answered. */
  #early: PoolMessage | undefined;
  #failed = false;

  constructor(options: SessionOptions, handler: SessionHandler) {
    this.#options = options;
    this.#handler = handler;
  }

  /** Requests without a reply yet. */
  get unanswered(): number {
    return this.#pending.size;
  }

  /** Sends the whole handshake at once, as fast clients do: configure, subscribe, authorize, suggest_difficulty. */
  start(): void {
    const { user, password, userAgent, suggestDifficulty, versionMask } = this.#options;
    const messages: string[] = [];
    if (versionMask !== 0) {
      const rolling = { 'version-rolling.mask': hex32(versionMask), 'version-rolling.min-bit-count': 2 };
      messages.push(this.#request({ method: 'configure' }, 'mining.configure', [['version-rolling'], rolling]));
    }
    messages.push(this.#request({ method: 'subscribe' }, 'mining.subscribe', [userAgent]));
    messages.push(this.#request({ method: 'authorize' }, 'mining.authorize', [user, password]));
    if (suggestDifficulty !== undefined) {
      messages.push(this.#request({ method: 'suggest' }, 'mining.suggest_difficulty', [suggestDifficulty]));
    }
    this.#handler.send(messages);
  }

  /** Sends a share that meets its work's target. */
  submit(share: FoundShare): void {
    const { job, versionMask } = share.work;
    const params = [this.#options.user, job.id, toHex(share.extranonce2), hex32(job.ntime), hex32(share.nonce)];
    if (versionMask !== 0) params.push(hex32(share.version & versionMask));
    this.#handler.send([this.#request({ method: 'submit', share }, 'mining.submit', params)]);
  }

  /** Takes one message of the pool. */
  receive(text: string): void {
    if (this.#failed) return;
    const message = parsePoolMessage(text);
    switch (message.kind) {
      case 'reply':
        this.#reply(message);
        return;
      case 'notify':
        this.#notify(message);
        return;
      case 'difficulty':
        this.#difficulty = message.difficulty;
        return;
      case 'extranonce':
        this.#extranonce = message.extranonce;
        return;
      case 'version-mask':
        this.#versionMask = (message.mask & this.#options.versionMask) >>> 0;
        return;
      case 'reconnect':
        this.#handler.onReconnect(message.host, message.port, message.waitMs);
        return;
      case 'show-message':
        this.#handler.onShowMessage(message.text);
        return;
      case 'ping':
        this.#handler.send([JSON.stringify({ id: message.id, result: 'pong', error: null })]);
        return;
      case 'get-version':
        this.#handler.send([JSON.stringify({ id: message.id, result: this.#options.userAgent, error: null })]);
        return;
      case 'unknown':
        return;
      case 'problem':
        this.#fail(message.problem);
        return;
    }
  }

  #request(pending: Pending, method: string, params: readonly unknown[]): string {
    const id = this.#nextId;
    this.#nextId += 1;
    this.#pending.set(id, pending);
    return JSON.stringify({ id, method, params });
  }

  #reply(reply: PoolReply): void {
    const pending = this.#pending.get(reply.id);
    if (!pending) {
      this.#fail(`a reply to ${reply.id}, which was not asked`);
      return;
    }
    this.#pending.delete(reply.id);
    switch (pending.method) {
      case 'configure':
        this.#configured(reply);
        return;
      case 'subscribe':
        this.#subscribed(reply);
        return;
      case 'authorize':
        this.#authorizeAnswered(reply);
        return;
      case 'suggest':
        return;
      case 'submit':
        this.#submitted(pending.share, reply);
        return;
    }
  }

  /** A pool without configure answers an error, and then there is no version rolling (BIP310). */
  #configured({ result, error }: PoolReply): void {
    if (error) return;
    const answers = typeof result === 'object' && result !== null ? (result as Record<string, unknown>) : {};
    const rolling = answers['version-rolling'];
    if (typeof rolling !== 'boolean') {
      this.#fail('a configure result without version-rolling');
      return;
    }
    if (!rolling) return;
    const mask = u32(answers['version-rolling.mask']);
    if (mask === undefined) {
      this.#fail('a configure result without a mask of 8 hex digits');
      return;
    }
    if ((mask & ~this.#options.versionMask) === 0) this.#versionMask = mask;
    else this.#fail('a version mask with bits that were not asked for');
  }

  #subscribed({ result, error }: PoolReply): void {
    if (error) {
      this.#handler.onRefused(`subscribe: ${error.text}`);
      return;
    }
    const [subscriptions, extranonce1, extranonce2Bytes] = Array.isArray(result) ? (result as unknown[]) : [];
    const extranonce = parseExtranonce(extranonce1, extranonce2Bytes);
    if (!Array.isArray(subscriptions) || !extranonce) {
      this.#fail('a subscribe result of another shape');
      return;
    }
    this.#extranonce ??= extranonce;
    this.#releaseEarly();
  }

  #authorizeAnswered({ result, error }: PoolReply): void {
    if (error) {
      this.#handler.onRefused(`authorize: ${error.text}`);
      return;
    }
    if (result !== true) {
      this.#handler.onRefused('authorize: the pool said no');
      return;
    }
    this.#authorized = true;
    this.#releaseEarly();
  }

  #submitted(share: FoundShare, { result, error }: PoolReply): void {
    if (error) {
      this.#handler.onVerdict(share, error.text);
      return;
    }
    if (result !== true) {
      this.#fail('a submit result that is neither true nor an error');
      return;
    }
    this.#handler.onVerdict(share, undefined);
  }

  #notify(message: Extract<PoolMessage, { kind: 'notify' }>): void {
    if (!this.#extranonce || !this.#authorized) {
      this.#early = message;
      return;
    }
    const work = makeWork(message.job, this.#extranonce, this.#versionMask, this.#difficulty);
    this.#handler.onWork(work, message.job.cleanJobs);
  }

  #releaseEarly(): void {
    const early = this.#early;
    if (!this.#extranonce || !this.#authorized || early?.kind !== 'notify') return;
    this.#early = undefined;
    this.#notify(early);
  }

  #fail(problem: string): void {
    this.#failed = true;
    this.#handler.onProblem(problem);
  }
}

function hex32(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0');
}
