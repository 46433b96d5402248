import type { Clock } from '#base/domain/ports';

export interface OutageOptions {
  /** How long a cause (a restart, a time-out) may last before miners get a message. */
  readonly tellMs: number;
  /** How long a cause may last before miners are disconnected. */
  readonly letGoMs: number;
}

export interface OutageModules {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  /** Why work is worth nothing now: no node, or a disk that takes no shares; empty if nothing is wrong. */
  readonly causes: () => readonly string[];
  /** Work is worth nothing until `over`. */
  readonly began: (causes: readonly string[]) => void;
  /** It has lasted: miners should go to their next pool. */
  readonly lasts: (causes: readonly string[]) => void;
  readonly over: () => void;
}

/** Notices when work is worth nothing, when that lasts, and when it ends. Call `tick` once a second. */
export class OutageWatch {
  readonly #options: OutageOptions;
  readonly #modules: OutageModules;
  #sinceMs: number | undefined;
  #stage: 'none' | 'told' | 'let-go' = 'none';

  constructor(options: OutageOptions, modules: OutageModules) {
    this.#options = options;
    this.#modules = modules;
  }

  tick(): void {
    const { clock, causes, began, lasts, over } = this.#modules;
    const now = causes();
    if (now.length === 0) {
      const ended = this.#stage !== 'none';
      this.#sinceMs = undefined;
      this.#stage = 'none';
      if (ended) over();
      return;
    }
    const nowMs = clock.monotonicMs();
    this.#sinceMs ??= nowMs;
    const lastedMs = nowMs - this.#sinceMs;
    if (this.#stage === 'none' && lastedMs >= this.#options.tellMs) {
      this.#stage = 'told';
      began(now);
    }
    if (this.#stage === 'told' && lastedMs >= this.#options.letGoMs) {
      this.#stage = 'let-go';
      lasts(now);
    }
  }
}
