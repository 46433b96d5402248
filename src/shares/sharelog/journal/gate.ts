/** Lets steps through in their order, each when what it waits for is there. */
export class Gate {
  #tail: Promise<void> | undefined;

  /** At once where there is nothing to wait for, and nobody before it. */
  pass(ready: Promise<void> | undefined, step: () => void): void {
    if (ready === undefined && this.#tail === undefined) {
      step();
      return;
    }
    const tail = (this.#tail ?? Promise.resolve())
      .then(() => ready)
      .then(() => {
        if (this.#tail === tail) this.#tail = undefined;
        step();
      });
    this.#tail = tail;
  }
}
