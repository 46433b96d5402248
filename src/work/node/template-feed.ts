import { equalBytes, toDisplayHash } from '#base/bitcoin/bytes';
import type { Containment } from '#base/domain/contain';
import type { Clock, Logger } from '#base/domain/ports';
import type { BlockTemplate } from '#base/domain/template';
import { chooseUpstream } from './choice.ts';
import type { Pause, Pauses } from './pauses.ts';
import type { Unready, Upstream } from './upstream.ts';

export interface TemplateFeedOptions {
  /** In order of preference. */
  readonly upstreams: readonly Upstream[];
  readonly pollMs: number;
  readonly refreshMs: number;
}

export interface TemplateFeedModules {
  readonly clock: Clock;
  readonly contain: Containment;
  readonly logger: Logger;
  readonly pauses: Pauses;
  /** Called when a node failed to serve. */
  onFailure(upstream: Upstream): void;
  /** Called when a node has brought a template on another block than before: the work of its chain has changed. */
  onNewTip(upstream: Upstream): void;
}

/** A reason to look at the tip before the next poll; it may name the new tip's hash. */
type Hint = Uint8Array | 'look';

/** A node's answer. `tip`: its best block without a template, because the current template builds on it. */
type Answer = { readonly upstream: Upstream } & (
  | { readonly kind: 'tip'; readonly hash: Uint8Array }
  | { readonly kind: 'template'; readonly template: BlockTemplate }
  | ({ readonly kind: 'failed' } & Pick<Unready, 'reason' | 'fatal'>)
);

/** If a node has not answered for this long, the next node is asked as well. */
const PATIENCE_MS = 1000;
/** How long a new job waits for what other nodes say of its tip: miners work on an old one meanwhile. */
const WITNESS_MS = 250;
/**
 * After the active node's last answer, and after the return of a node with less work, the pool stays on the chain that it
 * has for so long: a node that was killed gets its last blocks again, or others catch up.
 */
const HOLD_MS = 10_000;
/** A template on an unchanged tip is used for so long if no node gives a newer one. */
const TEMPLATE_MS_MAX = 10 * 60_000;

/**
 * One loop that keeps the template current. Only this loop fetches, so templates neither overlap nor get lost. An event during a
 * fetch is a hint that makes the loop look again at once.
 */
export class TemplateFeed {
  readonly #options: TemplateFeedOptions;
  readonly #modules: TemplateFeedModules;
  #active: Upstream | undefined;
  /** When the active node last gave an answer, and the work of its chain then; `#lost` if it has failed since. */
  #servedMs = 0;
  #work = '';
  #lost = false;
  /** Since when nodes are ready again, all of which have less work than the active node had. */
  #poorerSinceMs: number | undefined;
  #behindSinceMs: number | undefined;
  #current: { readonly template: BlockTemplate; readonly atMs: number } | undefined;
  /** Nodes that have not answered yet: each is asked one thing at a time. */
  readonly #open = new Map<Upstream, Promise<Answer>>();
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
    const { pauses, contain } = this.#modules;
    let delivered: BlockTemplate | undefined;
    while (!pauses.closed) {
      const hint = this.#hint;
      this.#hint = undefined;
      try {
        await this.#look(hint);
      } catch (error) {
        // The next poll looks again.
        contain.caught('the look at the tip', error);
      }
      const template = this.#current?.template;
      if (!pauses.closed && template !== undefined && template !== delivered) {
        delivered = template;
        contain.attempt('a template', () => onTemplate(template));
      }
      if (this.#hint !== undefined) continue;
      this.#idle = pauses.begin(this.#options.pollMs);
      await this.#idle.over;
    }
  }

  /**
   * Has the first node in the order of choice that serves bring the template up to date. One that keeps the feed waiting is
   * not given up: the next one is asked beside it, and the first answer counts.
   */
  async #look(hint: Hint | undefined): Promise<void> {
    const { pauses, onFailure } = this.#modules;
    const failed = new Set<Upstream>();
    const asked = new Map<Upstream, Promise<Answer>>();
    while (!pauses.closed) {
      const upstream = this.#choose(new Set([...failed, ...asked.keys()]));
      if (upstream !== undefined) asked.set(upstream, this.#ask(upstream, hint));
      if (asked.size === 0) {
        if (!(await this.#isHeld())) this.#active = undefined;
        return;
      }
      const patience = pauses.begin(PATIENCE_MS);
      const answer = await Promise.race([...asked.values(), patience.over]);
      patience.end();
      if (answer === undefined) {
        for (const one of asked.keys()) one.delayed();
        continue;
      }
      asked.delete(answer.upstream);
      if (answer.kind !== 'failed') {
        if (this.#adopt(answer, hint)) return;
        continue;
      }
      answer.upstream.failed(answer.reason, answer.fatal);
      failed.add(answer.upstream);
      if (answer.upstream === this.#active) this.#lost = true;
      if (!pauses.closed) onFailure(answer.upstream);
    }
  }

  /** While the active node is away or late for a moment, nodes with less work are no choice: miners would work on an old tip. */
  #choose(except: ReadonlySet<Upstream>): Upstream | undefined {
    const nowMs = this.#modules.clock.monotonicMs();
    const active = this.#active;
    if (active !== undefined && !active.health.ready) this.#lost = true;
    if (active?.health.ready === true && !this.#lost) this.#work = active.health.chainwork;
    const workMin = this.#holds(nowMs) ? this.#work : '';
    const now = { active, behindSinceMs: this.#behindSinceMs, nowMs, workMin };
    const { upstream, behindSinceMs } = chooseUpstream(this.#options.upstreams, now, except);
    this.#behindSinceMs = behindSinceMs;
    return upstream;
  }

  #ask(upstream: Upstream, hint: Hint | undefined): Promise<Answer> {
    const open = this.#open.get(upstream);
    if (open !== undefined) {
      // It was asked before whatever made the loop look now, so its answer may be older.
      this.#hint ??= 'look';
      return open;
    }
    const answer = this.#question(upstream, hint)
      .catch((error: unknown): Answer => {
        this.#modules.contain.caught('a question to a node', error);
        return { upstream, kind: 'failed', reason: String(error), fatal: false };
      })
      .finally(() => this.#open.delete(upstream));
    this.#open.set(upstream, answer);
    return answer;
  }

  async #question(upstream: Upstream, hint: Hint | undefined): Promise<Answer> {
    if (upstream === this.#active && this.#current !== undefined && this.#isFresh(this.#current.atMs)) {
      const tip = hint instanceof Uint8Array ? ({ ok: true, value: hint } as const) : await upstream.tip();
      if (!tip.ok) return { upstream, kind: 'failed', reason: tip.reason, fatal: tip.fatal };
      if (this.#isCurrent(tip.value)) return { upstream, kind: 'tip', hash: tip.value };
    }
    const answer = await upstream.template();
    if (!answer.ok) return { upstream, kind: 'failed', reason: answer.reason, fatal: answer.fatal };
    const denied = await this.#denied(upstream, answer.value);
    if (denied !== undefined) return { upstream, kind: 'failed', reason: denied, fatal: false };
    return { upstream, kind: 'template', template: answer.value };
  }

  /**
   * Returns the reason if a node's claim of work is false: a node that claims less has blocks on top of the template's parent.
   * Returns undefined if no node reports such blocks in time. Asks no node while all ready nodes have equal work.
   */
  async #denied(upstream: Upstream, { previousHash }: BlockTemplate): Promise<string | undefined> {
    const { health } = upstream;
    if (!health.ready) return undefined;
    const poorer = this.#options.upstreams.filter((one) => one.health.ready && one.health.chainwork < health.chainwork);
    if (poorer.length === 0) return undefined;
    const hash = toDisplayHash(previousHash);
    const patience = this.#modules.pauses.begin(WITNESS_MS);
    const told = await Promise.all(poorer.map((one) => Promise.race([one.standing(hash), patience.over])));
    patience.end();
    const index = told.findIndex((standing) => standing?.at === 'chain' && standing.confirmations > 1);
    const witness = poorer[index];
    return witness && `it claims more work than ${witness.name}, which has blocks on top of its tip`;
  }

  /** Takes an answer; false if it is older than what there is, so that the node has to be asked again. */
  #adopt(answer: Exclude<Answer, { kind: 'failed' }>, hint: Hint | undefined): boolean {
    const { clock, logger, onNewTip } = this.#modules;
    const { upstream } = answer;
    if (!upstream.slow) upstream.prompt();
    if (answer.kind === 'tip') {
      if (!this.#isCurrent(answer.hash)) return false;
      this.#served(upstream);
      return true;
    }
    const { template } = answer;
    const before = this.#current?.template;
    if (before !== undefined && template.askedMs < before.askedMs) return false;
    this.#served(upstream);
    // A hint that came late (of a block that is buried by now) is no reason for another job on the same tip.
    if (hint instanceof Uint8Array && this.#isCurrent(template.previousHash)) return true;
    const { height, previousHash } = template;
    logger.debug({ node: upstream.name, height, previousHash: toDisplayHash(previousHash) }, 'a new template');
    this.#current = { template, atMs: clock.monotonicMs() };
    if (before === undefined || !equalBytes(before.previousHash, previousHash)) onNewTip(upstream);
    return true;
  }

  #served(upstream: Upstream): void {
    if (this.#active !== upstream) {
      this.#modules.logger.info({ node: upstream.name, instead: this.#active?.name }, 'templates come from this node');
      this.#active = upstream;
    }
    this.#servedMs = this.#modules.clock.monotonicMs();
    this.#lost = false;
    if (upstream.health.ready) this.#work = upstream.health.chainwork;
  }

  /**
   * True if the old template may still be used although no node gives a new one. Either the active node served a moment ago and the
   * ready nodes have less work, or the active node still has the same tip and only fails to make a template.
   */
  async #isHeld(): Promise<boolean> {
    const { clock, pauses } = this.#modules;
    const nowMs = clock.monotonicMs();
    const current = this.#current;
    if (this.#active === undefined || current === undefined) return false;
    // A node that is ready and was not asked has less work.
    if (this.#holds(nowMs) && this.#options.upstreams.some(({ health }) => health.ready)) return true;
    if (nowMs - current.atMs > TEMPLATE_MS_MAX) return false;
    const patience = pauses.begin(PATIENCE_MS);
    const tip = await Promise.race([this.#active.tip(), patience.over]);
    patience.end();
    return tip?.ok === true && equalBytes(tip.value, current.template.previousHash);
  }

  /** True if nodes with less work than the active one had are no choice yet. */
  #holds(nowMs: number): boolean {
    const works = this.#options.upstreams.flatMap(({ health }) => (health.ready ? [health.chainwork] : []));
    if (works.length === 0 || works.some((work) => work >= this.#work)) this.#poorerSinceMs = undefined;
    else this.#poorerSinceMs ??= nowMs;
    return nowMs - Math.max(this.#servedMs, this.#poorerSinceMs ?? 0) < HOLD_MS;
  }

  #isCurrent(hash: Uint8Array): boolean {
    const current = this.#current;
    return current !== undefined && this.#isFresh(current.atMs) && equalBytes(current.template.previousHash, hash);
  }

  #isFresh(atMs: number): boolean {
    return this.#modules.clock.monotonicMs() - atMs < this.#options.refreshMs;
  }
}
