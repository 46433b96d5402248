import type { Solution } from '#base/domain/share';

export interface ToldBlocksModules {
  /** Called before the blocks of a message leave: nothing after them may be acknowledged until the pool has kept them. */
  readonly expect: (what: string) => void;
  readonly say: (what: string, solutions: readonly Solution[]) => void;
  /** Calls back after this turn of the event loop: setImmediate, if it is not a test. */
  readonly defer: (act: () => void) => void;
}

/**
 * Sends a gateway's blocks to the pool. The first block of a turn is sent at once. Further blocks of the same turn are sent
 * together, because an easy chain has thousands of them.
 */
export class ToldBlocks {
  readonly #modules: ToldBlocksModules;
  #messages = 0;
  /** Those of this turn after the first; undefined if there was none yet. */
  #gathered: { readonly what: string; readonly solutions: Solution[] } | undefined;

  constructor(modules: ToldBlocksModules) {
    this.#modules = modules;
  }

  tell(solution: Solution): void {
    if (this.#gathered !== undefined) {
      if (this.#gathered.solutions.length === 0) this.#modules.expect(this.#gathered.what);
      this.#gathered.solutions.push(solution);
      return;
    }
    const what = this.#next();
    this.#modules.expect(what);
    this.#modules.say(what, [solution]);
    this.#gathered = { what: this.#next(), solutions: [] };
    this.#modules.defer(() => this.#flush());
  }

  #flush(): void {
    const gathered = this.#gathered;
    this.#gathered = undefined;
    if (gathered && gathered.solutions.length > 0) this.#modules.say(gathered.what, gathered.solutions);
  }

  #next(): string {
    this.#messages += 1;
    return `blocks ${this.#messages}`;
  }
}
