/** Where sessions get their extranonce1 from. */
export interface Extranonces {
  /** A u32 that no live session has and no answerable job was mined with; undefined when there is none left. */
  allocate(): number | undefined;
  /** Gives one back. `newestSerial`: the newest job that it may have been mined with; undefined: none, so that it is free at once. */
  release(value: number, newestSerial: number | undefined): void;
  /** Jobs before this serial can not be answered any more. */
  expire(oldestSerial: number): void;
}

export interface ExtranonceOptions {
  /** This gateway's share of the space: the top bits that its values, and no other gateway's, begin with. */
  readonly prefix: number;
  /** 0 to 24. */
  readonly prefixBits: number;
}

const BITS = 32;
const PREFIX_BITS_MAX = 24;
/** Entries at the head of the queue that are gone before it is copied together. */
const COMPACT_AT = 1024;

/**
 * Hands out extranonce1 values: the gateway's prefix, then a counter. A value comes back into use only when every job
 * that was answerable at its release is gone: until then its former session's shares and its next session's could be
 * the same header. Values in that waiting line are reused in order of release, and before new ones are begun; those that
 * were never mined with go first.
 */
export class ExtranonceAllocator implements Extranonces {
  readonly #base: number;
  readonly #size: number;
  #begun = 0;
  /** Released by sessions that never had a job. */
  readonly #unused: number[] = [];
  /** Released values and, beside each, the newest job of its session: a queue from `#head`. Serials never fall. */
  #values: number[] = [];
  #serials: number[] = [];
  #head = 0;
  #oldestSerial = 0;

  constructor({ prefix, prefixBits }: ExtranonceOptions) {
    if (!Number.isInteger(prefixBits) || prefixBits < 0 || prefixBits > PREFIX_BITS_MAX) {
      throw new RangeError(`extranonce: ${prefixBits} prefix bits are not 0 to ${PREFIX_BITS_MAX}`);
    }
    if (!Number.isInteger(prefix) || prefix < 0 || prefix >= 2 ** prefixBits) {
      throw new RangeError(`extranonce: the prefix ${prefix} does not fit ${prefixBits} bits`);
    }
    this.#size = 2 ** (BITS - prefixBits);
    this.#base = prefix * this.#size;
  }

  /** Values that are neither in use nor waiting. */
  get free(): number {
    return this.#size - this.#begun + this.#unused.length + this.#reusable();
  }

  allocate(): number | undefined {
    const unused = this.#unused.pop();
    if (unused !== undefined) return unused;
    const serial = this.#serials[this.#head];
    const value = this.#values[this.#head];
    if (value !== undefined && serial !== undefined && serial < this.#oldestSerial) {
      this.#head += 1;
      if (this.#head >= COMPACT_AT && this.#head * 2 >= this.#values.length) this.#compact();
      return value;
    }
    if (this.#begun === this.#size) return undefined;
    this.#begun += 1;
    return this.#base + this.#begun - 1;
  }

  release(value: number, newestSerial: number | undefined): void {
    if (newestSerial === undefined) {
      this.#unused.push(value);
      return;
    }
    this.#values.push(value);
    this.#serials.push(newestSerial);
  }

  expire(oldestSerial: number): void {
    this.#oldestSerial = oldestSerial;
  }

  #compact(): void {
    this.#values = this.#values.slice(this.#head);
    this.#serials = this.#serials.slice(this.#head);
    this.#head = 0;
  }

  #reusable(): number {
    let count = 0;
    for (let index = this.#head; index < this.#serials.length; index += 1) {
      if ((this.#serials[index] ?? 0) >= this.#oldestSerial) break;
      count += 1;
    }
    return count;
  }
}
