import type { MinerQuery, MinerView } from '#base/domain/miner';
import type { GatewayProcess } from './gateway-process.ts';

/** A gateway that says nothing for so long is not waited for. */
const ANSWER_MS_MAX = 2000;

interface Question {
  readonly process: Pick<GatewayProcess, 'send'>;
  settle(view: MinerView | undefined | Error): void;
}

/** What gateways have been asked about miners and have not answered: for each gateway, no more than the API has waiting. */
export class MinerQuestions {
  readonly #open = new Map<number, Question>();
  #asked = 0;

  /** What that gateway knows; undefined if it knows nothing or ends meanwhile. Rejects if it does not answer. */
  ask(process: Question['process'], query: MinerQuery): Promise<MinerView | undefined> {
    const id = this.#asked++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#settle(id, new Error('a gateway does not answer')), ANSWER_MS_MAX);
      this.#open.set(id, {
        process,
        settle(view) {
          clearTimeout(timer);
          if (view instanceof Error) reject(view);
          else resolve(view);
        },
      });
      process.send({ type: 'miner', id, query });
    });
  }

  /** An answer arrived. A late answer is ignored. */
  answered(id: number, view: MinerView | undefined): void {
    this.#settle(id, view);
  }

  /** A gateway ended, and its connections with it. */
  gone(process: Question['process']): void {
    for (const [id, question] of this.#open) if (question.process === process) this.#settle(id, undefined);
  }

  #settle(id: number, view: MinerView | undefined | Error): void {
    const question = this.#open.get(id);
    this.#open.delete(id);
    question?.settle(view);
  }
}
