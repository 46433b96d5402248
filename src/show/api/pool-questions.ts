import type { Clock } from '#base/domain/ports';
import { type Rate, TokenBucket } from '#base/domain/token-bucket';
import { limits } from '#base/limits';
import type { Question, Replies } from './messages.ts';
import type { FindMiner } from './miners.ts';
import { type ApiSources, Unavailable } from './sources.ts';

/** So many seconds' worth of questions may be asked at once, so that a client that asks seldom gets a fresh answer. */
const BURST_SECONDS = 3;

interface Open {
  settle(reply: Replies[keyof Replies] | Error): void;
}

/** The pool met an exception while it answered; its own log has the reason. */
export class PoolFault extends Error {}

/**
 * The questions of the HTTP process to the pool. Their rate is limited, however many requests arrive: one question of a kind is
 * pending at a time, and a request within the interval gets the last reply.
 */
export class PoolQuestions implements ApiSources {
  readonly #send: (id: number, question: Question) => void;
  readonly #clock: Clock;
  readonly #open = new Map<number, Open>();
  /** When the last question about a miner that was let through has been paid for; monotonic, ms. */
  #minersPaidMs: number;
  readonly #operators: TokenBucket;
  readonly pool: () => Promise<Replies['pool']>;
  readonly ready: () => Promise<Replies['ready']>;
  readonly metrics: () => Promise<Replies['metrics']>;
  #asked = 0;

  constructor(send: (id: number, question: Question) => void, { clock }: { readonly clock: Clock }) {
    this.#send = send;
    this.#clock = clock;
    const nowMs = clock.monotonicMs();
    this.#minersPaidMs = nowMs - BURST_SECONDS * 1000;
    this.#operators = new TokenBucket(rate(limits.statusQuestionsPerSecondMax), nowMs);
    this.pool = this.#paced(limits.statusQuestionsPerSecondMax, () => this.#ask({ kind: 'pool' }));
    this.ready = this.#paced(limits.statusQuestionsPerSecondMax, () => this.#ask({ kind: 'ready' }));
    this.metrics = this.#paced(limits.metricsQuestionsPerSecondMax, () => this.#ask({ kind: 'metrics' }));
  }

  /** A long page is several questions: the pool's event loop is never busy with more than `workersPerQuestionMax`. */
  readonly miner: FindMiner = async (address, { after, workersMax }) => {
    const some = async (from: string | undefined, left: number) => {
      await this.#minersTurn(workersMax === 0 ? 1 / limits.totalsPerQuestion : 1);
      const page = { after: from, workersMax: Math.min(left, limits.workersPerQuestionMax) };
      return this.#ask({ kind: 'miner', address, page });
    };
    const first = await some(after, workersMax);
    if (first.kind !== 'found') return first;
    const workers = [...first.view.workers];
    let last = workers.length;
    while (last === limits.workersPerQuestionMax && workers.length < workersMax) {
      const next = await some(workers.at(-1)?.rig, workersMax - workers.length);
      if (next.kind !== 'found') break;
      workers.push(...next.view.workers);
      last = next.view.workers.length;
    }
    return { kind: 'found', view: { miner: first.view.miner, workers } };
  };

  /** Waits until a question of that cost is within the rate. */
  async #minersTurn(cost: number): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    const waitMs = this.#minersPaidMs - nowMs;
    if (waitMs > limits.minerTurnMsMax) throw new Unavailable('too many questions about miners');
    const paidMs = Math.max(this.#minersPaidMs, nowMs - BURST_SECONDS * 1000);
    this.#minersPaidMs = paidMs + (cost * 1000) / limits.minerQuestionsPerSecondMax;
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
  }

  readonly admin: ApiSources['admin'] = async (request) => {
    if (!this.#operators.take(1, this.#clock.monotonicMs())) throw new Unavailable('too many requests of operators');
    return (await this.#ask({ kind: 'admin', request })) ?? undefined;
  };

  /** A reply arrived. A late reply is ignored. */
  replied(id: number, reply: Replies[keyof Replies]): void {
    this.#open.get(id)?.settle(reply);
  }

  failed(id: number): void {
    this.#open.get(id)?.settle(new PoolFault('the pool could not answer'));
  }

  #ask<K extends Question['kind']>(question: Extract<Question, { kind: K }> | { kind: K }): Promise<Replies[K]> {
    const id = this.#asked;
    this.#asked += 1;
    return new Promise((resolve, reject) => {
      const settle = (reply: Replies[keyof Replies] | Error): void => {
        clearTimeout(timer);
        this.#open.delete(id);
        if (reply instanceof Error) reject(reply);
        else resolve(reply as Replies[K]);
      };
      const timer = setTimeout(() => settle(new Unavailable('the pool does not answer')), limits.poolAnswerMsMax);
      this.#open.set(id, { settle });
      this.#send(id, question as Question);
    });
  }

  /** All requests during a pending question share its reply. While the rate is used up, the last reply is repeated. */
  #paced<T>(perSecond: number, ask: () => Promise<T>): () => Promise<T> {
    const bucket = new TokenBucket(rate(perSecond), this.#clock.monotonicMs());
    let pending: Promise<T> | undefined;
    let last: Promise<T> | undefined;
    return () => {
      if (pending !== undefined) return pending;
      if (last !== undefined && !bucket.take(1, this.#clock.monotonicMs())) return last;
      const asked = ask();
      pending = asked;
      const settled = (): void => {
        pending = undefined;
      };
      asked.then(() => {
        last = asked;
        settled();
      }, settled);
      return asked;
    };
  }
}

function rate(perSecond: number): Rate {
  return { perSecond, burst: BURST_SECONDS * perSecond };
}
