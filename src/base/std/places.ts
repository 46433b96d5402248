/** The waiting line for a place, in an order chosen by its owner. */
export interface Line {
  /** Removes the next waiting task from the line and starts it. Returns false if the line is empty. */
  startNext(): boolean;
}

/** Limits the number of tasks that run at the same time. Further tasks wait in a line kept by the owner. */
export class Places {
  readonly #placesMax: number;
  readonly #line: Line;
  #taken = 0;

  constructor(placesMax: number, line: Line) {
    this.#placesMax = placesMax;
    this.#line = line;
  }

  /** Takes a place if one is free. Otherwise returns false, and the caller must queue the task. */
  take(): boolean {
    if (this.#taken >= this.#placesMax) return false;
    this.#taken += 1;
    return true;
  }

  /** Returns a place, and passes it directly to the next waiting task, so that no new task can take it first. */
  give(): void {
    if (!this.#line.startNext()) this.#taken -= 1;
  }
}
