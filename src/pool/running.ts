import { LATE, within } from '#base/std/within';

/** For all parts together: less than what a supervisor, and `sluice start` itself, wait for. */
const CLOSE_MS_MAX = 9_000;
/** Time that each part has to close, however long the parts before it took. */
const PART_MS_MIN = 250;
/** Between the time that a part is given and that for which it is waited. */
const SLACK_MS = 100;

/** Closes a part within `msMax` ms. */
type Close = (msMax: number) => Promise<void>;

/**
 * The started parts. They are closed in the opposite order, each even if another failed. A part that exceeds its time is not waited
 * for, so that the share log, which closes last, still has time.
 */
export class Running {
  readonly #closeMsMax: number;
  readonly #closers: { readonly part: string; readonly close: Close }[] = [];
  #closing: Promise<void> | undefined;

  constructor({ closeMsMax = CLOSE_MS_MAX }: { readonly closeMsMax?: number } = {}) {
    this.#closeMsMax = closeMsMax;
  }

  get closing(): boolean {
    return this.#closing !== undefined;
  }

  /** @param part - Its name in the log line if it does not close in time. */
  onClose(part: string, close: Close): void {
    this.#closers.unshift({ part, close });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const errors: unknown[] = [];
    const endMs = performance.now() + this.#closeMsMax;
    for (const [index, { part, close }] of this.#closers.entries()) {
      const after = (this.#closers.length - 1 - index) * PART_MS_MIN;
      const leftMs = Math.max(endMs - performance.now() - after, PART_MS_MIN);
      await inTime(part, close, leftMs).catch((error: unknown) => errors.push(error));
    }
    if (errors.length > 0) throw new AggregateError(errors, 'the pool closed with errors');
  }
}

/** Rejects if the promise takes longer. */
async function inTime(part: string, close: Close, ms: number): Promise<void> {
  if ((await within(close(ms - SLACK_MS), ms)) === LATE) {
    throw new Error(`${part} did not close within ${Math.round(ms)} ms`);
  }
}
