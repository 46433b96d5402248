/** A pause that runs. */
export interface Pause {
  /** Resolves when the time is over, or earlier by `end`, or when all pauses are closed. */
  readonly over: Promise<void>;
  end(): void;
}

/** The sleeps of one owner, all of which end when it closes. */
export class Pauses {
  readonly #open = new Set<Pause>();
  #closed = false;

  get closed(): boolean {
    return this.#closed;
  }

  /** After close a pause is over at once. */
  begin(ms: number): Pause {
    let end = (): void => {};
    const over = new Promise<void>((resolve) => {
      const timer = setTimeout(() => end(), ms);
      end = (): void => {
        clearTimeout(timer);
        this.#open.delete(pause);
        resolve();
      };
    });
    const pause: Pause = { over, end: () => end() };
    this.#open.add(pause);
    if (this.#closed) pause.end();
    return pause;
  }

  close(): void {
    this.#closed = true;
    for (const pause of [...this.#open]) pause.end();
  }
}
