import type { Worker } from 'node:cluster';
import type { MinerQuery, MinerView } from '#base/domain/miner';
import type { ToGateway } from './messages.ts';

/** A gateway that says nothing for so long is not waited for. */
const ANSWER_MS_MAX = 2000;

interface Question {
  readonly worker: Worker;
  settle(view: MinerView | undefined | Error): void;
}

/** What gateways have been asked about miners and have not answered: for each gateway, no more than the API has waiting. */
export class MinerQuestions {
  readonly #send: (worker: Worker, message: ToGateway) => void;
  readonly #open = new Map<number, Question>();
  #asked = 0;

  constructor(send: (worker: Worker, message: ToGateway) => void) {
    this.#send = send;
  }

  /** What that gateway knows; undefined where it knows nothing or ends meanwhile. Rejects where it does not answer. */
  ask(worker: Worker, query: MinerQuery): Promise<MinerView | undefined> {
    const id = this.#asked++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#settle(id, new Error('a gateway does not answer')), ANSWER_MS_MAX);
      this.#open.set(id, {
        worker,
        settle(view) {
          clearTimeout(timer);
          if (view instanceof Error) reject(view);
          else resolve(view);
        },
      });
      this.#send(worker, { type: 'miner', id, query });
    });
  }

  /** An answer has come; one that is late is nobody's. */
  answered(id: number, view: MinerView | undefined): void {
    this.#settle(id, view);
  }

  /** A gateway is gone, and its connections with it. */
  gone(worker: Worker): void {
    for (const [id, question] of this.#open) if (question.worker === worker) this.#settle(id, undefined);
  }

  #settle(id: number, view: MinerView | undefined | Error): void {
    const question = this.#open.get(id);
    this.#open.delete(id);
    question?.settle(view);
  }
}
