import type { Clock, Logger } from '#base/domain/ports';
import type { BlockTemplate } from '#base/domain/template';
import type { Gateway } from '#gateway/gateway';
import { OutageWatch } from './outage.ts';

/** A node or a disk may be away for so long before miners hear of it. */
const TELL_MS = 5000;
const PAUSED = 'The pool can not take work at the moment: work is paused';
const LET_GO = 'The pool can not take work at the moment: please use your next pool';

export interface WorkOptions {
  /** Miners are kept for so long while there is no work worth doing, ms. */
  readonly outageGraceMs: number;
}

export interface WorkModules {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly gateway: Pick<Gateway, 'pause' | 'letGo'>;
  /** Makes a job of a template, and sends it to every miner. */
  readonly announce: (template: BlockTemplate) => void;
  /** Why work is worth nothing now; empty if it is worth something. */
  readonly causes: () => readonly string[];
  /** Told when an outage has begun, and why, and when it is over. Default: nobody. */
  readonly tell?: (kind: 'outage' | 'outage-over', why: string) => void;
}

/** Gives out work: a job for each template, and none while there is an outage. */
export class Work {
  readonly #modules: WorkModules;
  readonly #outages: OutageWatch;
  #latest: BlockTemplate | undefined;
  #paused = false;

  constructor({ outageGraceMs }: WorkOptions, modules: WorkModules) {
    const { clock, logger, gateway, causes, tell = () => {} } = modules;
    this.#modules = modules;
    this.#outages = new OutageWatch(
      { tellMs: TELL_MS, letGoMs: outageGraceMs },
      {
        clock,
        causes,
        began: (why) => {
          this.#paused = true;
          logger.error({ causes: why }, 'work is paused: miners get a message');
          gateway.pause(PAUSED);
          tell('outage', why.join('; '));
        },
        lasts: (why) => {
          logger.error({ causes: why }, 'work is still paused: miners are disconnected and new clients refused');
          gateway.letGo(LET_GO);
        },
        over: () => {
          logger.info({}, 'work goes on: the outage is over');
          tell('outage-over', '');
          if (this.#paused && this.#latest !== undefined) this.#announce(this.#latest);
        },
      },
    );
  }

  /** The node has a new template. */
  template(template: BlockTemplate): void {
    this.#latest = template;
    // A node serves on while the disk is stuck: its templates wait.
    if (this.#paused && this.#modules.causes().length > 0) return;
    this.#announce(template);
  }

  /** A newer job is wanted although the template is the same. Does nothing before the first template, and in an outage. */
  renew(): void {
    if (this.#latest !== undefined) this.template(this.#latest);
  }

  /** Call it once a second. */
  tick(): void {
    this.#outages.tick();
  }

  #announce(template: BlockTemplate): void {
    this.#paused = false;
    this.#modules.announce(template);
  }
}
