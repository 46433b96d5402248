/** Samples in a row that make up a mind. */
const LATE_SAMPLES = 2;
const CALM_SAMPLES = 4;

/** Whether the event loop keeps up: it is overloaded when it was late twice in a row, until it was punctual four times. */
export class Overload {
  readonly #lagMsMax: number;
  #active = false;
  #streak = 0;

  constructor(lagMsMax: number) {
    this.#lagMsMax = lagMsMax;
  }

  get active(): boolean {
    return this.#active;
  }

  /** `lagMs`: how late a timer was. */
  sample(lagMs: number): void {
    const late = lagMs > this.#lagMsMax;
    this.#streak = late === this.#active ? 0 : this.#streak + 1;
    if (this.#streak < (this.#active ? CALM_SAMPLES : LATE_SAMPLES)) return;
    this.#active = !this.#active;
    this.#streak = 0;
  }
}
