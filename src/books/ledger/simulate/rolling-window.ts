import type { Weighed } from '../rewards/distribute.ts';
import { ratio } from '../rewards/fixed-point.ts';
import type { Slice } from '../rewards/scheme.ts';
import { Tally } from '../rewards/tally.ts';
import { cut, type WindowEntry } from '../rewards/window.ts';

/** Slices with the same entries: most of a simulated history are. */
interface Kind {
  readonly entries: readonly WindowEntry[];
  readonly weight: bigint;
  /** How many of them are held. */
  held: number;
}

/**
 * The same sums as `sliceWindow` over a history that grows. Slices that share one array of entries are counted rather than added up,
 * so a slice costs two additions however long the window is. Holds the slices that lie in the window, and the oldest one whole.
 */
export class RollingWindow {
  readonly #window: bigint;
  /** Oldest first, from `#first` on. */
  #slices: Kind[] = [];
  #first = 0;
  /** Of the slices that are held. */
  #weight = 0n;
  /** Those that are held. */
  readonly #kinds = new Set<Kind>();
  /** By the identity of a slice's entries. */
  readonly #known = new WeakMap<Slice['entries'], Kind>();

  /** `window`: units of 2^-64 of a block. */
  constructor(window: bigint) {
    this.#window = window;
  }

  /** Takes the next slice; returns how many slices have left the window for ever. One array of entries has one network work. */
  push(slice: Slice): number {
    const kind = this.#kindOf(slice);
    this.#slices.push(kind);
    this.#weight += kind.weight;
    kind.held += 1;
    if (kind.held === 1) this.#kinds.add(kind);
    let left = 0;
    for (let oldest = this.#slices[this.#first]; oldest !== undefined; oldest = this.#slices[this.#first]) {
      if (this.#weight - oldest.weight < this.#window) break;
      this.#weight -= oldest.weight;
      oldest.held -= 1;
      if (oldest.held === 0) this.#kinds.delete(oldest);
      this.#first += 1;
      left += 1;
    }
    if (this.#first > 4096) {
      this.#slices = this.#slices.slice(this.#first);
      this.#first = 0;
    }
    return left;
  }

  /** How many of the oldest slice's units lie outside the window, and how many it has. */
  get cutOff(): { readonly outside: bigint; readonly whole: bigint } {
    const outside = this.#weight > this.#window ? this.#weight - this.#window : 0n;
    return { outside, whole: this.#slices[this.#first]?.weight ?? 0n };
  }

  /** Weight and work by account in the window, cut exactly. */
  sums(): Weighed[] {
    const tally = new Tally();
    for (const { entries, held } of this.#kinds) {
      const times = BigInt(held);
      for (const { account, weight, work } of entries) tally.add(account, weight * times, work * times);
    }
    const oldest = this.#slices[this.#first];
    const { outside } = this.cutOff;
    if (oldest !== undefined && outside > 0n) {
      for (const { account, weight, work } of oldest.entries) tally.add(account, -weight, -work);
      for (const { account, weight, work } of cut(oldest.entries, oldest.weight - outside)) {
        tally.add(account, weight, work);
      }
    }
    return tally.sums();
  }

  #kindOf({ entries, networkWork }: Slice): Kind {
    let kind = this.#known.get(entries);
    if (kind === undefined) {
      const weighed = entries.map(({ account, work }) => ({ account, work, weight: ratio(work, networkWork) }));
      kind = { entries: weighed, weight: weighed.reduce((sum, { weight }) => sum + weight, 0n), held: 0 };
      this.#known.set(entries, kind);
    }
    return kind;
  }
}
