/** A histogram in Prometheus' form: the observations up to each bound, their number and their sum. */
export interface HistogramSnapshot {
  /** Upper bounds, rising; the last is +Inf. */
  readonly bounds: readonly number[];
  /** Cumulative, one for each bound. */
  readonly counts: readonly number[];
  readonly sum: number;
}

export interface RawHistogram {
  readonly counts: readonly number[];
  readonly sum: number;
}

/** Counts observations in fixed buckets; `observe` allocates nothing. */
export class FixedHistogram {
  readonly #bounds: Float64Array;
  readonly #counts: Float64Array;
  #sum = 0;

  /** `bounds` must rise; +Inf is added. */
  constructor(bounds: readonly number[]) {
    if (bounds.some((bound, index) => index > 0 && bound <= (bounds[index - 1] ?? 0))) {
      throw new RangeError('histogram: the bounds do not rise');
    }
    this.#bounds = Float64Array.of(...bounds, Number.POSITIVE_INFINITY);
    this.#counts = new Float64Array(this.#bounds.length);
  }

  observe(value: number): void {
    if (!(value >= 0)) return; // a clock that stepped back, or NaN, would spoil the sum for good
    let index = 0;
    // A straight scan: most observations fall into the first buckets.
    while (value > (this.#bounds[index] ?? Number.POSITIVE_INFINITY)) index++;
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#sum += value;
  }

  /** Observations by bucket, and their sum: what `merge` of another process's histogram takes. */
  raw(): RawHistogram {
    return { counts: [...this.#counts], sum: this.#sum };
  }

  /** Adds what another histogram with the same bounds has had since `before`. */
  merge(now: RawHistogram, before: RawHistogram | undefined): void {
    now.counts.forEach((count, index) => {
      this.#counts[index] = (this.#counts[index] ?? 0) + count - (before?.counts[index] ?? 0);
    });
    this.#sum += now.sum - (before?.sum ?? 0);
  }

  snapshot(): HistogramSnapshot {
    let total = 0;
    const counts = Array.from(this.#counts, (count) => {
      total += count;
      return total;
    });
    return { bounds: [...this.#bounds], counts, sum: this.#sum };
  }
}
