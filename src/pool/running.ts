/** What has been started and how it ends: in the opposite order, each part even where another failed. */
export class Running {
  readonly #closers: (() => Promise<void>)[] = [];
  #closing: Promise<void> | undefined;
  #settle: { resolve: () => void; reject: (error: Error) => void } = { resolve: () => {}, reject: () => {} };
  /** Resolves after `close`; rejects where something failed that the rest can not do without. */
  readonly closed = new Promise<void>((resolve, reject) => {
    this.#settle = { resolve, reject };
  });

  constructor() {
    // Whoever does not wait for it must not be ended by it.
    this.closed.catch(() => undefined);
  }

  get closing(): boolean {
    return this.#closing !== undefined;
  }

  onClose(close: () => Promise<void>): void {
    this.#closers.unshift(close);
  }

  fail(error: Error): void {
    this.#settle.reject(error);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const errors: unknown[] = [];
    for (const close of this.#closers) await close().catch((error: unknown) => errors.push(error));
    this.#settle.resolve();
    if (errors.length > 0) throw new AggregateError(errors, 'the pool closed with errors');
  }
}
