import type { Ban, Logger } from '#base/domain/ports';

/** One line of log for all bans between two calls of `write`, however many they are. */
export class BanReport {
  #count = 0;
  #first: Ban | undefined;

  add(ban: Ban): void {
    this.#count += 1;
    this.#first ??= ban;
  }

  write(logger: Logger): void {
    if (this.#first === undefined) return;
    const { address, reason, times, untilMs } = this.#first;
    const until = new Date(untilMs).toISOString();
    logger.warn({ address, reason, times, until, bans: this.#count }, 'banned');
    this.#count = 0;
    this.#first = undefined;
  }
}
