import type { Network } from '#base/bitcoin/address';
import { fromHex, toDisplayHash, toHex } from '#base/bitcoin/bytes';
import { HEADER_BYTES, headerHash } from '#base/bitcoin/header';
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
import type { BlockTemplate } from '#base/domain/template';
import { BlockSignals } from './block-signals.ts';
import { OwedBlocks } from './owed-blocks.ts';
import { type Pause, Pauses } from './pauses.ts';
import { createRpcClient } from './rpc.ts';
import { mergeStandings } from './standings.ts';
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
  readonly contain: Containment;
  readonly logger: Logger;
  readonly spare: SpareDescriptors;
}

const POLL_MS = 500;
const REFRESH_MS = 30_000;
/** Between two checks of the state of the node in use, which polling watches as well, and of each other one. */
const CHECK_ACTIVE_MS = 5000;
const CHECK_OTHER_MS = 1000;
/** A node that keeps a question about a block waiting for so long is asked no more of them for a while. */
const MUTE_AFTER_MS = 2000;
const MUTE_MS = 20_000;
/** Bitcoin Core refuses blocks that are two hours ahead; a clock that is wrong by so much is on its way there. */
const CLOCK_OFFSET_S_MAX = 600;

/**
 * One or more bitcoinds as the pool's node: the first one that is healthy and not behind gives the templates, all of
 * them get a solved block. `start` rejects where every node needs the operator (another network, refused credentials);
 * a node that is down or still loading is waited for, and `status` says so. Throws for a URL that is none.
 */
export function connectBitcoind(options: BitcoindOptions, modules: BitcoindModules): BitcoinNode {
  const { network, zmq = [], pollMs = POLL_MS, refreshMs = REFRESH_MS } = options;
  const { clock, contain, logger, spare } = modules;
  if (options.rpc.length === 0) throw new Error('node.rpc: at least one URL is needed');
  const pauses = new Pauses();
  const pause = (ms: number): Promise<void> => pauses.begin(ms).over;
  const upstreams = options.rpc.map(
    ({ url, cookie }) => new Upstream(network, { rpc: createRpcClient({ url, cookie }, { spare }), clock, pause }),
  );
  const feed = new TemplateFeed(
    { upstreams, pollMs, refreshMs },
    { clock, contain, logger, pauses, onFailure, onNewTip: (upstream) => checks.get(upstream)?.end() },
  );
  const owed = new Map(
    upstreams.map((upstream) => [
      upstream,
      new OwedBlocks(upstream, (hash, { status }) =>
        logger.info({ node: upstream.name, hash, status }, 'a node lacks a block of ours: it gets it again'),
      ),
    ]),
  );
  /** Nodes that have kept a question about a block waiting are not asked another one before this time. */
  const mutedUntilMs = new Map<Upstream, number>();
  const signals = new BlockSignals(zmq, { logger, pause, onBlock: (hash) => feed.wake(hash) });
  let clockOffsetSeconds = 0;
  const checks = new Map<Upstream, Pause>();
  const reported = new Map<Upstream, string>();
  let giveUp: (reason: Error) => void = () => {};
  let running: Promise<unknown> | undefined;

  /** Logs a node's state when it changed, and ends a start that has no hope left. */
  function report(upstream: Upstream): void {
    const { health, name } = upstream;
    const state = health.ready ? 'ready' : health.reason;
    if (pauses.closed || reported.get(upstream) === state) return;
    reported.set(upstream, state);
    if (health.ready) logger.info({ node: name }, 'the node is ready');
    else logger.warn({ node: name, reason: health.reason }, 'the node can not be used');
    if (upstreams.every((one) => !one.health.ready && one.health.fatal)) giveUp(new Error(reasons()));
  }

  /** A node that failed is checked again from now on, so that it is back as soon as it can be. */
  function onFailure(upstream: Upstream): void {
    report(upstream);
    checks.get(upstream)?.end();
  }

  function reasons(): string {
    return upstreams
      .map(({ name, health }) => `node ${name}: ${health.ready ? 'no template yet' : health.reason}`)
      .join('; ');
  }

  async function watch(upstream: Upstream): Promise<void> {
    while (!pauses.closed) {
      const wasReady = upstream.health.ready;
      try {
        await upstream.check();
        report(upstream);
        owed.get(upstream)?.offer();
      } catch (error) {
        // The next check follows.
        contain.caught('the check of a node', error);
      }
      if (!wasReady && upstream.health.ready) feed.wake('look');
      const isWell = upstream === feed.active && upstream.health.ready;
      const until = pauses.begin(isWell ? CHECK_ACTIVE_MS : CHECK_OTHER_MS);
      checks.set(upstream, until);
      await until.over;
    }
  }

  /** Says once if the clocks of the pool and its node are far apart, and once if they are together again. */
  function compareClocks({ curTime, minTime }: BlockTemplate): void {
    // A template's time is the node's clock, unless the median of the last blocks is ahead of it.
    if (curTime <= minTime) return;
    const wasOff = Math.abs(clockOffsetSeconds) > CLOCK_OFFSET_S_MAX;
    clockOffsetSeconds = Math.round(curTime - clock.nowMs() / 1000);
    const isOff = Math.abs(clockOffsetSeconds) > CLOCK_OFFSET_S_MAX;
    if (isOff === wasOff) return;
    const fields = { node: feed.active?.name, aheadSeconds: clockOffsetSeconds };
    if (isOff) logger.warn(fields, "the node's clock and this machine's differ: one of them is wrong");
    else logger.info(fields, "the node's clock and this machine's agree again");
  }

  function start(onTemplate: (template: BlockTemplate) => void): Promise<void> {
    if (running !== undefined || pauses.closed) throw new Error('a node is started once, and before it is closed');
    return new Promise((resolve, reject) => {
      giveUp = reject;
      const loop = feed.run((template) => {
        resolve();
        signals.expect(template.previousHash);
        compareClocks(template);
        onTemplate(template);
      });
      running = Promise.all([
        loop.then(() => reject(new Error('closed before there was a template'))),
        ...upstreams.map(watch),
        signals.open(),
      ]);
    });
  }

  async function submitBlock(block: Uint8Array): Promise<SubmitOutcome> {
    const hex = toHex(block);
    const asked = upstreams.filter(({ health }) => health.ready || !health.fatal);
    const outcome = await bestOutcome(asked.map((upstream) => hand(upstream, hex)));
    if (outcome.status === 'accepted') feed.wake('look');
    return outcome;
  }

  /** A node that does not judge the block is offered it again when it may. */
  async function hand(upstream: Upstream, hex: string): Promise<SubmitOutcome> {
    const { health } = upstream;
    const outcome = await upstream.submit(hex, (ms) => pauses.begin(ms).over);
    owed.get(upstream)?.note(hex, outcome, health);
    if (outcome.status === 'rejected') {
      const hash = toDisplayHash(headerHash(fromHex(hex.slice(0, 2 * HEADER_BYTES)) ?? new Uint8Array()));
      logger.warn({ node: upstream.name, hash, reason: outcome.reason }, 'a node refuses a block of ours');
    }
    return outcome;
  }

  async function standingAt(
    upstream: Upstream,
    hash: string,
    block: () => Promise<string | undefined>,
  ): Promise<Standing> {
    const askedMs = clock.monotonicMs();
    const blocks = owed.get(upstream);
    if (blocks === undefined || askedMs < (mutedUntilMs.get(upstream) ?? 0)) return { at: 'unknown' };
    const standing = await blocks.standing(hash, block);
    const nowMs = clock.monotonicMs();
    if (standing.at === 'unknown' && nowMs - askedMs > MUTE_AFTER_MS) mutedUntilMs.set(upstream, nowMs + MUTE_MS);
    return standing;
  }

  async function standing(hash: string, block: () => Promise<Uint8Array | undefined>): Promise<Standing> {
    // A node that has shown its chain counts also while it can not be used.
    const known = upstreams.filter(({ health, chainwork }) => chainwork !== '' || health.ready || !health.fatal);
    let hex: Promise<string | undefined> | undefined;
    const bytes = (): Promise<string | undefined> => {
      hex ??= block().then((read) => read && toHex(read));
      return hex;
    };
    const answers = await Promise.all(
      known.map(async (upstream) => ({
        chainwork: upstream.chainwork,
        active: upstream === feed.active,
        standing: await standingAt(upstream, hash, bytes),
      })),
    );
    return mergeStandings(answers);
  }

  function status(): NodeStatus {
    if (pauses.closed) return { ready: false, reason: 'closed' };
    return feed.active === undefined ? { ready: false, reason: reasons() } : { ready: true };
  }

  async function close(): Promise<void> {
    pauses.close();
    signals.close();
    for (const upstream of upstreams) upstream.close();
    await running;
  }

  const watched = (): NodeWatch => ({ clockOffsetSeconds, ...signals.counts });

  return { start, submitBlock, standing, status, watched, close };
}
