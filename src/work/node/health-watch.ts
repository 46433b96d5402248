import type { Containment } from '#base/domain/contain';
import type { Logger } from '#base/domain/ports';
import type { Pause, Pauses } from './pauses.ts';
import type { Upstream } from './upstream.ts';

export interface HealthWatchModules {
  readonly contain: Containment;
  readonly logger: Logger;
  readonly pauses: Pauses;
  /** Whether templates come from this node. */
  readonly isActive: (upstream: Upstream) => boolean;
  /** A node was checked, whatever its state. */
  readonly checked: (upstream: Upstream) => void;
  /** A node is ready again. */
  readonly recovered: () => void;
}

/** Between two checks of the state of the node in use, which polling watches as well, and of each other one. */
const CHECK_ACTIVE_MS = 5000;
const CHECK_OTHER_MS = 1000;

/** Checks the state of each node all the time, and logs it when it changes. */
export class HealthWatch {
  readonly #upstreams: readonly Upstream[];
  readonly #modules: HealthWatchModules;
  /** What each node's next check waits for. */
  readonly #checks = new Map<Upstream, Pause>();
  readonly #reported = new Map<Upstream, string>();
  #hopeless: (reason: Error) => void = () => {};

  constructor(upstreams: readonly Upstream[], modules: HealthWatchModules) {
    this.#upstreams = upstreams;
    this.#modules = modules;
  }

  /** Why no node serves. */
  get reasons(): string {
    return this.#upstreams
      .map(({ name, health }) => `node ${name}: ${health.ready ? 'no template yet' : health.reason}`)
      .join('; ');
  }

  /** Resolves when the pauses are closed. `hopeless` is called when every node needs the operator. */
  async run(hopeless: (reason: Error) => void): Promise<void> {
    this.#hopeless = hopeless;
    await Promise.all(this.#upstreams.map((upstream) => this.#watch(upstream)));
  }

  /** A node that failed is checked again from now on, so that it is back as soon as it can be. */
  failed(upstream: Upstream): void {
    this.#report(upstream);
    this.check(upstream);
  }

  /** Checks a node now. */
  check(upstream: Upstream): void {
    this.#checks.get(upstream)?.end();
  }

  async #watch(upstream: Upstream): Promise<void> {
    const { contain, pauses, isActive, checked, recovered } = this.#modules;
    while (!pauses.closed) {
      const wasReady = upstream.health.ready;
      try {
        await upstream.check();
        this.#report(upstream);
        checked(upstream);
      } catch (error) {
        // The next check follows.
        contain.caught('the check of a node', error);
      }
      if (!wasReady && upstream.health.ready) recovered();
      const isWell = isActive(upstream) && upstream.health.ready;
      const next = pauses.begin(isWell ? CHECK_ACTIVE_MS : CHECK_OTHER_MS);
      this.#checks.set(upstream, next);
      await next.over;
    }
  }

  /** Logs a node's state when it changed, and ends a start that has no hope left. */
  #report(upstream: Upstream): void {
    const { logger, pauses } = this.#modules;
    const { health, name } = upstream;
    const state = health.ready ? 'ready' : health.reason;
    if (pauses.closed || this.#reported.get(upstream) === state) return;
    this.#reported.set(upstream, state);
    if (health.ready) logger.info({ node: name }, 'the node is ready');
    else logger.warn({ node: name, reason: health.reason }, 'the node can not be used');
    if (this.#upstreams.every((one) => !one.health.ready && one.health.fatal)) this.#hopeless(new Error(this.reasons));
  }
}
