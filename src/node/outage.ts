import type { Clock, NodeStatus } from '../domain/ports.ts';

export interface OutageOptions {
  /** A node may be away for so long (a restart, a time-out) before miners hear of it. */
  readonly graceMs: number;
}

export interface OutageModules {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly status: () => NodeStatus;
  /** No node serves: work is worth nothing until `over`. */
  readonly began: (reason: string) => void;
  readonly over: () => void;
}

/** Notices when no Bitcoin node serves any more, and when one does again. To be asked about once a second. */
export class OutageWatch {
  readonly #options: OutageOptions;
  readonly #modules: OutageModules;
  #awaySinceMs: number | undefined;
  #told = false;

  constructor(options: OutageOptions, modules: OutageModules) {
    this.#options = options;
    this.#modules = modules;
  }

  tick(): void {
    const { clock, status, began, over } = this.#modules;
    const now = status();
    if (now.ready) {
      this.#awaySinceMs = undefined;
      if (this.#told) over();
      this.#told = false;
      return;
    }
    const nowMs = clock.monotonicMs();
    this.#awaySinceMs ??= nowMs;
    if (this.#told || nowMs - this.#awaySinceMs < this.#options.graceMs) return;
    this.#told = true;
    began(now.reason);
  }
}
