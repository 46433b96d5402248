import type { Network } from '#base/bitcoin/address';
import { toHex } from '#base/bitcoin/bytes';
import type { BitcoinNode, Clock, Logger, NodeStatus, NodeWatch, SubmitOutcome } from '#base/domain/ports';
import { NO_QUEUE } from '#base/domain/queue';
import type { BlockTemplate } from '#base/domain/template';
import { addCounts } from '#base/std/add-counts';
import { BlockSignals } from './block-signals.ts';
import { ClockOffset } from './clock-offset.ts';
import { HealthWatch } from './health-watch.ts';
import { OwedBlocks } from './owed-blocks.ts';
import { Pauses } from './pauses.ts';
import { createRpcClient } from './rpc.ts';
import { bestOutcome } from './submit.ts';
import { TemplateFeed } from './template-feed.ts';
import { Upstream } from './upstream.ts';

/** How to call a node. */
export interface RpcAddress {
  readonly url: string;
  /** Path of the cookie file, for a URL without credentials. */
  readonly cookie?: string | undefined;
}

export interface BitcoindOptions {
  /** In order of preference, at least one. */
  readonly rpc: readonly RpcAddress[];
  /** The nodes' `zmqpubhashblock` addresses, e.g. tcp://127.0.0.1:28332. */
  readonly zmq?: readonly string[];
  readonly network: Network;
  /** Between two looks at the tip. */
  readonly pollMs?: number | undefined;
  /** Age at which a template is replaced for the sake of newer transactions. */
  readonly refreshMs?: number | undefined;
}

export interface BitcoindModules {
  readonly clock: Clock;
  readonly logger: Logger;
}

const POLL_MS = 500;
const REFRESH_MS = 30_000;

/**
 * One or more bitcoinds as the pool's node: the first one that is healthy and not behind gives the templates, all of
 * them get a solved block. `start` rejects where every node needs the operator (another network, refused credentials);
 * a node that is down or still loading is waited for, and `status` says so. Throws for a URL that is none.
 */
export function connectBitcoind(options: BitcoindOptions, modules: BitcoindModules): BitcoinNode {
  if (options.rpc.length === 0) throw new Error('node.rpc: at least one URL is needed');
  return new Bitcoinds(options, modules);
}

class Bitcoinds implements BitcoinNode {
  readonly #pauses = new Pauses();
  readonly #upstreams: readonly Upstream[];
  readonly #feed: TemplateFeed;
  /** The blocks that each node has not judged. */
  readonly #owed: ReadonlyMap<Upstream, OwedBlocks>;
  readonly #signals: BlockSignals;
  readonly #health: HealthWatch;
  readonly #offset: ClockOffset;
  #running: Promise<unknown> | undefined;

  constructor(options: BitcoindOptions, modules: BitcoindModules) {
    const { network, zmq = [], pollMs = POLL_MS, refreshMs = REFRESH_MS } = options;
    const { clock, logger } = modules;
    const pauses = this.#pauses;
    const pause = (ms: number): Promise<void> => pauses.begin(ms).over;
    this.#upstreams = options.rpc.map(
      ({ url, cookie }) => new Upstream(network, { rpc: createRpcClient({ url, cookie }), clock, pause }),
    );
    this.#health = new HealthWatch(this.#upstreams, {
      logger,
      pauses,
      isActive: (upstream) => upstream === this.#feed.active,
      checked: (upstream) => this.#owed.get(upstream)?.offer(),
      recovered: () => this.#feed.wake('look'),
    });
    this.#feed = new TemplateFeed(
      { upstreams: this.#upstreams, pollMs, refreshMs },
      {
        clock,
        logger,
        pauses,
        onFailure: (upstream) => this.#health.failed(upstream),
        onNewTip: (upstream) => this.#health.check(upstream),
      },
    );
    this.#owed = new Map(this.#upstreams.map((upstream) => [upstream, new OwedBlocks(upstream)]));
    this.#signals = new BlockSignals(zmq, { logger, pause, onBlock: (hash) => this.#feed.wake(hash) });
    this.#offset = new ClockOffset(modules);
  }

  start(onTemplate: (template: BlockTemplate) => void): Promise<void> {
    if (this.#running !== undefined || this.#pauses.closed) {
      throw new Error('a node is started once, and before it is closed');
    }
    return new Promise((resolve, reject) => {
      const loop = this.#feed.run((template) => {
        resolve();
        this.#signals.expect(template.previousHash);
        this.#offset.compare(template, this.#feed.active?.name);
        onTemplate(template);
      });
      this.#running = Promise.all([
        loop.then(() => reject(new Error('closed before there was a template'))),
        this.#health.run(reject),
        this.#signals.open(),
      ]);
    });
  }

  async submitBlock(block: Uint8Array): Promise<SubmitOutcome> {
    const hex = toHex(block);
    const asked = this.#upstreams.filter(({ health }) => health.ready || !health.fatal);
    const outcome = await bestOutcome(asked.map((upstream) => this.#hand(upstream, hex)));
    if (outcome.status === 'accepted') this.#feed.wake('look');
    return outcome;
  }

  status(): NodeStatus {
    if (this.#pauses.closed) return { ready: false, reason: 'closed' };
    return this.#feed.active === undefined ? { ready: false, reason: this.#health.reasons } : { ready: true };
  }

  watched(): NodeWatch {
    const queues = this.#upstreams.map((upstream) => upstream.queues);
    return {
      clockOffsetSeconds: this.#offset.seconds,
      ...this.#signals.counts,
      ...queues.reduce(addCounts, { calls: NO_QUEUE, urgentCalls: NO_QUEUE }),
    };
  }

  async close(): Promise<void> {
    this.#pauses.close();
    this.#signals.close();
    for (const upstream of this.#upstreams) upstream.close();
    await this.#running;
  }

  /** A node that does not judge the block is offered it again when it may. */
  async #hand(upstream: Upstream, hex: string): Promise<SubmitOutcome> {
    const { health } = upstream;
    const outcome = await upstream.submit(hex, (ms) => this.#pauses.begin(ms).over);
    this.#owed.get(upstream)?.note(hex, outcome, health);
    return outcome;
  }
}
