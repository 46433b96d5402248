import type { Network } from '#base/bitcoin/address';
import { toHex } from '#base/bitcoin/bytes';
import type { BitcoinNode, Clock, Logger, NodeStatus, NodeWatch, SubmitOutcome } from '#base/domain/ports';
import { NO_QUEUE } from '#base/domain/queue';
import type { BlockTemplate } from '#base/domain/template';
import { addCounts } from '#base/std/add-counts';
import { BlockSignals } from './block-signals.ts';
import { OwedBlocks } from './owed-blocks.ts';
import { type Pause, Pauses } from './pauses.ts';
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
/** Between two checks of the state of the node in use, which polling watches as well, and of each other one. */
const CHECK_ACTIVE_MS = 5000;
const CHECK_OTHER_MS = 1000;
/** Bitcoin Core refuses blocks that are two hours ahead; a clock that is wrong by so much is on its way there. */
const CLOCK_OFFSET_S_MAX = 600;

/**
 * One or more bitcoinds as the pool's node: the first one that is healthy and not behind gives the templates, all of
 * them get a solved block. `start` rejects where every node needs the operator (another network, refused credentials);
 * a node that is down or still loading is waited for, and `status` says so. Throws for a URL that is none.
 */
export function connectBitcoind(options: BitcoindOptions, modules: BitcoindModules): BitcoinNode {
  const { network, zmq = [], pollMs = POLL_MS, refreshMs = REFRESH_MS } = options;
  const { clock, logger } = modules;
  if (options.rpc.length === 0) throw new Error('node.rpc: at least one URL is needed');
  const pauses = new Pauses();
  const pause = (ms: number): Promise<void> => pauses.begin(ms).over;
  const upstreams = options.rpc.map(
    ({ url, cookie }) => new Upstream(network, { rpc: createRpcClient({ url, cookie }), clock, pause }),
  );
  const feed = new TemplateFeed(
    { upstreams, pollMs, refreshMs },
    { clock, logger, pauses, onFailure, onNewTip: (upstream) => checks.get(upstream)?.end() },
  );
  const owed = new Map(upstreams.map((upstream) => [upstream, new OwedBlocks(upstream)]));
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
        logger.error({ node: upstream.name, err: error }, 'a node could not be checked');
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
    return outcome;
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

  const watched = (): NodeWatch => ({
    clockOffsetSeconds,
    ...signals.counts,
    ...upstreams.map(({ queues }) => queues).reduce(addCounts, { calls: NO_QUEUE, urgentCalls: NO_QUEUE }),
  });

  return { start, submitBlock, status, watched, close };
}
