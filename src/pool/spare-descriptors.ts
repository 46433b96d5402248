import { closeSync, openSync } from 'node:fs';
import { devNull } from 'node:os';
import type { Logger, SpareDescriptors } from '#base/domain/ports';
import { limits } from '#base/limits';

/** Of those held, how many only a block may have. */
const FOR_BLOCKS = limits.descriptorsSpare / 2;

/**
 * Holds descriptors from the start on. They have low numbers, so they are of use also if the limit of the process is lowered
 * below the number of files that it has open.
 */
export class HeldDescriptors implements SpareDescriptors {
  readonly #logger: Pick<Logger, 'warn' | 'info'>;
  readonly #held: number[] = [];
  #short = false;
  #closed = false;

  constructor({ logger }: { readonly logger: Pick<Logger, 'warn' | 'info'> }) {
    this.#logger = logger;
    this.refill();
  }

  /** Descriptors that are held now. */
  get held(): number {
    return this.#held.length;
  }

  release(use: 'block' | 'work'): boolean {
    this.#say(true);
    const fd = this.#held.length > (use === 'block' ? 0 : FOR_BLOCKS) ? this.#held.pop() : undefined;
    if (fd === undefined) return false;
    closeSync(fd);
    return true;
  }

  /** Reopens released descriptors, as far as the system permits. */
  refill(): void {
    while (!this.#closed && this.#held.length < limits.descriptorsSpare) {
      try {
        this.#held.push(openSync(devNull, 'r'));
      } catch {
        return;
      }
    }
    this.#say(false);
  }

  close(): void {
    this.#closed = true;
    for (const fd of this.#held.splice(0)) closeSync(fd);
  }

  #say(short: boolean): void {
    if (this.#short === short || this.#closed) return;
    this.#short = short;
    if (short)
      this.#logger.warn({}, 'out of file descriptors: raise the limit of open files (ulimit -n, LimitNOFILE=)');
    else this.#logger.info({}, 'there are file descriptors again');
  }
}
