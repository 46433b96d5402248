import { SERIAL_DIGITS } from '#base/domain/ids';

/** Bytes of a key: two lengths, then the account and the job id. Longer ones are not for the table. */
const KEY_BYTES = 128;
const KEY_HEAD_BYTES = 2;
/** Places that are looked at for a key, from its hash on. Names may be chosen so that their hashes agree. */
const PROBES_MAX = 8;
const PLACES_MIN = 1024;
/** Bytes from the end of an account that the hash is made of, in words of four where they are there. */
const HASHED_ACCOUNT_BYTES = 12;

/** What an entry has come to. */
export interface TableSum {
  readonly account: Uint8Array;
  readonly jobId: Uint8Array;
  readonly work: bigint;
  readonly shares: number;
}

/**
 * Sums by the bytes of an account and a job id: open addressing over arrays that hold all keys and numbers one after another,
 * because a share of one of thousands of accounts costs what it misses in the processor's cache.
 */
export class SumTable {
  /** By place: an entry and 1, or 0. */
  #places = new Int32Array(PLACES_MIN);
  #keys = new Uint8Array((PLACES_MIN / 2) * KEY_BYTES);
  #keyView = new DataView(this.#keys.buffer);
  /** By entry: work as far as a double counts it exactly, and shares. */
  #numbers = new Float64Array(PLACES_MIN);
  /** Work beyond that. */
  readonly #large = new Map<number, bigint>();
  #entries = 0;

  /** The entry of a key, from 0, made if it is new; -1 if the table has no room for it. `view` is of the same bytes. */
  entryOf(
    bytes: Uint8Array,
    view: DataView,
    accountAt: number,
    accountEnd: number,
    jobAt: number,
    jobEnd: number,
  ): number {
    const accountBytes = accountEnd - accountAt;
    const jobBytes = jobEnd - jobAt;
    if (KEY_HEAD_BYTES + accountBytes + jobBytes > KEY_BYTES) return -1;
    const hash = hashOf(view, accountAt, accountEnd, jobAt);
    const mask = this.#places.length - 1;
    for (let probe = 0; probe < PROBES_MAX; probe += 1) {
      const place = (hash + probe) & mask;
      const entry = (this.#places[place] ?? 0) - 1;
      if (entry < 0) return this.#make(place, bytes.subarray(accountAt, accountEnd), bytes.subarray(jobAt, jobEnd));
      const key = entry * KEY_BYTES;
      if (this.#keys[key] !== accountBytes || this.#keys[key + 1] !== jobBytes) continue;
      if (!this.#holds(key + KEY_HEAD_BYTES, view, accountAt, accountBytes)) continue;
      if (this.#holds(key + KEY_HEAD_BYTES + accountBytes, view, jobAt, jobBytes)) return entry;
    }
    return -1;
  }

  /** Adds a share with so much work, up to 2^53 - 1. */
  add(entry: number, work: number): void {
    const at = entry * 2;
    const sum = (this.#numbers[at] ?? 0) + work;
    if (sum > Number.MAX_SAFE_INTEGER) {
      this.addLarge(entry, BigInt(work));
      return;
    }
    this.#numbers[at] = sum;
    this.#numbers[at + 1] = (this.#numbers[at + 1] ?? 0) + 1;
  }

  /** Adds a share with any work. */
  addLarge(entry: number, work: bigint): void {
    this.#large.set(entry, (this.#large.get(entry) ?? 0n) + work);
    this.#numbers[entry * 2 + 1] = (this.#numbers[entry * 2 + 1] ?? 0) + 1;
  }

  sumOf(entry: number): TableSum {
    const key = entry * KEY_BYTES;
    const [accountBytes = 0, jobBytes = 0] = [this.#keys[key], this.#keys[key + 1]];
    const from = key + KEY_HEAD_BYTES;
    return {
      account: this.#keys.slice(from, from + accountBytes),
      jobId: this.#keys.slice(from + accountBytes, from + accountBytes + jobBytes),
      work: BigInt(this.#numbers[entry * 2] ?? 0) + (this.#large.get(entry) ?? 0n),
      shares: this.#numbers[entry * 2 + 1] ?? 0,
    };
  }

  #holds(key: number, view: DataView, from: number, length: number): boolean {
    const keys = this.#keyView;
    let i = 0;
    for (; i + 4 <= length; i += 4) if (keys.getUint32(key + i) !== view.getUint32(from + i)) return false;
    for (; i < length; i += 1) if (keys.getUint8(key + i) !== view.getUint8(from + i)) return false;
    return true;
  }

  #make(place: number, account: Uint8Array, jobId: Uint8Array): number {
    const entry = this.#entries;
    const key = entry * KEY_BYTES;
    this.#keys[key] = account.length;
    this.#keys[key + 1] = jobId.length;
    this.#keys.set(account, key + KEY_HEAD_BYTES);
    this.#keys.set(jobId, key + KEY_HEAD_BYTES + account.length);
    this.#places[place] = entry + 1;
    this.#entries += 1;
    if (this.#entries * 2 === this.#places.length) this.#grow();
    return entry;
  }

  /** At most half of the places are taken. A key that finds no place any more gets another entry when it comes again, or none. */
  #grow(): void {
    const places = new Int32Array(this.#places.length * 2);
    const keys = new Uint8Array(this.#keys.length * 2);
    keys.set(this.#keys);
    const numbers = new Float64Array(this.#numbers.length * 2);
    numbers.set(this.#numbers);
    [this.#places, this.#keys, this.#numbers] = [places, keys, numbers];
    this.#keyView = new DataView(keys.buffer);
    for (let entry = 0; entry < this.#entries; entry += 1) {
      const key = entry * KEY_BYTES;
      const accountAt = key + KEY_HEAD_BYTES;
      const accountEnd = accountAt + (keys[key] ?? 0);
      const hash = hashOf(this.#keyView, accountAt, accountEnd, accountEnd);
      for (let probe = 0; probe < PROBES_MAX; probe += 1) {
        const place = (hash + probe) & (places.length - 1);
        if (places[place] !== 0) continue;
        places[place] = entry + 1;
        break;
      }
    }
  }
}

/** Of the last bytes of the account and of the job's serial number. */
function hashOf(view: DataView, accountAt: number, accountEnd: number, jobAt: number): number {
  let hash = mixed(0x811c9dc5, view.getUint32(jobAt + SERIAL_DIGITS - 4));
  let at = Math.max(accountAt, accountEnd - HASHED_ACCOUNT_BYTES);
  for (; at + 4 <= accountEnd; at += 4) hash = mixed(hash, view.getUint32(at));
  for (; at < accountEnd; at += 1) hash = mixed(hash, view.getUint8(at));
  return (hash ^ (hash >>> 15)) >>> 0;
}

function mixed(hash: number, word: number): number {
  const product = Math.imul(hash ^ word, 0x9e3779b1);
  return product ^ (product >>> 13);
}
