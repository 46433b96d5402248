import type { Logger } from '#base/domain/ports';
import { limits } from '#base/limits';
import { LATE, within } from '#base/std/within';
import type { PortCall } from './messages.ts';

export interface QuestionOptions {
  /** A question without an answer for so long is given up, ms. */
  readonly answerMsMax?: number;
  /** Questions that may be open at a time; further ones have no answer. */
  readonly openMax?: number;
}

/** Longer than the pool waits for a node. */
const ASK_MS_MAX = 20_000;
const ANSWER_MS_MAX = 15_000;

/** What the ledger's process asks the pool. A question that gets no answer resolves with undefined, and so decides nothing. */
export class Questions {
  readonly #send: (id: number, call: PortCall) => void;
  readonly #answerMsMax: number;
  readonly #openMax: number;
  readonly #open = new Map<number, (value: unknown) => void>();
  #asked = 0;

  constructor(send: (id: number, call: PortCall) => void, options: QuestionOptions = {}) {
    this.#send = send;
    this.#answerMsMax = options.answerMsMax ?? ASK_MS_MAX;
    this.#openMax = options.openMax ?? limits.ledgerQuestionsMax;
  }

  /** Never rejects. */
  async ask(call: PortCall): Promise<unknown> {
    if (this.#open.size >= this.#openMax) return undefined;
    const id = this.#asked;
    this.#asked += 1;
    const answer = new Promise<unknown>((resolve) => this.#open.set(id, resolve));
    this.#send(id, call);
    const value = await within(answer, this.#answerMsMax);
    this.#open.delete(id);
    return value === LATE ? undefined : value;
  }

  /** An answer has come; one that is late is not used. */
  answered(id: number, value: unknown): void {
    this.#open.get(id)?.(value);
  }
}

/** An object whose methods ask the pool's object of that name. Each of them resolves with undefined if there is no answer. */
export function remotePort<T extends object>(
  questions: Questions,
  port: string,
  methods: readonly (keyof T & string)[],
): T {
  const asking =
    (method: string) =>
    (...args: unknown[]) =>
      questions.ask({ port, method, args });
  return Object.fromEntries(methods.map((method) => [method, asking(method)])) as T;
}

/** What the ledger's process may call in the pool. */
export interface OfferedPort {
  readonly target: object;
  readonly methods: readonly string[];
}

/** Answers the questions of the ledger's process, a bounded number at a time. */
export class Answers {
  readonly #ports: ReadonlyMap<string, OfferedPort>;
  readonly #logger: Logger;
  readonly #answerMsMax: number;
  readonly #openMax: number;
  #open = 0;

  constructor(ports: ReadonlyMap<string, OfferedPort>, logger: Logger, options: QuestionOptions = {}) {
    this.#ports = ports;
    this.#logger = logger;
    this.#answerMsMax = options.answerMsMax ?? ANSWER_MS_MAX;
    this.#openMax = options.openMax ?? limits.ledgerQuestionsMax;
  }

  /** Resolves with undefined if the call is none of those offered, fails, or takes too long. Never rejects. */
  async to({ port, method, args }: PortCall): Promise<unknown> {
    const { target, methods = [] } = this.#ports.get(port) ?? {};
    if (target === undefined || !methods.includes(method) || this.#open >= this.#openMax) return undefined;
    this.#open += 1;
    try {
      const value = await within(
        Promise.resolve(Reflect.apply(Reflect.get(target, method), target, args)),
        this.#answerMsMax,
      );
      return value === LATE ? undefined : value;
    } catch (err) {
      this.#logger.warn({ err, port, method }, 'a question of the ledger could not be answered');
      return undefined;
    } finally {
      this.#open -= 1;
    }
  }
}
