import type { Clock, Logger } from '#base/domain/ports';
import type { BlockTemplate } from '#base/domain/template';

/** Bitcoin Core refuses blocks that are two hours ahead; a clock that is wrong by so much is on its way there. */
const OFFSET_S_MAX = 600;

/** How far the clocks of this machine and of its node are apart. */
export class ClockOffset {
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #logger: Logger;
  #seconds = 0;

  constructor({ clock, logger }: { readonly clock: Pick<Clock, 'nowMs'>; readonly logger: Logger }) {
    this.#clock = clock;
    this.#logger = logger;
  }

  /** The node's clock less this machine's, seconds. */
  get seconds(): number {
    return this.#seconds;
  }

  /** Takes the time of a template of this node. Says once if the clocks are far apart, and once if they are together again. */
  compare({ curTime, minTime }: BlockTemplate, node: string | undefined): void {
    // A template's time is the node's clock, unless the median of the last blocks is ahead of it.
    if (curTime <= minTime) return;
    const wasOff = Math.abs(this.#seconds) > OFFSET_S_MAX;
    this.#seconds = Math.round(curTime - this.#clock.nowMs() / 1000);
    const isOff = Math.abs(this.#seconds) > OFFSET_S_MAX;
    if (isOff === wasOff) return;
    const fields = { node, aheadSeconds: this.#seconds };
    if (isOff) this.#logger.warn(fields, "the node's clock and this machine's differ: one of them is wrong");
    else this.#logger.info(fields, "the node's clock and this machine's agree again");
  }
}
