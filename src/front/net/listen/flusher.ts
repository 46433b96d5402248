/** Something with output to write. */
export interface Flushable {
  flush(): void;
}

/**
 * Writes once per tick: what is marked during a tick is flushed when the tick's code has run, in the order of the first
 * mark. One queue for all connections, so that a broadcast costs one callback and not thousands.
 */
export class Flusher {
  #marked: Flushable[] = [];
  readonly #run = (): void => {
    const marked = this.#marked;
    this.#marked = [];
    for (const each of marked) each.flush();
  };

  /** The caller marks itself once until it was flushed. */
  mark(target: Flushable): void {
    if (this.#marked.push(target) === 1) process.nextTick(this.#run);
  }
}
