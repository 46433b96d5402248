/** Lets one asynchronous piece of work run at a time, in the order in which they came. */
export class Turn {
  #last: Promise<unknown> = Promise.resolve();

  /** What the work comes to. Work that fails does not hold up the next. */
  take<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work, work);
    this.#last = mine.catch(() => undefined);
    return mine;
  }
}
