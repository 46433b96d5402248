/** A map from texts with a maximum number of entries: the least recently read or set entry is dropped. */
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

  /** A copy, because reading an entry moves it to the end, so a loop over the map itself might never end. */
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
