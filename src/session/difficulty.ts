import { retarget } from './vardiff.ts';

export interface DifficultyOptions {
  readonly start: number;
  readonly min: number;
  readonly max: number;
  /** False: everybody stays at the start difficulty unless they ask for another. */
  readonly vardiff: boolean;
  /** What vardiff aims at. */
  readonly sharesPerMinute: number;
}

/** What vardiff looks back on; then the older half is forgotten. */
const WINDOW_MS_MAX = 300_000;

/**
 * The difficulty that one session should have: the pool's start, the miner's wishes, then vardiff, always within the
 * pool's bounds. Times are monotonic ms.
 */
export class SessionDifficulty {
  readonly #options: DifficultyOptions;
  #wanted: number;
  #floor: number;
  #fixed = false;
  #suggested: number | undefined;
  /** Vardiff's window: since when, and what was accepted in it. Undefined before there is work. */
  #sinceMs: number | undefined;
  #accepted = 0;

  constructor(options: DifficultyOptions) {
    this.#options = options;
    this.#floor = options.min;
    this.#wanted = this.#clamp(options.start);
  }

  get wanted(): number {
    return this.#wanted;
  }

  /** `mining.suggest_difficulty`: where vardiff starts from. The same wish again (NerdMiner's, every 30 s) is no news. */
  suggest(difficulty: number): void {
    if (this.#fixed || difficulty === this.#suggested) return;
    this.#suggested = difficulty;
    this.#wanted = this.#clamp(difficulty);
  }

  /** `d=` in the password: stays. */
  fix(difficulty: number): void {
    this.#fixed = true;
    this.#wanted = this.#clamp(difficulty);
  }

  /** BIP310's minimum-difficulty: never less than this. */
  keepAbove(difficulty: number): void {
    this.#floor = Math.min(Math.max(difficulty, this.#options.min), this.#options.max);
    this.#wanted = this.#clamp(this.#wanted);
  }

  /** Work at the wanted difficulty was sent: what comes from now on is measured against it. */
  begin(nowMs: number): void {
    this.#sinceMs = nowMs;
    this.#accepted = 0;
  }

  /** An accepted share. One of an older, harder job counts no more than one of now, or a single one would be a flood. */
  accept(difficulty: number): void {
    this.#accepted += Math.min(difficulty, this.#wanted);
  }

  /** Thinks again. */
  review(nowMs: number): void {
    const { vardiff, sharesPerMinute } = this.#options;
    if (!vardiff || this.#fixed || this.#sinceMs === undefined) return;
    const elapsedMs = nowMs - this.#sinceMs;
    const window = { difficulty: this.#wanted, elapsedMs, acceptedDifficulty: this.#accepted };
    this.#wanted = this.#clamp(retarget(window, sharesPerMinute) ?? this.#wanted);
    if (elapsedMs > WINDOW_MS_MAX) {
      this.#sinceMs += elapsedMs / 2;
      this.#accepted /= 2;
    }
  }

  #clamp(difficulty: number): number {
    return Math.min(Math.max(difficulty, this.#floor), this.#options.max);
  }
}
