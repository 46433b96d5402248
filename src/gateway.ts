import { availableParallelism } from 'node:os';
import type { Network } from './bitcoin/address.ts';
import type { StratumConfig } from './config/config.ts';
import type { Job } from './domain/job.ts';
import type { Ban, Clock, Logger, ShareRecorder, Wire, WireHandler } from './domain/ports.ts';
import type { JudgedShare } from './domain/share.ts';
import { JobStore } from './jobs/store.ts';
import type { KernelCode } from './kernel/kernel.ts';
import { limits } from './limits.ts';
import { type BanBook, DOOR_TICK_MS, Door, type DoorCounters } from './net/door.ts';
import { doorOptions, ranges } from './net/door-options.ts';
import type { Listener, ListenModules } from './net/listener.ts';
import { listenTcp } from './net/tcp.ts';
import { listenTls, type TlsListener } from './net/tls.ts';
import { listenWebSocket } from './net/websocket.ts';
import { authorizeAddress, authorizeAnyone } from './session/authorize.ts';
import { ExtranonceAllocator } from './session/extranonce.ts';
import { SessionRegistry } from './session/registry.ts';
import type { Metrics } from './telemetry/metrics.ts';
import { startRunners } from './verify/runners.ts';
import { SeenHeaders } from './verify/seen.ts';
import { Verifier } from './verify/verifier.ts';

export interface GatewayOptions {
  readonly network: Network;
  readonly stratum: StratumConfig;
  readonly verify: { readonly threads: number };
  readonly kernel: KernelCode;
  /** Boots of the data directory: the part of session ids that no other boot has. */
  readonly epoch: number;
}

export interface GatewayModules {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly recorder: ShareRecorder;
  readonly foundBlock: (share: JudgedShare) => void;
  readonly observe: (share: JudgedShare) => void;
  readonly bans: BanBook;
}

/** Everything between the sockets and the log: net, session, verify. */
export interface Gateway {
  /** Makes the job current and sends it to every miner. */
  announce(job: Job): void;
  /** Opens the ports; resolves with their URLs. To be called when there is a job. */
  listen(): Promise<{ readonly stratumTcp?: string; readonly stratumWebsocket?: string; readonly stratumTls?: string }>;
  /** Shows out everybody whom a new ban is about. */
  evict(ban: Ban): void;
  /** Reads the TLS certificate again. */
  reload(): void;
  readonly job: Job | undefined;
  readonly sessions: number;
  readonly workers: number;
  readonly sharesInFlight: number;
  readonly connectionsRefused: number;
  readonly door: Readonly<DoorCounters>;
  readonly protocolErrors: number;
  /** Takes no more work, waits until what was taken is answered, and closes every connection. */
  close(): Promise<void>;
}

const TICK_MS = 1000;
/** What is in flight at the close gets this long to reach the disk. */
const DRAIN_MS_MAX = 5000;
const SESSIONS_PER_EPOCH = 2n ** 40n;

/** Starts a gateway, its kernels warmed up; it does not listen yet. */
export async function startGateway(options: GatewayOptions, modules: GatewayModules): Promise<Gateway> {
  const { stratum, network, epoch } = options;
  const { clock, logger, metrics, recorder, foundBlock, bans } = modules;
  const door = new Door(doorOptions(stratum), { clock, logger, bans });
  const observe = (share: JudgedShare): void => {
    modules.observe(share);
    door.observe(share);
  };
  const jobs = new JobStore({ jobsMax: limits.jobsMax });
  const seen = new SeenHeaders({ perTipMax: limits.seenPerTipMax });
  const runners = await startRunners({ threads: verifyThreads(options.verify.threads) }, options.kernel);
  let idle = (): void => {};
  const verifier = new Verifier(
    { sharesInFlightMax: limits.sharesInFlightMax, batchMax: limits.kernelBatchMax },
    {
      clock,
      jobs,
      seen,
      recorder,
      foundBlock,
      observe,
      inline: runners.inline,
      workers: runners.workers,
      defer: setImmediate,
      workerFailed: (err) => logger.error({ err }, 'a verification worker failed; its shares are hashed inline'),
      drained: () => idle(),
    },
  );
  let sessionsBegun = 0n;
  const registry = new SessionRegistry(
    { difficulty: stratum.difficulty, versionMask: stratum.versionMask },
    {
      clock,
      logger,
      intake: verifier,
      authorize: stratum.authorization === 'open' ? authorizeAnyone() : authorizeAddress(network),
      extranonces: new ExtranonceAllocator({ prefix: 0, prefixBits: 0 }),
      newSessionId: () => BigInt(epoch) * SESSIONS_PER_EPOCH + sessionsBegun++,
    },
  );
  const listeners: Listener[] = [];
  let tls: TlsListener | undefined;
  const doorTicker = setInterval(() => door.tick(), DOOR_TICK_MS);
  const ticker = setInterval(() => registry.tick(), TICK_MS);

  async function listen(): Promise<{ stratumTcp?: string; stratumWebsocket?: string; stratumTls?: string }> {
    const listenModules: ListenModules = { accept: counted(registry, metrics, door), logger, door };
    const shared = {
      connectionsMax: stratum.limits.connections,
      ...(stratum.proxyProtocol && { proxies: ranges(stratum.proxyFrom) }),
    };
    const { tcp, websocket, tls: secure } = stratum;
    const open = async (scheme: string, listener: Promise<Listener>): Promise<string> => {
      const { address } = keep(await listener);
      return `${scheme}://${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
    };
    const keep = (listener: Listener): Listener => {
      listeners.push(listener);
      return listener;
    };
    return {
      ...(tcp && { stratumTcp: await open('stratum+tcp', listenTcp({ ...shared, ...tcp }, listenModules)) }),
      ...(websocket && {
        stratumWebsocket: await open('stratum+ws', listenWebSocket({ ...shared, ...websocket }, listenModules)),
      }),
      ...(secure && {
        stratumTls: await open(
          'stratum+tls',
          listenTls({ ...shared, ...secure.listen, certificate: secure }, listenModules).then((listener) => {
            tls = listener;
            return listener;
          }),
        ),
      }),
    };
  }

  async function close(): Promise<void> {
    clearInterval(ticker);
    clearInterval(doorTicker);
    door.close();
    for (const listener of listeners) listener.stopAccepting();
    // Shares already read are judged, logged and answered before their connections go.
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, DRAIN_MS_MAX);
      idle = () => {
        clearTimeout(timer);
        resolve();
      };
      setImmediate(() => {
        if (verifier.inFlight === 0) idle();
      });
    });
    registry.closeAll();
    await Promise.all(listeners.map((listener) => listener.close()));
    await runners.close();
  }

  return {
    announce(job) {
      for (const previousHash of jobs.add(job)) seen.drop(previousHash);
      registry.broadcast(job);
    },
    listen,
    evict: (ban) => door.evict(ban),
    reload: () => tls?.reload(),
    get job() {
      return jobs.current;
    },
    get sessions() {
      return registry.sessions;
    },
    get workers() {
      return registry.counters.authorizedWorkers;
    },
    get sharesInFlight() {
      return verifier.inFlight;
    },
    get connectionsRefused() {
      return listeners.reduce((sum, { counters }) => sum + counters.refused, 0);
    },
    get door() {
      return door.counters;
    },
    get protocolErrors() {
      return Object.values(registry.counters.protocolErrors).reduce((sum, count) => sum + count, 0);
    },
    close,
  };
}

/** 0 = one for each core that the event loop leaves. */
function verifyThreads(configured: number): number {
  return configured === 0 ? Math.max(1, availableParallelism() - 1) : configured;
}

/** The registry's handler for each wire, with its connection counted while it is open, and known to the door. */
function counted(registry: SessionRegistry, metrics: Metrics, door: Door): (wire: Wire) => WireHandler | undefined {
  return (wire) => {
    const handler = registry.accept(wire);
    if (!handler) return undefined;
    metrics.opened(wire.transport);
    // A session is what shares come back under.
    door.bind(handler, wire);
    return {
      onMessage: (message) => handler.onMessage(message),
      onClose: () => {
        metrics.closed(wire.transport);
        door.release(handler);
        handler.onClose();
      },
    };
  };
}
