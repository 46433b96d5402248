/** A map from texts that holds at most so many entries: the one that was read or set least recently is forgotten. */
export class BoundedMap<Value> {
  readonly #entriesMax: number;
  /** In order of their last use, since a Map iterates in the order of insertion. */
  readonly #entries = new Map<string, Value>();

  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** A copy: to read an entry moves it to the end, where a loop over the map itself would meet it again for ever. */
  keys(): readonly string[] {
    return [...this.#entries.keys()];
  }

  /** Does not count as a use. */
  has(key: string): boolean {
    return this.#entries.has(key);
  }

  get(key: string): Value | undefined {
    const value = this.#entries.get(key);
    if (value !== undefined) this.set(key, value);
    return value;
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  set(key: string, value: Value): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size <= this.#entriesMax) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      return;
    }
  }
}
