import { equalBytes, toDisplayHash } from '../bitcoin/bytes.ts';
import type { Clock, Logger } from '../domain/ports.ts';
import type { BlockTemplate } from '../domain/template.ts';
import { chooseUpstream } from './choice.ts';
import type { Pause, Pauses } from './pauses.ts';
import type { Upstream } from './upstream.ts';

export interface TemplateFeedOptions {
  /** In order of preference. */
  readonly upstreams: readonly Upstream[];
  readonly pollMs: number;
  readonly refreshMs: number;
}

export interface TemplateFeedModules {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly pauses: Pauses;
  /** Called when a node failed to serve. */
  onFailure(upstream: Upstream): void;
}

/** A reason to look at the tip before the next poll: the hash that somebody saw there, or just a reason. */
type Hint = Uint8Array | 'look';

/**
 * One loop that keeps the template current. Nothing else fetches, so templates neither overlap nor get lost: whatever
 * happens meanwhile is a hint that makes the loop look again as soon as it is through.
 */
export class TemplateFeed {
  readonly #options: TemplateFeedOptions;
  readonly #modules: TemplateFeedModules;
  #active: Upstream | undefined;
  #behindSinceMs: number | undefined;
  #current: { readonly template: BlockTemplate; readonly atMs: number } | undefined;
  #hint: Hint | undefined;
  #idle: Pause | undefined;

  constructor(options: TemplateFeedOptions, modules: TemplateFeedModules) {
    this.#options = options;
    this.#modules = modules;
  }

  /** The node that templates come from; undefined while none serves. */
  get active(): Upstream | undefined {
    return this.#active;
  }

  /** Makes the loop look at once. */
  wake(hint: Hint): void {
    this.#hint = this.#hint === 'look' ? 'look' : hint;
    this.#idle?.end();
  }

  /** Runs until the pauses are closed. */
  async run(onTemplate: (template: BlockTemplate) => void): Promise<void> {
    const { pauses, logger } = this.#modules;
    let delivered: BlockTemplate | undefined;
    while (!pauses.closed) {
      const hint = this.#hint;
      this.#hint = undefined;
      await this.#look(hint);
      const template = this.#current?.template;
      if (!pauses.closed && template !== undefined && template !== delivered) {
        delivered = template;
        try {
          onTemplate(template);
        } catch (error) {
          logger.error({ height: template.height, error: String(error) }, 'a template could not be used');
        }
      }
      if (this.#hint !== undefined) continue;
      this.#idle = pauses.begin(this.#options.pollMs);
      await this.#idle.over;
    }
  }

  /** Has the first node in the order of choice that serves bring the template up to date. */
  async #look(hint: Hint | undefined): Promise<void> {
    const { clock, pauses, onFailure } = this.#modules;
    const failed = new Set<Upstream>();
    while (!pauses.closed) {
      const now = { active: this.#active, behindSinceMs: this.#behindSinceMs, nowMs: clock.monotonicMs() };
      const { upstream, behindSinceMs } = chooseUpstream(this.#options.upstreams, now, failed);
      this.#behindSinceMs = behindSinceMs;
      if (upstream === undefined) {
        this.#active = undefined;
        return;
      }
      if (await this.#serve(upstream, hint)) return;
      failed.add(upstream);
      if (!pauses.closed) onFailure(upstream);
    }
  }

  /** False where the node fails. */
  async #serve(upstream: Upstream, hint: Hint | undefined): Promise<boolean> {
    const { clock, logger } = this.#modules;
    if (upstream === this.#active && this.#current !== undefined && this.#isFresh(this.#current.atMs)) {
      const tip = hint instanceof Uint8Array ? ({ ok: true, value: hint } as const) : await upstream.tip();
      if (!tip.ok) return false;
      if (equalBytes(tip.value, this.#current.template.previousHash)) return true;
    }
    const answer = await upstream.template();
    if (!answer.ok) return false;
    if (this.#active !== upstream) {
      logger.info({ node: upstream.name, instead: this.#active?.name }, 'templates come from this node');
      this.#active = upstream;
    }
    const { height, previousHash } = answer.value;
    // A hint that came late (of a block that is buried by now) is no reason for another job on the same tip.
    if (hint instanceof Uint8Array && this.#isCurrent(previousHash)) return true;
    logger.debug({ node: upstream.name, height, previousHash: toDisplayHash(previousHash) }, 'a new template');
    this.#current = { template: answer.value, atMs: clock.monotonicMs() };
    return true;
  }

  #isCurrent(previousHash: Uint8Array): boolean {
    const current = this.#current;
    return (
      current !== undefined && this.#isFresh(current.atMs) && equalBytes(current.template.previousHash, previousHash)
    );
  }

  #isFresh(atMs: number): boolean {
    return this.#modules.clock.monotonicMs() - atMs < this.#options.refreshMs;
  }
}
