/** Mean and variance of a stream of numbers with weights (West 1979). */
export class Moments {
  #weight = 0;
  #mean = 0;
  #squares = 0;

  add(value: number, weight = 1): void {
    this.#weight += weight;
    const before = value - this.#mean;
    this.#mean += (before * weight) / this.#weight;
    this.#squares += weight * before * (value - this.#mean);
  }

  get mean(): number {
    return this.#mean;
  }

  /** Of the population; NaN before the first number. */
  get variance(): number {
    return this.#squares / this.#weight;
  }
}
