import type { Network } from '#base/bitcoin/address';
import { fromHex, toDisplayHash, toHex } from '#base/bitcoin/bytes';
import { HEADER_BYTES, headerHash } from '#base/bitcoin/header';
import type { ChainView } from '#base/domain/chain';
import type { Containment } from '#base/domain/contain';
import type {
  BitcoinNode,
  Clock,
  Logger,
  NodeStatus,
  NodeWatch,
  SpareDescriptors,
  Standing,
  SubmitOutcome,
} from '#base/domain/ports';
import { NO_QUEUE } from '#base/domain/queue';
import type { BlockTemplate } from '#base/domain/template';
import { addCounts } from '#base/std/add-counts';
import { BlockSignals } from './block-signals.ts';
import { ChainReader } from './chain-reader.ts';
import { ClockOffset } from './clock-offset.ts';
import { HealthWatch } from './health-watch.ts';
import { OwedBlocks } from './owed-blocks.ts';
import { Pauses } from './pauses.ts';
import { createRpcClient } from './rpc.ts';
import { mergeStandings } from './standings.ts';
import { bestOutcome } from './submit.ts';
import { TemplateFeed } from './template-feed.ts';
import { TemplateThread } from './template-thread.ts';
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
  readonly contain: Containment;
  readonly logger: Logger;
  readonly spare: SpareDescriptors;
}

const POLL_MS = 500;
const REFRESH_MS = 30_000;
/** A node that keeps a question about a block waiting for so long is asked no more of them for a while. */
const MUTE_AFTER_MS = 2000;
const MUTE_MS = 20_000;

/**
 * One or more bitcoinds as the pool's node. The first healthy node that is not behind gives the templates; all nodes get solved
 * blocks. `start` rejects if every node needs the operator (another network, refused credentials). It waits for a node that is down
 * or still loading, and `status` says so. Throws for an invalid URL.
 */
export function connectBitcoind(options: BitcoindOptions, modules: BitcoindModules): BitcoinNode {
  if (options.rpc.length === 0) throw new Error('node.rpc: at least one URL is needed');
  return new Bitcoinds(options, modules);
}

class Bitcoinds implements BitcoinNode {
  readonly chain: ChainView;
  readonly #modules: BitcoindModules;
  readonly #pauses = new Pauses();
  readonly #templates = new TemplateThread();
  readonly #upstreams: readonly Upstream[];
  readonly #feed: TemplateFeed;
  /** The blocks that each node has not judged. */
  readonly #owed: ReadonlyMap<Upstream, OwedBlocks>;
  /** Nodes that have kept a question about a block waiting are not asked another one before this time. */
  readonly #mutedUntilMs = new Map<Upstream, number>();
  readonly #signals: BlockSignals;
  readonly #health: HealthWatch;
  readonly #offset: ClockOffset;
  #running: Promise<unknown> | undefined;

  constructor(options: BitcoindOptions, modules: BitcoindModules) {
    const { network, zmq = [], pollMs = POLL_MS, refreshMs = REFRESH_MS } = options;
    const { clock, contain, logger, spare } = modules;
    this.#modules = modules;
    const pauses = this.#pauses;
    const pause = (ms: number): Promise<void> => pauses.begin(ms).over;
    this.#upstreams = options.rpc.map(
      ({ url, cookie }) =>
        new Upstream(network, {
          ...{ clock, pause },
          rpc: createRpcClient({ url, cookie }, { spare }),
          templates: this.#templates.reader(network),
        }),
    );
    this.#health = new HealthWatch(this.#upstreams, {
      contain,
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
        contain,
        logger,
        pauses,
        onFailure: (upstream) => this.#health.failed(upstream),
        onNewTip: (upstream) => this.#health.check(upstream),
      },
    );
    this.#owed = new Map(
      this.#upstreams.map((upstream) => [
        upstream,
        new OwedBlocks(upstream, (hash, { status }) =>
          logger.info(
            { node: upstream.name, hash, status },
            'a node lacks a block of this pool: the block is sent again',
          ),
        ),
      ]),
    );
    this.#signals = new BlockSignals(zmq, { logger, pause, onBlock: (hash) => this.#feed.wake(hash) });
    this.#offset = new ClockOffset(modules);
    this.chain = new ChainReader(this.#upstreams, { logger, active: () => this.#feed.active });
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
    const outcome = await bestOutcome(this.#asked.map((upstream) => this.#hand(upstream, hex)));
    if (outcome.status === 'accepted') this.#feed.wake('look');
    return outcome;
  }

  async standing(hash: string, block: () => Promise<Uint8Array | undefined>): Promise<Standing> {
    // A node that has shown its chain counts also while it can not be used.
    const known = this.#upstreams.filter(({ health, chainwork }) => chainwork !== '' || health.ready || !health.fatal);
    let hex: Promise<string | undefined> | undefined;
    const bytes = (): Promise<string | undefined> => {
      hex ??= block().then((read) => read && toHex(read));
      return hex;
    };
    const answers = await Promise.all(
      known.map(async (upstream) => ({
        chainwork: upstream.chainwork,
        active: upstream === this.#feed.active,
        standing: await this.#standingAt(upstream, hash, bytes),
      })),
    );
    return mergeStandings(answers);
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
    await this.#templates.close();
  }

  /** Not those that only the operator can mend. */
  get #asked(): readonly Upstream[] {
    return this.#upstreams.filter(({ health }) => health.ready || !health.fatal);
  }

  async #standingAt(upstream: Upstream, hash: string, block: () => Promise<string | undefined>): Promise<Standing> {
    const { clock } = this.#modules;
    const askedMs = clock.monotonicMs();
    const blocks = this.#owed.get(upstream);
    if (blocks === undefined || askedMs < (this.#mutedUntilMs.get(upstream) ?? 0)) return { at: 'unknown' };
    const standing = await blocks.standing(hash, block);
    const nowMs = clock.monotonicMs();
    if (standing.at === 'unknown' && nowMs - askedMs > MUTE_AFTER_MS) this.#mutedUntilMs.set(upstream, nowMs + MUTE_MS);
    return standing;
  }

  /** A node that does not judge the block is offered it again when it may. */
  async #hand(upstream: Upstream, hex: string): Promise<SubmitOutcome> {
    const { health } = upstream;
    const outcome = await upstream.submit(hex, (ms) => this.#pauses.begin(ms).over);
    this.#owed.get(upstream)?.note(hex, outcome, health);
    if (outcome.status === 'rejected') {
      const hash = toDisplayHash(headerHash(fromHex(hex.slice(0, 2 * HEADER_BYTES)) ?? new Uint8Array()));
      this.#modules.logger.warn(
        { node: upstream.name, hash, reason: outcome.reason },
        'a node refuses a block of this pool',
      );
    }
    return outcome;
  }
}
