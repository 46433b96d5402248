import { availableParallelism } from 'node:os';
import type { Network } from '#base/bitcoin/address';
import type { StratumConfig } from '#base/config/config';
import type { Containment } from '#base/domain/contain';
import type { Job } from '#base/domain/job';
import type { MinerQuery, MinerView } from '#base/domain/miner';
import type { Ban, Clock, Logger, ShareRecorder, Wire, WireHandler } from '#base/domain/ports';
import type { JudgedShare, Solution } from '#base/domain/share';
import { limits } from '#base/limits';
import { addCounts } from '#base/std/add-counts';
import { QueueMeter } from '#base/std/queue-meter';
import type { Metrics } from '#base/telemetry/metrics';
import { type DescriptorBudget, descriptorBudget } from '#front/net/door/descriptors';
import { DOOR_TICK_MS, Door } from '#front/net/door/door';
import { doorOptions, ranges } from '#front/net/door/door-options';
import type { BanBook } from '#front/net/door/judge';
import { type Neighbours, TELL_MS } from '#front/net/door/neighbours';
import type { Listener, ListenModules } from '#front/net/listen/listener';
import { listenTcp } from '#front/net/listen/tcp';
import { listenTls, type TlsListener } from '#front/net/listen/tls';
import { listenWebSocket } from '#front/net/listen/websocket';
import { ExtranonceAllocator } from '#front/session/extranonces/extranonce';
import { authorizeBy } from '#front/session/login/policy';
import { SessionRegistry } from '#front/session/workers/registry';
import type { KernelCode } from '#shares/kernel/kernel';
import type { ShareLogStatus } from '#shares/sharelog/share-log';
import { solutionOf } from '#shares/verify/found-block';
import { startRunners } from '#shares/verify/runners';
import { SeenHeaders } from '#shares/verify/seen';
import { Verifier } from '#shares/verify/verifier';
import { JobStore } from '#work/jobs/store';
import { type GatewayStatus, NO_STATUS } from './status.ts';

export interface GatewayOptions {
  readonly network: Network;
  readonly stratum: StratumConfig;
  readonly verify: { readonly threads: number };
  readonly kernel: KernelCode;
  /** Boots of the data directory: the part of session ids that no other boot has. */
  readonly epoch: number;
  /**
   * Which gateway of this boot it is, from 0; one that replaces another is a new one. It is the first part of its
   * extranonces and session ids, so a share of one gateway can never be submitted to another.
   */
  readonly incarnation: number;
  /** True where other processes listen on the same ports. */
  readonly shared: boolean;
}

export interface GatewayModules {
  readonly clock: Clock;
  readonly contain: Containment;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly recorder: Pick<ShareRecorder, 'share' | 'commit'>;
  /** A block candidate: it goes to the node before anything else happens. */
  readonly solved: (solution: Solution) => void;
  readonly observe: (share: JudgedShare) => void;
  /** A newer job is wanted soon, on the same tip: the current one has had too many shares to remember many more. */
  readonly wantsJob: () => void;
  readonly bans: BanBook;
  /** The pool's other gateways, where there are any. */
  readonly neighbours?: Neighbours;
}

/** A gateway in this process, which records where the jobs are recorded too: so in their order. */
export interface LocalGateway extends Gateway {
  announce(job: Job): void;
}

/** Everything between the sockets and the log: net, session, verify. */
export interface Gateway {
  /** Makes the job current and sends it to every miner. `recorded`: its row is on the disk. */
  announce(job: Job, recorded: Promise<void>): void;
  /**
   * Opens the ports; resolves with their URLs. To be called when there is a job. `ports` stand in for those of
   * the config.
   */
  listen(ports?: StratumPorts): Promise<StratumEndpoints>;
  /** There is no work until the next `announce`: everybody is told why. */
  pause(reason: string): void;
  /** As `pause`, and every session ends; until the next `announce` newcomers are refused, and every job is stale. */
  letGo(reason: string): void;
  /** Shows out everybody whom a new ban is about. */
  evict(ban: Ban): void;
  /** Reads the TLS certificate again. */
  reload(): void;
  /** Lets somebody in again whose ban was lifted. */
  pardon(address: string): void;
  status(): GatewayStatus;
  /** What an address's workers have done; undefined where none is connected. Rejects where that can not be told now. */
  miner(query: MinerQuery): Promise<MinerView | undefined>;
  /** How the journals of gateways in processes of their own are, as they last reported. */
  journals(): ShareLogStatus[];
  /** Takes no more work, waits until what was taken is answered, and closes every connection. */
  close(): Promise<void>;
}

/** Where a gateway listens, as URLs. */
export interface StratumEndpoints {
  readonly stratumTcp?: string;
  readonly stratumWebsocket?: string;
  readonly stratumTls?: string;
}

export interface StratumPorts {
  readonly tcp?: number;
  readonly websocket?: number;
  readonly tls?: number;
}

const TICK_MS = 1000;
/** What is in flight at the close gets this long to reach the disk. */
const DRAIN_MS_MAX = 4000;
/** Gateways that one boot can have, and with them the first bits of an extranonce1: 2^22 sessions are left to each. */
const INCARNATION_BITS = 10;
export const INCARNATIONS_MAX = 2 ** INCARNATION_BITS;
const SESSIONS_PER_INCARNATION = 2n ** 32n;

/** Starts a gateway, its kernels warmed up; it does not listen yet. */
export async function startGateway(options: GatewayOptions, modules: GatewayModules): Promise<LocalGateway> {
  const { stratum, network, epoch, incarnation } = options;
  const { clock, contain, logger, metrics, recorder, solved, bans, neighbours } = modules;
  const budget = descriptorBudget();
  sayConnections(stratum.limits.connections, budget, logger);
  const door = new Door(doorOptions(stratum, budget?.connections), { clock, logger, bans, neighbours });
  const observe = (share: JudgedShare): void => {
    modules.observe(share);
    door.observe(share);
  };
  const jobs = new JobStore({ jobsMax: limits.jobsMax });
  const seen = new SeenHeaders(
    { headersMax: limits.seenPerTipMax },
    {
      closedEarly: (serial) =>
        logger.warn({ serial }, 'too many shares to remember: an old job is closed, its late shares are stale'),
      // Not among the shares of a batch, which the new job would come in between.
      wantsJob: () => setImmediate(modules.wantsJob),
    },
  );
  const runners = await startRunners({ threads: verifyThreads(options.verify.threads) }, options.kernel);
  let idle = (): void => {};
  const verifier = new Verifier(
    {
      sharesInFlightMax: limits.sharesInFlightMax,
      batchMax: limits.kernelBatchMax,
      versionMask: stratum.versionMask,
    },
    {
      clock,
      contain,
      jobs,
      seen,
      recorder,
      foundBlock: (share) => solved(solutionOf(share)),
      observe,
      inline: runners.inline,
      workers: runners.workers,
      defer: setImmediate,
      workerFailed: (err) => logger.error({ err }, 'a verification worker failed; its shares are hashed inline'),
      drained: () => idle(),
    },
  );
  const passwords = new QueueMeter(clock);
  const firstSessionId = BigInt(epoch * INCARNATIONS_MAX + incarnation) * SESSIONS_PER_INCARNATION;
  let sessionsBegun = 0n;
  const registry = new SessionRegistry(stratum, {
    clock,
    contain,
    logger,
    intake: verifier,
    authorize: authorizeBy(stratum, network, passwords),
    extranonces: new ExtranonceAllocator({ prefix: incarnation, prefixBits: options.shared ? INCARNATION_BITS : 0 }),
    newSessionId: () => firstSessionId + sessionsBegun++,
  });
  const listeners: Listener[] = [];
  let tls: TlsListener | undefined;
  const doorTicker = setInterval(() => contain.attempt('the door', () => door.tick()), DOOR_TICK_MS);
  const ticker = setInterval(() => contain.attempt('the sessions', () => registry.tick()), TICK_MS);
  const teller = neighbours && setInterval(() => contain.attempt('the neighbours', () => door.tell()), TELL_MS);

  async function listen(ports: StratumPorts = {}): Promise<StratumEndpoints> {
    const listenModules: ListenModules = { accept: counted(registry, metrics, door, contain), logger, door };
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
      ...(tcp && {
        stratumTcp: await open(
          'stratum+tcp',
          listenTcp({ ...shared, ...tcp, port: ports.tcp ?? tcp.port }, listenModules),
        ),
      }),
      ...(websocket && {
        stratumWebsocket: await open(
          'stratum+ws',
          listenWebSocket(
            {
              ...shared,
              ...websocket,
              port: ports.websocket ?? websocket.port,
              shared: options.shared,
              origins: stratum.websocketOrigins,
            },
            listenModules,
          ),
        ),
      }),
      ...(secure && {
        stratumTls: await open(
          'stratum+tls',
          listenTls(
            { ...shared, ...secure.listen, port: ports.tls ?? secure.listen.port, certificate: secure },
            listenModules,
          ).then((listener) => {
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
    clearInterval(teller);
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
      jobs.add(job);
      seen.retain(({ serial }) => jobs.find(serial) !== undefined, job.serial);
      registry.broadcast(job);
    },
    listen,
    pause: (reason) => registry.pause(reason),
    letGo(reason) {
      jobs.retire();
      registry.letGo(reason);
    },
    evict: (ban) => door.evict(ban),
    reload: () => tls?.reload(),
    // It records in the pool's own.
    journals: () => [],
    // The ban book is the one that the ban was lifted in.
    pardon: () => {},
    status() {
      const { authorizedWorkers, ...session } = registry.counters;
      return {
        sessions: registry.sessions,
        workers: authorizedWorkers,
        sharesInFlight: verifier.inFlight,
        seen: seen.status,
        session: { ...session, protocolErrors: { ...session.protocolErrors } },
        door: { ...door.counters },
        passwords: passwords.counts,
        listeners: listeners.map(({ counters }) => counters).reduce(addCounts, NO_STATUS.listeners),
      };
    },
    miner: async (query) => registry.miner(query),
    close,
  };
}

/** Says how many connections are possible in this process, and what to raise if that is less than configured. */
function sayConnections(configured: number, budget: DescriptorBudget | undefined, logger: Logger): void {
  if (budget === undefined) return;
  const { connections, descriptors, reserved } = budget;
  const fields = { connections: Math.min(configured, connections), configured, descriptors, reserved };
  if (connections >= configured) logger.info(fields, 'connections possible in this process');
  else {
    logger.warn(
      { ...fields, descriptorsWanted: configured + reserved },
      'fewer connections are possible than configured: raise the limit of open files (ulimit -n, LimitNOFILE=)',
    );
  }
}

/** 0 = one for each core that the event loop leaves. */
function verifyThreads(configured: number): number {
  return configured === 0 ? Math.max(1, availableParallelism() - 1) : configured;
}

/** The registry's handler for each wire, with its connection counted while it is open, and known to the door. */
function counted(
  registry: SessionRegistry,
  metrics: Metrics,
  door: Door,
  contain: Containment,
): (wire: Wire) => WireHandler | undefined {
  return (wire) => {
    let handler: WireHandler | undefined;
    contain.attempt('a new connection', () => {
      handler = registry.accept(wire);
    });
    return handler && connected(handler, wire);
  };

  function connected(handler: WireHandler, wire: Wire): WireHandler {
    metrics.opened(wire.transport);
    // A session is what shares come back under.
    door.bind(handler, wire);
    return {
      onMessage: (bytes, begin, end) => handler.onMessage(bytes, begin, end),
      onClose: () => {
        metrics.closed(wire.transport);
        door.release(handler);
        contain.attempt('a closed connection', () => handler.onClose());
      },
    };
  }
}
