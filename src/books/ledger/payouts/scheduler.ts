import type { Clock, Logger } from '#base/domain/ports';
import type { Payouts } from './payouts.ts';

export interface SchedulerOptions {
  /** Between two payouts, ms; undefined: they are made by hand. */
  readonly intervalMs: number | undefined;
}

export interface SchedulerModules {
  readonly payouts: Payouts;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly logger: Logger;
}

/** Between two looks at what is under way. */
const LOOK_MS = 5_000;

/**
 * Looks at what is under way, and pays when it is time. The time of the last payout is in the ledger, so that a restart neither
 * forgets nor hurries one; the first comes an interval after the first start. What one batch can not hold is paid when that
 * batch is in a block.
 */
export class PayoutScheduler {
  readonly #options: SchedulerOptions;
  readonly #modules: SchedulerModules;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #told = '';

  constructor(options: SchedulerOptions, modules: SchedulerModules) {
    this.#options = options;
    this.#modules = modules;
  }

  /** Does what is due; to be called once a second. */
  async tick(): Promise<void> {
    const { payouts, clock } = this.#modules;
    const nowMs = clock.nowMs();
    if (nowMs - this.#lookedMs < LOOK_MS && nowMs >= this.#lookedMs) return;
    this.#lookedMs = nowMs;
    await payouts.tick();
    const { intervalMs } = this.#options;
    const isMore = payouts.store.fact('more') !== undefined;
    const last = payouts.store.fact('last-run-ms');
    if (intervalMs === undefined) return;
    // A clock that was set back must not stop payouts for as long.
    const sinceMs = last === undefined ? 0 : Math.abs(nowMs - Number(last));
    if (last === undefined) return payouts.remember('last-run-ms', String(nowMs));
    if (sinceMs < intervalMs && !isMore) return;
    if (payouts.isBusy) return;
    if (!isMore) payouts.remember('last-run-ms', String(nowMs));
    await this.#run();
  }

  async #run(): Promise<void> {
    const { payouts, logger } = this.#modules;
    const { batch, reason, batchesLeft } = await payouts.run();
    payouts.remember('more', batch !== undefined && batchesLeft > 0 ? String(batchesLeft) : undefined);
    if (batch !== undefined) {
      logger.info({ payout: batch.id, accounts: batch.items.length, batchesLeft }, 'a payout was made');
    }
    if (reason !== undefined && reason !== this.#told) {
      logger.error({ reason }, 'payouts do not go on: see sluice payout list');
    }
    this.#told = reason ?? '';
  }
}
