const BAR_CHARS = 24;

/** A bar on a terminal's stderr, and nothing elsewhere. */
export class Progress {
  readonly #total: number;
  readonly #shown: boolean;
  #done = 0;

  constructor(total: number, shown: boolean) {
    this.#total = total;
    this.#shown = shown && process.stderr.isTTY === true;
  }

  /** The next step begins. */
  step(label: string): void {
    if (!this.#shown) return;
    const filled = Math.min(BAR_CHARS, Math.floor((BAR_CHARS * this.#done) / this.#total));
    this.#done += 1;
    const bar = '█'.repeat(filled) + '░'.repeat(BAR_CHARS - filled);
    process.stderr.write(`\r\u001b[K${bar} ${this.#done}/${this.#total} ${label}`);
  }

  end(): void {
    if (this.#shown) process.stderr.write('\r\u001b[K');
  }
}
