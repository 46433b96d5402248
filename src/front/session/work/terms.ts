import { targetOfDifficulty, targetToBytes, workOfTarget } from '#base/bitcoin/target';
import { BoundedMap } from '#base/domain/bounded-map';
import type { Difficulty } from '#base/domain/difficulty';
import type { CoinbaseChoice, Terms } from '#base/domain/share';

/** One object per difficulty, mask and coinbase, shared by all sessions that have them. Bounded: the oldest is forgotten. */
export class TermsCache {
  readonly #terms: BoundedMap<Terms>;

  constructor(options: { readonly entriesMax: number }) {
    this.#terms = new BoundedMap(options.entriesMax);
  }

  get(difficulty: Difficulty, versionMask: number, coinbase?: CoinbaseChoice): Terms {
    const key = `${difficulty}:${versionMask}:${choiceName(coinbase)}`;
    const known = this.#terms.get(key);
    if (known) return known;
    const target = targetOfDifficulty(difficulty);
    const terms = { difficulty, target: targetToBytes(target), work: workOfTarget(target), versionMask, coinbase };
    this.#terms.set(key, terms);
    return terms;
  }
}

/** The same for two choices if they are of one account, or one size. */
export function choiceName(coinbase: CoinbaseChoice | undefined): string {
  if (coinbase === undefined) return '';
  return 'account' in coinbase ? coinbase.account : String(coinbase.bytesMax);
}

/** From this job id on, these terms; undefined: from here on no job was given out under its own id. */
interface Rung {
  readonly serial: number;
  readonly variant: number;
  readonly terms: Terms | undefined;
}

/** How many rungs the ladders of all sessions have, those of clients that may come back among them. */
export class RungSum {
  readonly #rungsMax: number;
  #rungs = 0;

  constructor(options: { readonly rungsMax: number }) {
    this.#rungsMax = options.rungsMax;
  }

  get rungs(): number {
    return this.#rungs;
  }

  get full(): boolean {
    return this.#rungs >= this.#rungsMax;
  }

  /** Rungs were added, or (negative) are gone. */
  add(rungs: number): void {
    this.#rungs += rungs;
  }
}

/**
 * What a session was promised, by job id: terms hold from the id with which they were announced until the next
 * announcement, so a share is judged by what stood beside its job, whatever came since.
 */
export class TermsLadder {
  readonly #rungsMax: number;
  readonly #rungsFree: number;
  /** In order of issue, so serials rise; the variants of one serial come in any order. */
  #rungs: Rung[] = [];
  #leastDifficulty = Number.POSITIVE_INFINITY;
  /** Undefined when this ladder does not count any more. */
  #sum: RungSum | undefined;

  /** `rungsFree`: what this ladder may have however many others have; default: all. */
  constructor(options: { readonly rungsMax: number; readonly rungsFree?: number }, sum?: RungSum) {
    this.#rungsMax = options.rungsMax;
    this.#rungsFree = options.rungsFree ?? options.rungsMax;
    this.#sum = sum;
  }

  /** The terms announced last; undefined before the first. */
  get latest(): Terms | undefined {
    return this.#rungs.at(-1)?.terms;
  }

  get size(): number {
    return this.#rungs.length;
  }

  /** The least difficulty that a share may still be judged by; infinite before the first announcement. */
  get leastDifficulty(): number {
    return this.#leastDifficulty;
  }

  /** No more can be announced until older jobs are gone. */
  get full(): boolean {
    const { length } = this.#rungs;
    return length >= this.#rungsMax || (length >= this.#rungsFree && this.#sum?.full === true);
  }

  /** Terms from this id on. Serials never fall. */
  announce(serial: number, variant: number, terms: Terms): void {
    this.#push({ serial, variant, terms });
    this.#leastDifficulty = Math.min(this.#leastDifficulty, terms.difficulty);
  }

  /**
   * Jobs from `serial` up to the next announcement's were not given out under their own id: what held before does not hold
   * for them, or a client could mine them before it is said what they are worth.
   */
  skip(serial: number): void {
    if (this.#rungs.length > 0) this.#push({ serial, variant: 0, terms: undefined });
  }

  /** No session has this ladder any more: it counts for nothing. Safe to call twice. */
  release(): void {
    this.#sum?.add(-this.#rungs.length);
    this.#sum = undefined;
  }

  #push(rung: Rung): void {
    this.#rungs.push(rung);
    this.#sum?.add(1);
  }

  /** Forgets what no job from `oldestSerial` on can refer to. */
  prune(oldestSerial: number): void {
    // The last rung at or before the oldest job's own id still says what that job was given out at.
    let keep = 0;
    for (let index = 1; index < this.#rungs.length; index += 1) {
      const rung = this.#rungs[index];
      if (rung && (rung.serial < oldestSerial || (rung.serial === oldestSerial && rung.variant === 0))) keep = index;
    }
    if (keep === 0) return;
    this.#rungs = this.#rungs.slice(keep);
    this.#sum?.add(-keep);
    this.#leastDifficulty = Number.POSITIVE_INFINITY;
    for (const { terms } of this.#rungs)
      this.#leastDifficulty = Math.min(this.#leastDifficulty, terms?.difficulty ?? Number.POSITIVE_INFINITY);
  }

  /**
   * The terms of a job id up to `lastSerial`, the newest job that the session has. A job's own id (variant 0) holds the
   * latest terms announced before that job or with this id; a variant exists only as announced.
   */
  find(serial: number, variant: number, lastSerial: number): Terms | undefined {
    if (serial > lastSerial) return undefined;
    for (let index = this.#rungs.length - 1; index >= 0; index -= 1) {
      const rung = this.#rungs[index];
      if (!rung || rung.serial > serial) continue;
      if (
        variant === 0 ? rung.serial < serial || rung.variant === 0 : rung.serial === serial && rung.variant === variant
      ) {
        return rung.terms;
      }
      if (variant !== 0 && rung.serial < serial) return undefined;
    }
    return undefined;
  }
}

/** What a client was given so far: enough to judge its shares, also after it has come back over another connection. */
export interface History {
  readonly ladder: TermsLadder;
  /** The newest job that was sent; -1 before the first. */
  lastSerial: number;
}
