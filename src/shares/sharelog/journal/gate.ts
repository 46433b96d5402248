/** Runs steps in order, each after its promise has resolved. */
export class Gate {
  #tail: Promise<void> | undefined;

  /** Runs the step at once if it has no promise and no step is queued. */
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
