import { text } from 'node:stream/consumers';
import type { Hashrates } from '#base/domain/miner';
import type { Clock, Logger } from '#base/domain/ports';
import { FADE_MS, WorkRate } from '#base/telemetry/work-rate';
import type { Analytics } from '#books/analytics/analytics';

/** What is older counts for less than a thousandth of what is new. */
const READ_BACK_MS = 8 * FADE_MS.hour;
const RETRY_MS = 1_000;
/** What came since the start is a fair estimate then, even of the hour. */
const GIVE_UP_MS = 3_600_000;
const HASHES_PER_DIFFICULTY = 2 ** 32;

export type KnownHashrate = Hashrates | { readonly reason: string };

export interface PoolHashrateModules {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly analytics: Pick<Analytics, 'query' | 'status'>;
}

/**
 * The pool's hash rate, from the difficulty of accepted shares. What was accepted before the start is read back from ClickHouse once, so
 * that the figure is right at once after a restart; until then there is none.
 */
export class PoolHashrate {
  readonly #clock: Clock;
  readonly #rate: WorkRate;
  /** Shares from then on are counted as they come; wall clock. */
  readonly #startedMs: number;
  #unknown: string | undefined = 'what was before the start is being read back';
  #timer: NodeJS.Timeout | undefined;

  constructor({ clock }: { readonly clock: Clock }) {
    this.#clock = clock;
    this.#rate = new WorkRate(clock.monotonicMs());
    this.#startedMs = clock.nowMs();
  }

  add(difficulty: number, monotonicMs: number): void {
    this.#rate.add(difficulty, monotonicMs);
  }

  known(): KnownHashrate {
    return this.#unknown === undefined ? this.#rate.hashrates(this.#clock.monotonicMs()) : { reason: this.#unknown };
  }

  /** Reads back what was before the start, and tries again until it can. Without ClickHouse there is nothing to read. */
  readBack({ analytics, logger }: Omit<PoolHashrateModules, 'clock'>): void {
    const status = analytics.status();
    if (status.mode === 'off' || this.#clock.nowMs() - this.#startedMs > GIVE_UP_MS) {
      this.#unknown = undefined;
      return;
    }
    this.#read(analytics).then(
      () => {
        this.#unknown = undefined;
      },
      (err: unknown) => {
        if (this.#timer === undefined)
          logger.warn({ err: String(err) }, 'the hash rate before the start can not be read back yet');
        this.#unknown = 'what was before the start can not be read back: ClickHouse does not answer';
        this.#timer = setTimeout(() => this.readBack({ analytics, logger }), RETRY_MS).unref();
      },
    );
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  async #read(analytics: Pick<Analytics, 'query'>): Promise<void> {
    const startedMs = Math.trunc(this.#startedMs);
    const faded = (ms: number): string => `sum(toFloat64(work) * exp((age_from - ${startedMs}) / ${ms}))`;
    const result = await analytics.query(
      `SELECT ${faded(FADE_MS.minute)} AS m, ${faded(FADE_MS.tenMinutes)} AS t, ${faded(FADE_MS.hour)} AS h,
         toString(min(age_from)) AS first_ms, toString(count()) AS shares_count
       FROM (SELECT work, toUnixTimestamp64Milli(time) AS age_from FROM shares
         WHERE verdict = 'accepted' AND time >= fromUnixTimestamp64Milli(${startedMs - READ_BACK_MS})
           AND time < fromUnixTimestamp64Milli(${startedMs}))`,
      'JSONEachRow',
    );
    const row = JSON.parse(await text(result)) as {
      m: number;
      t: number;
      h: number;
      first_ms: string;
      shares_count: string;
    };
    if (row.shares_count === '0') return;
    const passedMs = this.#clock.nowMs() - this.#startedMs;
    const nowMs = this.#clock.monotonicMs();
    const now = (work: number, fadeMs: number): number => (work * Math.exp(-passedMs / fadeMs)) / HASHES_PER_DIFFICULTY;
    this.#rate.restore(
      {
        minute: now(row.m, FADE_MS.minute),
        tenMinutes: now(row.t, FADE_MS.tenMinutes),
        hour: now(row.h, FADE_MS.hour),
      },
      nowMs - (this.#clock.nowMs() - Number(row.first_ms)),
      nowMs,
    );
  }
}
