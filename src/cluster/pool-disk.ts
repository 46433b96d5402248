/**
 * What the pool must have on its disk before this gateway may acknowledge a share: the blocks that it told the pool of, and
 * the jobs that it was told of.
 */
export class PoolDisk {
  #open = 0;
  #ready: Promise<void> | undefined;
  #resolve: () => void = () => {};

  /** Undefined where there is nothing to wait for. */
  get ready(): Promise<void> | undefined {
    return this.#ready;
  }

  /** One more. */
  expect(): void {
    this.#open += 1;
    this.#ready ??= new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** The pool has one of them, in whatever order. */
  has(): void {
    this.#open -= 1;
    if (this.#open > 0) return;
    this.#ready = undefined;
    this.#resolve();
  }
}
