import type { Io } from '../io.ts';

const CELLS = 30;
const EVERY_MS = 100;

/** A bar on a terminal's standard error that shows how much of a number of rows is done; nothing elsewhere. */
export class Bar {
  readonly #io: Pick<Io, 'stderr'>;
  readonly #rows: number;
  readonly #startedMs = performance.now();
  #shownMs = Number.NEGATIVE_INFINITY;

  constructor(io: Pick<Io, 'stderr'>, rows: number) {
    this.#io = io;
    this.#rows = rows;
  }

  /** `rows` are done; `what` is under way. */
  show(rows: number, what: string): void {
    const nowMs = performance.now();
    if (this.#io.stderr.isTTY !== true || nowMs - this.#shownMs < EVERY_MS) return;
    this.#shownMs = nowMs;
    this.#io.stderr.write(`\r\u001b[K${barText(rows, this.#rows, nowMs - this.#startedMs)}  ${what}`);
  }

  clear(): void {
    this.#shownMs = Number.NEGATIVE_INFINITY;
    if (this.#io.stderr.isTTY === true) this.#io.stderr.write('\r\u001b[K');
  }
}

/** The bar as text: how much is done, and how long the rest takes at this pace. */
export function barText(done: number, all: number, elapsedMs: number): string {
  const share = all === 0 ? 1 : Math.min(1, done / all);
  const full = Math.floor(share * CELLS);
  const leftSeconds = Math.ceil((elapsedMs * (1 - share)) / Math.max(share, 1e-9) / 1000);
  const left = share === 0 || share === 1 ? '' : `, ${leftSeconds} s left`;
  return `[${'#'.repeat(full)}${'-'.repeat(CELLS - full)}] ${Math.floor(share * 100)} %${left}`;
}
