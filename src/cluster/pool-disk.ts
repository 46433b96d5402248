interface Expected {
  readonly had: Promise<void>;
  readonly resolve: () => void;
}

/**
 * Tracks what must be on the pool's disk before this gateway may acknowledge a share: the blocks that this gateway reported to
 * the pool, and the jobs that it received.
 */
export class PoolDisk {
  readonly #expected = new Map<string, Expected>();

  /** Resolves when everything that is expected now is there; undefined if nothing is. */
  get ready(): Promise<void> | undefined {
    if (this.#expected.size === 0) return undefined;
    return Promise.all([...this.#expected.values()].map(({ had }) => had)).then(() => {});
  }

  expect(what: string): void {
    let resolve = (): void => {};
    const had = new Promise<void>((done) => {
      resolve = done;
    });
    this.#expected.set(what, { had, resolve });
  }

  /** In whatever order. */
  has(what: string): void {
    this.#expected.get(what)?.resolve();
    this.#expected.delete(what);
  }
}
