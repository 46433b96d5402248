import { limits } from '#base/limits';

/** What was looked at when a difference was found. */
export type Subject = 'share' | 'job' | 'slice' | 'block' | 'reward' | 'books';

/** A place where what is kept is not what comes out when it is computed again. */
export interface Difference {
  readonly subject: Subject;
  /** Where, and both values, in words. */
  readonly detail: string;
}

/** Everything that an audit finds: each is counted, the first of each subject are kept with their words. */
export class Differences {
  readonly #kept: Difference[] = [];
  readonly #counts = new Map<Subject, number>();

  add(subject: Subject, detail: string): void {
    const count = (this.#counts.get(subject) ?? 0) + 1;
    this.#counts.set(subject, count);
    if (count <= limits.auditDifferencesMax) this.#kept.push({ subject, detail });
  }

  /** Adds a difference unless both are the same. `what` is a noun phrase such as `the height of job 00…`. */
  compare<T extends string | number | bigint | boolean>(subject: Subject, what: string, kept: T, computed: T): void {
    if (kept !== computed) this.add(subject, `${what} is kept as ${kept}, and ${computed} comes out`);
  }

  get list(): readonly Difference[] {
    return this.#kept;
  }

  get total(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }
}
