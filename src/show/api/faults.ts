/** Kinds of fault that are logged separately; all further kinds count as one. */
const KINDS_MAX = 64;

/** Counts exceptions that were met while something was answered, and reports the first of each kind. */
export class Faults {
  readonly #report: (kind: string, error: unknown) => void;
  readonly #kinds = new Set<string>();
  #count = 0;

  constructor(report: (kind: string, error: unknown) => void) {
    this.#report = report;
  }

  get count(): number {
    return this.#count;
  }

  /** `what` was being answered. A kind is what was answered and the name of the error. */
  met(what: string, error: unknown): void {
    this.#count += 1;
    const kind = `${what}: ${error instanceof Error ? error.name : typeof error}`;
    if (this.#kinds.has(kind) || this.#kinds.size >= KINDS_MAX) return;
    this.#kinds.add(kind);
    this.#report(what, error);
  }
}
