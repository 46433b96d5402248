import type { Containment } from '#base/domain/contain';
import type { Job } from '#base/domain/job';
import type { MinerQuery, MinerView } from '#base/domain/miner';
import type { Ban, Logger } from '#base/domain/ports';
import type { Solution } from '#base/domain/share';
import type { Metrics } from '#base/telemetry/metrics';
import type { Bans } from '#front/net/door/bans';
import { type Gateway, INCARNATIONS_MAX } from '#gateway/gateway';
import type { StratumEndpoints } from '#gateway/listeners';
import type { GatewayStatus } from '#gateway/status';
import type { Deliveries } from '#shares/sharelog/consumers/deliveries';
import { gatewayJournal } from '#shares/sharelog/journal/journals';
import type { ShareLogStatus } from '#shares/sharelog/share-log';
import { Aggregate } from './aggregate.ts';
import { choosePorts } from './free-port.ts';
import { GatewayNumbers } from './gateway-numbers.ts';
import { gatewayForker } from './gateway-process.ts';
import type { GatewayStart } from './messages.ts';
import { Relay } from './relay.ts';
import { type Prepared, Supervisor } from './supervisor.ts';

export interface GatewaysOptions extends Omit<GatewayStart, 'incarnation' | 'journal' | 'bans'> {
  /** Processes, at least 1. */
  readonly count: number;
}

export interface GatewaysModules {
  readonly contain: Containment;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly bans: Pick<Bans, 'punish' | 'records'>;
  readonly deliveries: Deliveries;
  /** Counts a further epoch of the data folder. */
  readonly nextEpoch: () => number;
  /** Resolves when the block can not be lost any more. */
  readonly solved: (solution: Solution) => Promise<void>;
  /** A gateway wants a newer job soon: see GatewayModules. */
  readonly wantsJob: () => void;
  /** Difficulty of the shares accepted since the last call. */
  readonly worked: (difficulty: number) => void;
}

/**
 * Runs several gateway processes as one gateway. Each process has its own event loop, sessions, kernel and journal. All listen on
 * the same ports: TCP over one socket that node:cluster shares, WebSocket over SO_REUSEPORT. Jobs and bans come from this
 * process. A gateway that dies is replaced; its miners reconnect.
 */
export async function startGateways(options: GatewaysOptions, modules: GatewaysModules): Promise<Gateway> {
  const gateways = new Gateways(options, modules);
  await gateways.start();
  return gateways;
}

class Gateways implements Gateway {
  readonly #options: GatewaysOptions;
  readonly #modules: GatewaysModules;
  readonly #numbers: GatewayNumbers;
  readonly #supervisor: Supervisor;
  readonly #relay: Relay;
  readonly #aggregate: Aggregate;

  constructor(options: GatewaysOptions, modules: GatewaysModules) {
    this.#options = options;
    this.#modules = modules;
    const { contain, logger, nextEpoch } = modules;
    this.#numbers = new GatewayNumbers({ epoch: options.epoch, incarnationsMax: INCARNATIONS_MAX }, nextEpoch);
    const members = () => this.#supervisor.members;
    this.#relay = new Relay({ ...modules, members });
    this.#aggregate = new Aggregate({ ...modules, members });
    const each = [this.#relay, this.#aggregate];
    this.#supervisor = new Supervisor(options, {
      contain,
      logger,
      fork: gatewayForker(),
      prepare: (slot) => this.#prepare(slot),
      joined: (member) => this.#relay.joined(member),
      left: (member) => {
        for (const part of each) part.left(member);
      },
      heard: (member, message) => {
        for (const part of each) part.heard(member, message);
      },
    });
  }

  async start(): Promise<void> {
    try {
      await this.#supervisor.start();
    } catch (error) {
      await this.#supervisor.kill();
      throw error;
    }
  }

  announce(job: Job, recorded: Promise<void>): void {
    this.#relay.announce(job, recorded);
  }

  async listen(): Promise<StratumEndpoints> {
    return this.#supervisor.listen(await choosePorts(this.#options.stratum));
  }

  pause(reason: string): void {
    this.#relay.pause({ type: 'pause', reason });
  }

  letGo(reason: string): void {
    this.#relay.pause({ type: 'let-go', reason });
  }

  evict(ban: Ban): void {
    this.#relay.broadcast({ type: 'ban', ban });
  }

  pardon(address: string): void {
    this.#relay.broadcast({ type: 'pardon', address });
  }

  reload(): void {
    this.#relay.broadcast({ type: 'reload' });
  }

  status(): GatewayStatus {
    return this.#aggregate.status();
  }

  journals(): ShareLogStatus[] {
    return this.#aggregate.journals();
  }

  miner(query: MinerQuery): Promise<MinerView | undefined> {
    return this.#aggregate.miner(query);
  }

  close(): Promise<void> {
    return this.#supervisor.close();
  }

  #prepare(slot: number): Prepared {
    const { count: _, ...shared } = this.#options;
    const number = this.#numbers.take(this.#relay.oldestSerial);
    if (number === undefined) throw new Error('every gateway number is in use until there is a newer job');
    return {
      start: () => ({ ...shared, ...number, journal: gatewayJournal(slot), bans: this.#modules.bans.records() }),
      ended: () => this.#numbers.free(number, this.#relay.newestSerial),
    };
  }
}
