import type { Clock } from '#base/domain/ports';

interface Shared<Answer> {
  readonly answer: Promise<Answer>;
  readonly madeMs: number;
}

/** One computation for all who ask the same while its answer is fresh. The oldest answers are forgotten beyond `answersMax`. */
export class SharedAnswers<Answer> {
  readonly #answersMax: number;
  readonly #clock: Clock;
  readonly #answers = new Map<string, Shared<Answer>>();

  constructor({ answersMax }: { readonly answersMax: number }, { clock }: { readonly clock: Clock }) {
    this.#answersMax = answersMax;
    this.#clock = clock;
  }

  /** An answer that fails is forgotten at once. */
  get(key: string, freshMs: number, make: () => Promise<Answer>): Promise<Answer> {
    const nowMs = this.#clock.monotonicMs();
    const known = this.#answers.get(key);
    if (known !== undefined && nowMs - known.madeMs < freshMs) return known.answer;
    this.#answers.delete(key);
    for (const oldest of this.#answers.keys()) {
      if (this.#answers.size < this.#answersMax) break;
      this.#answers.delete(oldest);
    }
    const made = { answer: make(), madeMs: nowMs };
    this.#answers.set(key, made);
    made.answer.catch(() => {
      if (this.#answers.get(key) === made) this.#answers.delete(key);
    });
    return made.answer;
  }
}
