import { JUMP_RATIO, LONG_WINDOW_MS_MAX, retarget, SETTLING_MS, SHORT_WINDOW_MS_MAX, } from './vardiff.js';
/**
 * The difficulty that one session should have: the pool's start (or its device's), the miner's wishes, then vardiff,
 * always within the pool's bounds. Times are monotonic ms.
 */
export class SessionDifficulty {
    #options;
    #wanted;
    /** The least that the pool gives this device. */
    #min;
    /** The least that the miner asked for. */
    #floor = 0;
    /** As the password has it, whatever the bounds make of it. */
    #fixed;
    /** Nothing was wished for and nothing measured yet. */
    #untouched = true;
    #suggested;
    #networkDifficulty = Number.POSITIVE_INFINITY;
    /** Vardiff's windows. Undefined before there is work. */
    #long;
    #short;
    #settlingUntilMs;
    constructor(options) {
        this.#options = options;
        this.#min = options.min;
        this.#wanted = this.#clamp(options.start);
    }
    get wanted() {
        return this.#wanted;
    }
    /** Below what the pool gives to everybody. */
    get belowPool() {
        return this.#wanted < this.#options.min;
    }
    /**
     * The current job's. A wish above it would hide blocks, so wishes end there; what vardiff measures does not, because
     * there the alternative is a flood of shares. On test networks (below difficulty 1, or below the pool's own start)
     * nearly every share is a block and the bound would be nothing but a flood, so there is none.
     */
    set networkDifficulty(difficulty) {
        const { start } = this.#options;
        this.#networkDifficulty = difficulty >= Math.max(start, 1) ? difficulty : Number.POSITIVE_INFINITY;
        if (this.#fixed !== undefined)
            this.#wanted = this.#wish(this.#fixed);
    }
    /** Which device it is: its own floor, and its own start where nothing else has been said yet. */
    device(min, start) {
        if (min !== undefined)
            this.#min = Math.min(min, this.#options.max);
        if (start !== undefined && this.#untouched)
            this.#wanted = start;
        this.#wanted = this.#clamp(this.#wanted);
    }
    /** What a former connection of the same client had come to. A wish made meanwhile is worth more. */
    resume(difficulty) {
        if (!this.#untouched)
            return;
        this.#untouched = false;
        this.#wanted = this.#clamp(difficulty);
    }
    /** `mining.suggest_difficulty`: where vardiff starts from. The same wish again (NerdMiner's, every 30 s) is no news. */
    suggest(difficulty) {
        if (this.#fixed !== undefined || difficulty === this.#suggested)
            return;
        this.#untouched = false;
        this.#suggested = difficulty;
        this.#wanted = this.#wish(difficulty);
    }
    /** `d=` in the password: stays. */
    fix(difficulty) {
        this.#untouched = false;
        this.#fixed = difficulty;
        this.#wanted = this.#wish(difficulty);
    }
    /** BIP310's minimum-difficulty: never less than this. */
    keepAbove(difficulty) {
        this.#floor = difficulty;
        this.#wanted = this.#clamp(this.#wanted);
    }
    /** Work at the wanted difficulty was sent: what comes from now on is measured against it. */
    begin(nowMs) {
        this.#long = new Window(nowMs, LONG_WINDOW_MS_MAX);
        this.#short = new Window(nowMs, SHORT_WINDOW_MS_MAX);
        this.#settlingUntilMs ??= nowMs + SETTLING_MS;
    }
    /** An accepted share. One of an older, harder job counts no more than one of now, or a single one would be a flood. */
    accept(difficulty) {
        const shares = Math.min(difficulty / this.#wanted, 1);
        this.#long?.add(shares);
        this.#short?.add(shares);
    }
    /** Thinks again. */
    review(nowMs) {
        const { vardiff, sharesPerMinute } = this.#options;
        if (!vardiff || this.#fixed !== undefined || !this.#long || !this.#short)
            return;
        const difficulty = this.#wanted;
        const settling = nowMs < (this.#settlingUntilMs ?? 0);
        const view = { difficulty, long: this.#long.until(nowMs), short: this.#short.until(nowMs), settling };
        const next = retarget(view, sharesPerMinute);
        if (next === undefined)
            return;
        this.#untouched = false;
        this.#wanted = this.#clamp(next);
        const jumped = next > difficulty * JUMP_RATIO || next * JUMP_RATIO < difficulty;
        if (jumped)
            this.#settlingUntilMs = nowMs + SETTLING_MS;
    }
    #wish(difficulty) {
        return this.#clamp(Math.min(difficulty, this.#networkDifficulty));
    }
    #clamp(difficulty) {
        const floor = Math.min(this.#floor, this.#networkDifficulty);
        return Math.min(Math.max(difficulty, this.#min, floor), this.#options.max);
    }
}
/** A stretch of time that ends now and is never much longer than asked for. */
class Window {
    #msMax;
    #sinceMs;
    elapsedMs = 0;
    shares = 0;
    constructor(nowMs, msMax) {
        this.#sinceMs = nowMs;
        this.#msMax = msMax;
    }
    add(shares) {
        this.shares += shares;
    }
    until(nowMs) {
        this.elapsedMs = nowMs - this.#sinceMs;
        if (this.elapsedMs > this.#msMax) {
            this.elapsedMs /= 2;
            this.#sinceMs += this.elapsedMs;
            this.shares /= 2;
        }
        return this;
    }
}
