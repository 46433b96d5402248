/** Names of one part; a part that has twice as many is cut in two. */
const PART_NAMES = 256;

/**
 * A set of names in the order of their UTF-16 units. To add, to remove and to find a name takes about √n steps, so that a
 * miner with a hundred thousand workers costs as little as one with ten.
 */
export class SortedNames {
  /** In order, none empty. */
  readonly #parts: string[][] = [];

  /** Does nothing if the name is there already. */
  add(name: string): void {
    const at = Math.max(0, this.#partOf(name));
    const part = this.#parts[at];
    if (part === undefined) {
      this.#parts.push([name]);
      return;
    }
    const index = firstFrom(part, name);
    if (part[index] === name) return;
    part.splice(index, 0, name);
    if (part.length >= 2 * PART_NAMES) this.#parts.splice(at + 1, 0, part.splice(PART_NAMES));
  }

  /** Does nothing if the name is not there. */
  delete(name: string): void {
    const at = this.#partOf(name);
    const part = this.#parts[at];
    if (part === undefined) return;
    const index = firstFrom(part, name);
    if (part[index] !== name) return;
    part.splice(index, 1);
    if (part.length === 0) this.#parts.splice(at, 1);
  }

  /** The first `max` names after one; from the start if it is undefined. */
  after(name: string | undefined, max: number): string[] {
    const found: string[] = [];
    let at = name === undefined ? 0 : Math.max(0, this.#partOf(name));
    for (let part = this.#parts[at]; part !== undefined && found.length < max; part = this.#parts[at]) {
      const from = name === undefined ? 0 : firstFrom(part, name);
      const start = part[from] === name ? from + 1 : from;
      found.push(...part.slice(start, start + max - found.length));
      at += 1;
    }
    return found;
  }

  /** The part that has the name or would have it; -1 if the name comes before all. */
  #partOf(name: string): number {
    let [low, high] = [0, this.#parts.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#parts[middle]?.[0] ?? '') <= name) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

/** Where the first name that is not before `name` stands; the length if all are before it. */
function firstFrom(names: readonly string[], name: string): number {
  let [low, high] = [0, names.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((names[middle] ?? '') < name) low = middle + 1;
    else high = middle;
  }
  return low;
}
