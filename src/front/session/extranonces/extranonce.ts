/** The source of sessions' extranonce1. */
export interface Extranonces {
  /** A u32 that no live session has and no answerable job was mined with; undefined when there is none left. */
  allocate(): number | undefined;
  /**
   * Gives one back. `newestSerial`: the newest job that it may have been mined with; undefined: none, so that it is free at once.
   * `credited`: shares were accepted with it, or still may be. Default: true.
   */
  release(value: number, newestSerial: number | undefined, credited?: boolean): void;
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
 * Hands out extranonce1 values: the gateway's prefix, then a counter. A released value is reused only when every job that was
 * answerable at its release has expired. Before that, shares of its former and its next session could have the same header.
 * Values are reused in order of release, before new values are taken from the counter. Values without any job are reused first.
 *
 * If the counter is used up, a value of a session without accepted shares is reused sooner, because no share was credited with it.
 * Its next session gets the current job under an unpredictable id, and no older job, so shares that the former session kept back
 * are worth nothing.
 */
export class ExtranonceAllocator implements Extranonces {
  readonly #base: number;
  readonly #size: number;
  #begun = 0;
  /** Released by sessions that never had a job. */
  readonly #unused: number[] = [];
  /** Released values that shares were credited with. */
  readonly #credited = new WaitingValues();
  /** Released values of sessions that had jobs and no accepted share. */
  readonly #idle = new WaitingValues();
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
    const waiting = this.#credited.before(this.#oldestSerial) + this.#idle.before(Number.POSITIVE_INFINITY);
    return this.#size - this.#begun + this.#unused.length + waiting;
  }

  allocate(): number | undefined {
    const reused = this.#unused.pop() ?? this.#credited.take(this.#oldestSerial) ?? this.#idle.take(this.#oldestSerial);
    if (reused !== undefined) return reused;
    if (this.#begun === this.#size) return this.#idle.take(Number.POSITIVE_INFINITY);
    this.#begun += 1;
    return this.#base + this.#begun - 1;
  }

  release(value: number, newestSerial: number | undefined, credited = true): void {
    if (newestSerial === undefined) this.#unused.push(value);
    else (credited ? this.#credited : this.#idle).add(value, newestSerial);
  }

  expire(oldestSerial: number): void {
    this.#oldestSerial = oldestSerial;
  }
}

/** Released values and, beside each, the newest job of its session: a queue from `#head`. Serials never fall. */
class WaitingValues {
  #values: number[] = [];
  #serials: number[] = [];
  #head = 0;

  add(value: number, serial: number): void {
    this.#values.push(value);
    this.#serials.push(serial);
  }

  /** The value that was released first, if its newest job is older than `serial`. */
  take(serial: number): number | undefined {
    const value = this.#values[this.#head];
    if (value === undefined || (this.#serials[this.#head] ?? 0) >= serial) return undefined;
    this.#head += 1;
    if (this.#head >= COMPACT_AT && this.#head * 2 >= this.#values.length) this.#compact();
    return value;
  }

  #compact(): void {
    this.#values = this.#values.slice(this.#head);
    this.#serials = this.#serials.slice(this.#head);
    this.#head = 0;
  }

  /** How many have a newest job that is older than `serial`. */
  before(serial: number): number {
    let count = 0;
    for (let index = this.#head; index < this.#serials.length; index += 1) {
      if ((this.#serials[index] ?? 0) >= serial) break;
      count += 1;
    }
    return count;
  }
}
