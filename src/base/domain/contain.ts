import type { Logger } from './ports.ts';

export interface ContainmentModules {
  readonly logger: Pick<Logger, 'error'>;
  /** Called for each contained error. */
  readonly counted: () => void;
}

/** Kinds of error that are logged separately. Further kinds are only counted. */
const KINDS_MAX = 64;

/**
 * Keeps an unexpected error from ending more than the thing it happened to. Each error is counted. The first error of a kind
 * is logged with its stack; a kind is the place of containment together with the line of code that threw.
 */
export class Containment {
  readonly #modules: ContainmentModules;
  readonly #kinds = new Set<string>();

  constructor(modules: ContainmentModules) {
    this.#modules = modules;
  }

  /** Handles an error that was caught during `where`, the name of a step. */
  caught(where: string, error: unknown): void {
    const { logger, counted } = this.#modules;
    counted();
    const kind = `${where} ${frameOf(error)}`;
    if (this.#kinds.has(kind) || this.#kinds.size >= KINDS_MAX) return;
    this.#kinds.add(kind);
    logger.error({ err: error, where }, 'an unexpected error was contained; later ones of its kind are only counted');
  }

  /** Runs `act`. If it throws, runs `failed`, which may throw as well. Returns false if `act` threw. */
  attempt(where: string, act: () => void, failed?: () => void): boolean {
    try {
      act();
      return true;
    } catch (error) {
      this.caught(where, error);
      if (failed) this.attempt(where, failed);
      return false;
    }
  }

  /** Runs `act` for each of `all`. If `act` throws for one, `failed` is called with it, and the loop goes on. */
  each<T>(where: string, all: Iterable<T>, act: (one: T) => void, failed: (one: T) => void): void {
    for (const one of all) {
      try {
        act(one);
      } catch (error) {
        this.caught(where, error);
        this.attempt(where, () => failed(one));
      }
    }
  }
}

/** The line of code that threw, without the error's message, since that may hold what a client sent. */
function frameOf(error: unknown): string {
  if (!(error instanceof Error) || error.stack === undefined) return '';
  return /^ {4}at .*$/m.exec(error.stack)?.[0] ?? '';
}
