/** The blocks that a gateway has told the pool of, until the pool has them on its disk: shares wait for that. */
export class BlocksTold {
  #open = 0;
  #kept: Promise<void> | undefined;
  #resolve: () => void = () => {};

  /** Undefined where there is nothing to wait for. */
  get kept(): Promise<void> | undefined {
    return this.#kept;
  }

  tell(): void {
    this.#open += 1;
    this.#kept ??= new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** The pool has one of them, in whatever order. */
  answered(): void {
    this.#open -= 1;
    if (this.#open > 0) return;
    this.#kept = undefined;
    this.#resolve();
  }
}
