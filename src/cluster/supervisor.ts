import type { Containment } from '#base/domain/contain';
import type { Logger } from '#base/domain/ports';
import { Backoff } from '#base/std/backoff';
import { LATE, within } from '#base/std/within';
import type { StratumEndpoints, StratumPorts } from '#gateway/listeners';
import type { GatewayProcess } from './gateway-process.ts';
import type { FromGateway, GatewayStart } from './messages.ts';

/** A gateway that has started, until it ends. */
export interface Member {
  readonly slot: number;
  readonly process: GatewayProcess;
}

/** A gateway that is about to be started. */
export interface Prepared {
  /** The start parameters; called when the process can receive them. */
  readonly start: () => GatewayStart;
  /** Called when its process has ended. */
  readonly ended: () => void;
}

export interface SupervisorModules {
  readonly contain: Containment;
  readonly logger: Logger;
  readonly fork: () => GatewayProcess;
  /** A gateway for this slot. Throws if none can be started now. */
  readonly prepare: (slot: number) => Prepared;
  /** A gateway has its kernel, its log and no job yet. */
  readonly joined: (member: Member) => void;
  /** A gateway that had joined has ended. */
  readonly left: (member: Member) => void;
  /** A message of a gateway, also of one that has not joined yet. */
  readonly heard: (member: Member, message: FromGateway) => void;
}

/** Delay before an ended gateway is replaced; the delay grows each time the replacement dies young. */
const RESTART = { msMin: 200, msMax: 10_000 };
/** A gateway that lived for so long did not die young. */
const YOUNG_MS = 60_000;
const CLOSE_MS_MAX = 8_000;

/** Keeps a gateway process running in each of a number of slots. */
export class Supervisor {
  readonly #modules: SupervisorModules;
  readonly #backoffs: readonly Backoff[];
  readonly #members = new Map<number, Member>();
  /** Every process that has not ended, also one that is no member yet. */
  readonly #alive = new Set<GatewayProcess>();
  /** Where all of them listen; undefined before they do. */
  #ports: StratumPorts | undefined;
  #closing = false;

  constructor({ count }: { readonly count: number }, modules: SupervisorModules) {
    this.#modules = modules;
    this.#backoffs = Array.from({ length: count }, () => new Backoff(RESTART));
  }

  get members(): readonly Member[] {
    return [...this.#members.values()];
  }

  /** Starts a gateway in each slot; rejects if one of them does not start. */
  async start(): Promise<void> {
    await Promise.all(this.#backoffs.map((_, slot) => this.#begin(slot)));
  }

  /** Has all of them listen on these ports, and those that will replace them; resolves with where that is. */
  async listen(ports: StratumPorts): Promise<StratumEndpoints> {
    this.#ports = ports;
    const [endpoints] = await Promise.all(this.members.map((member) => listenOn(member, ports)));
    if (!endpoints) throw new Error('gateways: none is running');
    return endpoints;
  }

  /** Asks all gateways to close, and ends those that take too long. */
  async close(): Promise<void> {
    this.#closing = true;
    const members = new Set(this.members.map(({ process }) => process));
    await Promise.all([...this.#alive].map((process) => (members.has(process) ? closeInOrder(process) : end(process))));
  }

  /** Ends all of them as they are. */
  async kill(): Promise<void> {
    this.#closing = true;
    await Promise.all([...this.#alive].map(end));
  }

  /** Starts a gateway in a slot; resolves when it has joined. */
  async #begin(slot: number): Promise<Member> {
    const { contain, joined, heard } = this.#modules;
    const startedMs = performance.now();
    const { process, start } = this.#fork(slot);
    const member: Member = { slot, process };
    process.onMessage((message) => contain.attempt('a message of a gateway', () => heard(member, message)));
    await answer(process, 'hello');
    const started = answer(process, 'started');
    process.send({ type: 'start', start: start() });
    await started;
    void process.gone.then((reason) => this.#gone(member, reason, startedMs));
    this.#members.set(slot, member);
    joined(member);
    return member;
  }

  #fork(slot: number): { readonly process: GatewayProcess; readonly start: () => GatewayStart } {
    const { start, ended } = this.#modules.prepare(slot);
    try {
      const process = this.#modules.fork();
      this.#alive.add(process);
      void process.gone.then(() => {
        this.#alive.delete(process);
        ended();
      });
      return { process, start };
    } catch (error) {
      ended();
      throw error;
    }
  }

  #gone(member: Member, reason: string, startedMs: number): void {
    const { contain, left, logger } = this.#modules;
    const { slot } = member;
    this.#members.delete(slot);
    contain.attempt('the end of a gateway', () => left(member));
    if (this.#closing) return;
    logger.error({ gateway: slot, reason }, 'a gateway ended; a new gateway replaces it');
    if (performance.now() - startedMs >= YOUNG_MS) this.#backoffs[slot]?.reset();
    this.#replace(slot);
  }

  /** Starts another gateway in a slot, for as long as it takes. */
  #replace(slot: number): void {
    if (this.#closing) return;
    setTimeout(() => {
      if (this.#closing) return;
      this.#revive(slot).catch((error: unknown) => {
        this.#modules.logger.error({ gateway: slot, err: error }, 'a gateway did not start');
        if (!this.#members.has(slot)) this.#replace(slot);
      });
    }, this.#backoffs[slot]?.next());
  }

  async #revive(slot: number): Promise<void> {
    const member = await this.#begin(slot);
    if (this.#ports) await listenOn(member, this.#ports);
    this.#modules.logger.info({ gateway: slot }, 'a gateway was replaced');
  }
}

async function listenOn({ process }: Member, ports: StratumPorts): Promise<StratumEndpoints> {
  const listening = answer(process, 'listening');
  process.send({ type: 'listen', ports });
  return (await listening).endpoints;
}

async function closeInOrder(process: GatewayProcess): Promise<void> {
  process.send({ type: 'close' });
  if ((await within(process.gone, CLOSE_MS_MAX)) === LATE) await end(process);
}

async function end(process: GatewayProcess): Promise<void> {
  process.kill();
  await process.gone;
}

/** The next message of one type; rejects if the gateway fails or ends before. */
function answer<T extends FromGateway['type']>(
  process: GatewayProcess,
  type: T,
): Promise<Extract<FromGateway, { type: T }>> {
  return new Promise((resolve, reject) => {
    const off = process.onMessage((message) => {
      if (message.type !== type && message.type !== 'failed') return;
      off();
      if (message.type === type) resolve(message as Extract<FromGateway, { type: T }>);
      else if (message.type === 'failed') reject(new Error(message.reason));
    });
    void process.gone.then((reason) => {
      off();
      reject(new Error(`a gateway ended (${reason}) before it was ${type}`));
    });
  });
}
