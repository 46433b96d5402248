import { randomInt } from 'node:crypto';
import { availableParallelism } from 'node:os';
import type { Network } from '#base/bitcoin/address';
import type { StratumConfig } from '#base/config/config';
import type { Containment } from '#base/domain/contain';
import type { Job } from '#base/domain/job';
import type { MinerQuery, MinerView } from '#base/domain/miner';
import type { Ban, Clock, Logger, ShareRecorder } from '#base/domain/ports';
import type { JudgedShare, Solution } from '#base/domain/share';
import { limits } from '#base/limits';
import { QueueMeter } from '#base/std/queue-meter';
import { within } from '#base/std/within';
import type { Metrics } from '#base/telemetry/metrics';
import { type DescriptorBudget, descriptorBudget } from '#front/net/door/descriptors';
import { DOOR_TICK_MS, Door } from '#front/net/door/door';
import { doorOptions } from '#front/net/door/door-options';
import type { BanBook } from '#front/net/door/judge';
import { type Neighbours, TELL_MS } from '#front/net/door/neighbours';
import { lines } from '#front/net/listen/lines';
import { Turns } from '#front/net/listen/turns';
import { WaitingBytes } from '#front/net/listen/waiting-bytes';
import { ExtranonceAllocator } from '#front/session/extranonces/extranonce';
import { type OwnCoinbaseFees, payees } from '#front/session/login/payees';
import { authorizeBy } from '#front/session/login/policy';
import { SessionRegistry } from '#front/session/workers/registry';
import { StratumV1 } from '#front/stratum/v1/stratum-v1';
import type { KernelCode } from '#shares/kernel/kernel';
import type { ShareLogStatus } from '#shares/sharelog/share-log';
import { solutionOf } from '#shares/verify/found-block';
import { type Runners, startRunners } from '#shares/verify/runners';
import { SeenHeaders } from '#shares/verify/seen';
import { Verifier } from '#shares/verify/verifier';
import { JobStore } from '#work/jobs/store';
import { makeCurrent } from './answerable-jobs.ts';
import { Listeners, type StratumEndpoints, type StratumPorts } from './listeners.ts';
import type { GatewayStatus } from './status.ts';

export interface GatewayOptions {
  readonly network: Network;
  readonly stratum: StratumConfig;
  readonly verify: { readonly threads: number };
  readonly kernel: KernelCode;
  /** Counted in the data folder: with the incarnation, the part of session ids that no other gateway ever has. */
  readonly epoch: number;
  /**
   * The gateway's number in this epoch, from 0; a replacement gets a new number. The number is the first part of the gateway's
   * extranonces, so a share of one gateway can never be submitted to another.
   */
  readonly incarnation: number;
  /** True if other processes listen on the same ports. */
  readonly shared: boolean;
  /** What the pool keeps of blocks whose coinbases pay the accounts that found them; undefined if no coinbase does. */
  readonly ownCoinbases: OwnCoinbaseFees | undefined;
  /** Jobs have shorter coinbases for devices that take no longer ones. */
  readonly sizedCoinbases: boolean;
}

export interface GatewayModules {
  readonly clock: Clock;
  readonly contain: Containment;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly recorder: Pick<ShareRecorder, 'share' | 'closed' | 'commit'>;
  /** A block candidate: it goes to the node before anything else happens. */
  readonly solved: (solution: Solution) => void;
  readonly observe: (share: JudgedShare) => void;
  /** A newer job is wanted soon, on the same tip: the current one has had too many shares to remember many more. */
  readonly wantsJob: () => void;
  readonly bans: BanBook;
  /** The pool's other gateways, where there are any. */
  readonly neighbours?: Neighbours;
}

/** A gateway in this process. It records shares in the journal of the jobs, so their order is given. */
export interface LocalGateway extends Gateway {
  announce(job: Job): void;
}

/** Everything between the sockets and the log: net, session, verify. */
export interface Gateway {
  /** Makes the job current and sends it to every miner. `recorded`: its row is on the disk. */
  announce(job: Job, recorded: Promise<void>): void;
  /**
   * Opens the ports; resolves with their URLs. To be called when there is a job. `ports` replace the ports of the config.
   */
  listen(ports?: StratumPorts): Promise<StratumEndpoints>;
  /** There is no work until the next `announce`; all clients get the reason. */
  pause(reason: string): void;
  /** As `pause`, and all sessions are closed. Until the next `announce` new clients are refused and every job is stale. */
  letGo(reason: string): void;
  /** Closes all connections that a new ban covers. */
  evict(ban: Ban): void;
  /** Reads the TLS certificate again. */
  reload(): void;
  /** The address's ban was lifted: its connections are accepted again. */
  pardon(address: string): void;
  status(): GatewayStatus;
  /** What an address's workers have done; undefined if none is connected. Rejects if that can not be told now. */
  miner(query: MinerQuery): Promise<MinerView | undefined>;
  /** The status of the journals of gateway processes, as last reported. */
  journals(): ShareLogStatus[];
  /** Refuses further shares, waits until all accepted ones are answered, and closes every connection. */
  close(): Promise<void>;
}

const TICK_MS = 1000;
/** Time for shares in flight at the close to reach the disk. */
const DRAIN_MS_MAX = 4000;
/** Gateways that one boot can have, and with them the first bits of an extranonce1: 2^22 sessions are left to each. */
const INCARNATION_BITS = 10;
export const INCARNATIONS_MAX = 2 ** INCARNATION_BITS;
const SESSIONS_PER_INCARNATION = 2n ** 32n;

/** Starts a gateway, its kernels warmed up; it does not listen yet. */
export async function startGateway(options: GatewayOptions, modules: GatewayModules): Promise<LocalGateway> {
  const budget = descriptorBudget();
  sayConnections(options.stratum.limits.connections, budget, modules.logger);
  const runners = await startRunners({ threads: verifyThreads(options.verify.threads) }, options.kernel);
  return new EventLoopGateway(options, modules, runners, budget?.connections);
}

/** The gateway of this process's event loop. */
class EventLoopGateway implements LocalGateway {
  readonly #modules: GatewayModules;
  readonly #runners: Runners;
  readonly #door: Door;
  readonly #jobs = new JobStore({ jobsMax: limits.jobsMax });
  readonly #seen: SeenHeaders;
  readonly #verifier: Verifier;
  readonly #passwords: QueueMeter;
  readonly #registry: SessionRegistry;
  readonly #listeners: Listeners;
  readonly #timers: readonly NodeJS.Timeout[];
  #closing = false;
  /** Called whenever no share is in flight any more. */
  #idle = (): void => {};

  /** `connectionsHere`: what the process's descriptors leave. */
  constructor(options: GatewayOptions, modules: GatewayModules, runners: Runners, connectionsHere?: number) {
    const { stratum } = options;
    const { clock, contain, logger, bans, neighbours } = modules;
    this.#modules = modules;
    this.#runners = runners;
    this.#door = new Door(doorOptions(stratum, connectionsHere), { clock, logger, bans, neighbours });
    this.#seen = this.#createSeen();
    this.#verifier = this.#createVerifier(stratum.versionMask);
    this.#passwords = new QueueMeter(clock);
    this.#registry = this.#createRegistry(options);
    const stratum1 = new StratumV1(this.#registry, contain);
    this.#listeners = new Listeners(stratum, options.shared, {
      ...{ accept: (wire) => stratum1.accept(wire), framing: lines, logger, door: this.#door },
      turns: new Turns(),
      waiting: new WaitingBytes(limits.waitingBytesMax),
    });
    const every = (ms: number, what: string, act: () => void) => setInterval(() => contain.attempt(what, act), ms);
    this.#timers = [
      every(DOOR_TICK_MS, 'the door', () => this.#door.tick()),
      every(TICK_MS, 'the sessions', () => this.#registry.tick()),
      ...(neighbours ? [every(TELL_MS, 'the neighbours', () => this.#door.tell())] : []),
    ];
  }

  announce(job: Job): void {
    // The journal may be closed already.
    if (this.#closing) return;
    makeCurrent(job, {
      ...{ jobs: this.#jobs, seen: this.#seen, recorder: this.#modules.recorder },
      whenApplied: (then) => this.#verifier.whenApplied(then),
    });
    this.#registry.broadcast(job);
  }

  listen(ports?: StratumPorts): Promise<StratumEndpoints> {
    return this.#listeners.open(ports);
  }

  pause(reason: string): void {
    this.#registry.pause(reason);
  }

  letGo(reason: string): void {
    this.#jobs.retire();
    this.#registry.letGo(reason);
  }

  evict(ban: Ban): void {
    this.#door.evict(ban);
  }

  reload(): void {
    this.#listeners.reload();
  }

  /** None: it records in the pool's own. */
  journals(): ShareLogStatus[] {
    return [];
  }

  /** Nothing to do: the ban was lifted in this process's bans. */
  pardon(): void {}

  status(): GatewayStatus {
    const { authorizedWorkers, ...session } = this.#registry.counters;
    return {
      sessions: this.#registry.sessions,
      workers: authorizedWorkers,
      sharesInFlight: this.#verifier.inFlight,
      seen: this.#seen.status,
      session: { ...session, protocolErrors: { ...session.protocolErrors } },
      door: { ...this.#door.counters },
      passwords: this.#passwords.counts,
      listeners: this.#listeners.counts,
    };
  }

  async miner(query: MinerQuery): Promise<MinerView | undefined> {
    return this.#registry.miner(query);
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#registry.stopHearing();
    for (const timer of this.#timers) clearInterval(timer);
    this.#door.close();
    this.#listeners.stopAccepting();
    // Shares already read are judged, logged and answered before their connections go.
    await within(this.#drained(), DRAIN_MS_MAX);
    this.#registry.closeAll();
    await this.#listeners.close();
    await this.#runners.close();
  }

  /** Resolves when the bytes already received are handled and no share is in flight. */
  #drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#idle = resolve;
      setImmediate(() => {
        if (this.#verifier.inFlight === 0) resolve();
      });
    });
  }

  #createSeen(): SeenHeaders {
    const { logger, wantsJob } = this.#modules;
    return new SeenHeaders(
      { headersMax: limits.seenPerTipMax },
      {
        closedEarly: (serial) =>
          logger.warn({ serial }, 'too many shares to remember: an old job is closed, its late shares are stale'),
        // Not among the shares of a batch, which the new job would come in between.
        wantsJob: () => setImmediate(wantsJob),
      },
    );
  }

  #createVerifier(versionMask: number): Verifier {
    const { clock, contain, logger, recorder, solved, observe } = this.#modules;
    return new Verifier(
      {
        sharesInFlightMax: limits.sharesInFlightMax,
        blocksInFlightMax: limits.blocksInFlightMax,
        batchMax: limits.kernelBatchMax,
        turnMax: limits.sharesPerTurnMax,
        versionMask,
      },
      {
        clock,
        contain,
        jobs: this.#jobs,
        seen: this.#seen,
        recorder,
        foundBlock: (share) => solved(solutionOf(share)),
        observe,
        inline: this.#runners.inline,
        workers: this.#runners.workers,
        defer: setImmediate,
        workerFailed: (err) => logger.error({ err }, 'a verification worker failed; its shares are hashed inline'),
        drained: () => this.#idle(),
      },
    );
  }

  #createRegistry({
    stratum,
    network,
    epoch,
    incarnation,
    shared,
    ownCoinbases,
    sizedCoinbases,
  }: GatewayOptions): SessionRegistry {
    const { clock, contain, logger, metrics } = this.#modules;
    const firstSessionId = BigInt(epoch * INCARNATIONS_MAX + incarnation) * SESSIONS_PER_INCARNATION;
    // Begins at random: a data folder that is set back to an older copy counts the same epoch again.
    let sessionsBegun = BigInt(randomInt(Number(SESSIONS_PER_INCARNATION)));
    return new SessionRegistry(stratum, {
      clock,
      contain,
      logger,
      intake: this.#verifier,
      connections: metrics,
      authorize: authorizeBy(stratum, network, this.#passwords),
      payeeOf: ownCoinbases && payees(ownCoinbases, network),
      sizedCoinbases,
      extranonces: new ExtranonceAllocator({ prefix: incarnation, prefixBits: shared ? INCARNATION_BITS : 0 }),
      newSessionId: () => firstSessionId + (sessionsBegun++ % SESSIONS_PER_INCARNATION),
    });
  }
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
