/** Who waits for a place, in whatever order its owner likes. */
export interface Line {
  /** Takes the one whose turn it is out of the line and starts it; returns false if nobody waits. */
  startNext(): boolean;
}

/** A bounded number of places for what runs at the same time. Those that find none wait in a line that their owner keeps. */
export class Places {
  readonly #placesMax: number;
  readonly #line: Line;
  #taken = 0;

  constructor(placesMax: number, line: Line) {
    this.#placesMax = placesMax;
    this.#line = line;
  }

  /** Takes a place if one is free; else returns false, and the caller has to stand in the line. */
  take(): boolean {
    if (this.#taken >= this.#placesMax) return false;
    this.#taken += 1;
    return true;
  }

  /** Gives a place back. It goes straight to the next in the line, so that nobody comes between. */
  give(): void {
    if (!this.#line.startNext()) this.#taken -= 1;
  }
}
