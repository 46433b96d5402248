import type { Logger } from './ports.ts';

export interface ContainmentModules {
  readonly logger: Pick<Logger, 'error'>;
  /** Called for each contained error. */
  readonly counted: () => void;
}

/** Kinds of error that are told apart. Further kinds are counted and not logged. */
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

  /** Takes an error that was caught at `where`, which names what was being done. */
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

  /** Runs `act` for each of `all`; one that throws is handed to `failed`, and the others have their turn. */
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
