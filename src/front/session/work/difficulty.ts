import {
  DIFFICULTY_MAX,
  DIFFICULTY_MIN,
  type Difficulty,
  difficultyOf,
  greatest,
  least,
  mustBeDifficulty,
} from '#base/domain/difficulty';
import { limits } from '#base/limits';
import {
  JUMP_RATIO,
  LONG_WINDOW_MS_MAX,
  retarget,
  roundDifficulty,
  SETTLING_MS,
  SHORT_WINDOW_MS_MAX,
  type VardiffView,
  type VardiffWindow,
} from './vardiff.ts';

export interface DifficultyOptions {
  readonly start: number;
  readonly min: number;
  readonly max: number;
  /** False: everybody stays at the start difficulty unless they ask for another. */
  readonly vardiff: boolean;
  /** What vardiff aims at. */
  readonly sharesPerMinute: number;
}

/**
 * How far silence alone brings a difficulty down, by factor, from the last one that a share was found at. Whoever comes
 * back after hours at his old speed would drown the pool in shares at the least difficulty there is.
 */
const SILENT_DECAY_MAX = 64;

/** Half of what a session below the pool's minimum may send, so that a stroke of luck stays within that. */
const EASY_SHARES_PER_MINUTE = limits.easySharesPerSessionMax * 30;

/** A burst that is shorter says nothing about a rate. */
const FLOOD_MS_MIN = 1_000;

/**
 * The difficulty that one session should have: the pool's start (or its device's), the miner's wishes, then vardiff,
 * always within the pool's bounds. Times are monotonic ms.
 */
export class SessionDifficulty {
  readonly #options: DifficultyOptions;
  #wanted: Difficulty;
  readonly #poolMin: Difficulty;
  /** The least that weak devices get: no less than the pool's minimum if that is above 1. */
  readonly #weakMin: Difficulty;
  /** The least that this device's profile has; undefined if it says nothing. */
  #deviceMin: Difficulty | undefined;
  /** What its miner asked for last is below the pool's minimum. */
  #weak = false;
  readonly #max: Difficulty;
  /** The least that the miner asked for. */
  #floor: Difficulty = DIFFICULTY_MIN;
  /** As the password has it, whatever the bounds make of it. */
  #fixed: Difficulty | undefined;
  /** Nothing was wished for and nothing measured yet. */
  #untouched = true;
  #suggested: Difficulty | undefined;
  #networkDifficulty: Difficulty = DIFFICULTY_MAX;
  /** Vardiff's windows. Undefined before there is work. */
  #long: Window | undefined;
  #short: Window | undefined;
  #settlingUntilMs: number | undefined;
  /** The difficulty of the last accepted share; 0 before the first. */
  #proven = 0;
  /** Shares a minute that the workers seen at work should bring, and those that may be at work. */
  #aim: number;
  #aimMax: number;

  constructor(options: DifficultyOptions) {
    this.#options = options;
    this.#aim = this.#aimMax = options.sharesPerMinute;
    this.#poolMin = mustBeDifficulty(options.min);
    this.#weakMin = options.min > 1 ? this.#poolMin : mustBeDifficulty(Math.min(options.min, limits.weakDifficultyMin));
    this.#max = mustBeDifficulty(options.max);
    this.#wanted = this.#clamp(mustBeDifficulty(options.start));
  }

  get wanted(): Difficulty {
    return this.#wanted;
  }

  /**
   * The current job's. A wish above it would hide blocks, so wishes end there; what vardiff measures does not, because
   * there the alternative is a flood of shares. On test networks (below difficulty 1, or below the pool's own start)
   * nearly every share is a block and the bound would be nothing but a flood, so there is none.
   */
  set networkDifficulty(difficulty: number) {
    const { start } = this.#options;
    this.#networkDifficulty =
      (difficulty >= Math.max(start, 1) ? difficultyOf(difficulty) : undefined) ?? DIFFICULTY_MAX;
    if (this.#fixed !== undefined) this.#wanted = this.#wish(this.#fixed);
    // Before the first work what is wanted is a wish, made before the bound on it was known.
    else if (this.#long === undefined && (this.#suggested !== undefined || this.#wanted === this.#floor))
      this.#wanted = this.#wish(this.#wanted);
  }

  /** Which device it is: its own floor, and its own start where nothing else has been said yet. */
  device(min: number | undefined, start: number | undefined): void {
    if (min !== undefined) this.#deviceMin = least(mustBeDifficulty(min), this.#max);
    if (start !== undefined && this.#untouched) this.#wanted = mustBeDifficulty(start);
    this.#wanted = this.#clamp(this.#wanted);
  }

  /** What a former connection of the same client had come to. A wish made meanwhile is worth more. */
  resume(difficulty: Difficulty): void {
    if (!this.#untouched) return;
    this.#untouched = false;
    this.#weak = difficulty < this.#poolMin;
    this.#wanted = this.#clamp(difficulty);
  }

  /** `mining.suggest_difficulty`: where vardiff starts from, rounded as it rounds. The same wish again (NerdMiner's, every 30 s) is no news. */
  suggest(difficulty: Difficulty): void {
    if (this.#fixed !== undefined || difficulty === this.#suggested) return;
    this.#untouched = false;
    this.#suggested = difficulty;
    this.#weak = difficulty < this.#poolMin;
    // As vardiff's, so that the wishes of all sessions come to few sets of terms; what is as good as had already is kept.
    const rounded = roundDifficulty(difficulty);
    this.#wanted = this.#wish(rounded === roundDifficulty(this.#wanted) ? this.#wanted : rounded);
  }

  /** `d=` in the password: stays, unless it floods the pool. */
  fix(difficulty: Difficulty): void {
    this.#untouched = false;
    this.#fixed = difficulty;
    this.#weak = difficulty < this.#poolMin;
    this.#wanted = this.#wish(difficulty);
  }

  /** BIP310's minimum-difficulty: never less than this. */
  keepAbove(difficulty: Difficulty): void {
    this.#floor = difficulty > 1 ? mustBeDifficulty(Math.ceil(difficulty)) : difficulty;
    this.#wanted = this.#clamp(this.#wanted);
  }

  /** Work at the wanted difficulty was sent: what comes from now on is measured against it. */
  begin(nowMs: number): void {
    this.#long = new Window(nowMs, LONG_WINDOW_MS_MAX);
    this.#short = new Window(nowMs, SHORT_WINDOW_MS_MAX);
    this.#settlingUntilMs ??= nowMs + SETTLING_MS;
  }

  /**
   * The workers that mine at this difficulty: `seen` have had accepted shares lately, and up to `possible` may be at work. Vardiff aims
   * at the share rate of one worker for each, up to `farmSharesPerSecondMax` in all. It comes down only for those seen.
   */
  shareAmong(seen: number, possible: number): void {
    this.#aim = this.#rate(seen);
    this.#aimMax = Math.max(this.#aim, this.#rate(possible));
  }

  #rate(workers: number): number {
    const { sharesPerMinute } = this.#options;
    const most = Math.max(sharesPerMinute, limits.farmSharesPerSecondMax * 60);
    return Math.min(Math.max(1, workers) * sharesPerMinute, most);
  }

  /** Whether shares change it. */
  get #varies(): boolean {
    return this.#options.vardiff && this.#fixed === undefined;
  }

  /**
   * An accepted share. One of an older, harder job counts no more than one of now, or a single one would be a flood.
   * True where it is worth a review.
   */
  accept(difficulty: number): boolean {
    this.#proven = Math.min(difficulty, this.#wanted);
    const shares = this.#proven / this.#wanted;
    this.#long?.add(shares);
    this.#short?.add(shares);
    return this.#varies;
  }

  /**
   * Raises a difficulty that its miner has fixed, if it floods the pool. It aims at half of the rate that is a flood, and
   * the miner's wish is forgotten for good.
   */
  #stem(nowMs: number): void {
    if (!this.#options.vardiff || this.#short === undefined) return;
    const { elapsedMs, shares } = this.#short.until(nowMs);
    // Below the pool's minimum no more than a budget is accepted: half of it is a flood.
    const floodPerSecond = this.#wanted < this.#poolMin ? EASY_SHARES_PER_MINUTE / 60 : limits.fixedSharesPerSecondMax;
    const ratio = (shares * 1000) / (elapsedMs * floodPerSecond);
    if (elapsedMs < FLOOD_MS_MIN || ratio <= 1) return;
    this.#fixed = roundDifficulty(mustBeDifficulty(this.#wanted * 2 * ratio));
    this.#wanted = this.#clamp(this.#fixed);
  }

  /** Thinks again. */
  review(nowMs: number): void {
    if (this.#fixed !== undefined) {
      this.#stem(nowMs);
      return;
    }
    if (!this.#varies || !this.#long || !this.#short) return;
    const difficulty = this.#wanted;
    const settling = nowMs < (this.#settlingUntilMs ?? 0);
    const view = { difficulty, long: this.#long.until(nowMs), short: this.#short.until(nowMs), settling };
    const next = this.#next(view);
    if (next === undefined) return;
    this.#untouched = false;
    const decayed = difficultyOf(this.#proven / SILENT_DECAY_MAX) ?? DIFFICULTY_MIN;
    this.#wanted = this.#clamp(greatest(next, least(difficulty, decayed)));
    const jumped = next > difficulty * JUMP_RATIO || next * JUMP_RATIO < difficulty;
    if (jumped) this.#settlingUntilMs = nowMs + SETTLING_MS;
  }

  /** What vardiff makes of a view. */
  #next(view: VardiffView): Difficulty | undefined {
    const { difficulty } = view;
    // The budget of easy shares is a session's, however many workers it has.
    const easyAim = Math.min(this.#aim, EASY_SHARES_PER_MINUTE);
    const poolMin = this.#poolMin;
    if (difficulty < poolMin) return retarget(view, easyAim);
    const next = retarget(view, this.#aim);
    if (next === undefined || next === difficulty) return next;
    if (next > difficulty) {
      const sure = this.#aimMax > this.#aim ? retarget(view, this.#aimMax) : next;
      return sure !== undefined && sure > difficulty ? sure : undefined;
    }
    if (next >= poolMin || easyAim === this.#aim) return next;
    return least(poolMin, retarget(view, easyAim) ?? poolMin);
  }

  #wish(difficulty: Difficulty): Difficulty {
    return this.#clamp(least(difficulty, this.#networkDifficulty));
  }

  /** The least that the pool gives this session. A profile's own minimum goes before what its miner asks for. */
  get #min(): Difficulty {
    return this.#deviceMin ?? (this.#weak ? this.#weakMin : this.#poolMin);
  }

  #clamp(difficulty: Difficulty): Difficulty {
    const floor = whole(least(this.#floor, this.#networkDifficulty));
    return least(greatest(whole(difficulty), greatest(this.#min, floor)), this.#max);
  }
}

/** Above 1 without a fraction: NerdQAxe and others read a difficulty as a whole number, and would find shares just below it. */
function whole(difficulty: Difficulty): Difficulty {
  return difficulty > 1 ? mustBeDifficulty(Math.floor(difficulty)) : difficulty;
}

/** A stretch of time that ends now and is never much longer than asked for. */
class Window implements VardiffWindow {
  readonly #msMax: number;
  #sinceMs: number;
  elapsedMs = 0;
  shares = 0;

  constructor(nowMs: number, msMax: number) {
    this.#sinceMs = nowMs;
    this.#msMax = msMax;
  }

  add(shares: number): void {
    this.shares += shares;
  }

  until(nowMs: number): VardiffWindow {
    this.elapsedMs = nowMs - this.#sinceMs;
    if (this.elapsedMs > this.#msMax) {
      this.elapsedMs /= 2;
      this.#sinceMs += this.elapsedMs;
      this.shares /= 2;
    }
    return this;
  }
}
